import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.slurm.abilities import Abilities
from slurmfleet.slurm.columns import (
    ANY_SLURM,
    DETAIL_COLUMNS,
    FREE_TEXT_COLUMNS,
    VOLATILE_COLUMNS,
    dialect_for,
)
from slurmfleet.slurm.commands import (
    Section,
    accounting_sections,
    detail_accounts_section,
    detail_section,
    probe_sections,
    queue_section,
)
from slurmfleet.slurm.errors import UnsafeArgumentError
from slurmfleet.slurm.records import PLAIN, Separators, separators_for

US, RS = PLAIN.field, PLAIN.record


def test_queue_is_asked_with_the_columns_that_counts_need():
    assert queue_section() == Section(
        name="queue",
        argv=(
            *("squeue", "-h", "-a", "-t", "all", "-O"),
            "JobArrayID:|,UserName:|,Account:|,Partition:|,State:|,tres-alloc:|,Reason:|",
        ),
        limit_s=30.0,
    )


def test_detail_names_each_user_once_and_ends_records():
    section = detail_section(["alice", "bob", "alice"], PLAIN, limit_s=5)

    asked = (*DETAIL_COLUMNS, *FREE_TEXT_COLUMNS, *VOLATILE_COLUMNS)
    columns = ",".join(f"{column}:{US}" for column in asked[:-1]) + f",PriorityLong:{RS}"
    assert section == Section(
        name="detail",
        argv=("squeue", "-h", "-a", "-t", "all", "-u", "alice,bob", "-O", columns),
        limit_s=5,
    )


def test_only_what_users_write_costs_a_long_separator():
    separators = Separators(field="\x1flong", record="\x1eend", inner=US)

    columns = detail_section(["alice"], separators).argv[-1].split(",")

    ends = dict(column.split(":") for column in columns)
    assert ends["JobID"] == ends["Nice"] == US
    assert ends["DeadLine"] == ends["WorkDir"] == ends["Comment"] == ends["Name"] == "\x1flong"
    assert ends["PriorityLong"] == "\x1eend"


def test_accounts_are_asked_by_account():
    section = detail_accounts_section(["ml-team", "bio"], PLAIN)

    assert section.name == "detail_accounts"
    assert section.argv[:7] == ("squeue", "-h", "-a", "-t", "all", "-A", "ml-team,bio")


@pytest.mark.parametrize("name", ["", "-x", "a,b", "a b", "a;id", "$(id)", "a\nb", "a" * 200])
def test_names_that_are_none_never_reach_a_command(name: str):
    for build in (detail_section, detail_accounts_section):
        with pytest.raises(UnsafeArgumentError) as caught:
            build(["alice", name], PLAIN)
        assert caught.value.value == name[:64]


def test_a_detail_of_nobody_is_refused():
    with pytest.raises(UnsafeArgumentError):
        detail_section([], PLAIN)


def test_accounting_asks_for_each_id_once_in_order():
    sections = accounting_sections([30, 5, 30], PLAIN, limit_s=7)

    columns = ",".join(ANY_SLURM.accounting)
    assert "Restarts" not in columns
    assert sections == (
        Section(
            name="accounting",
            argv=(
                *("sacct", "-a", "-X", "-n", "-P", f"--delimiter={US}"),
                *("-j", "5,30", "-o", columns),
            ),
            limit_s=7,
        ),
    )


def test_accounting_can_ask_for_restarts_and_every_run():
    dialect = dialect_for(Abilities(accounting_fields=frozenset({"restarts", "stdout"})))

    (section,) = accounting_sections([5], PLAIN, dialect, every_run=True)

    assert section.argv[1:6] == ("-a", "-X", "-n", "-P", "-D")
    assert section.argv[-1].endswith(",Reason,Restarts,StdOut,WorkDir,Comment,SubmitLine,JobName")


def test_accounting_of_many_jobs_is_asked_in_parts():
    sections = accounting_sections(range(1, 1_002), PLAIN)

    assert [section.name for section in sections] == ["accounting", "accounting-2", "accounting-3"]
    ids = [section.argv[section.argv.index("-j") + 1].split(",") for section in sections]
    assert [len(part) for part in ids] == [500, 500, 1]
    assert [int(one) for part in ids for one in part] == list(range(1, 1_002))


def test_accounting_of_no_jobs_asks_nothing():
    assert accounting_sections([], PLAIN) == ()


@pytest.mark.parametrize("raw_id", [0, -1, 2**32])
def test_numbers_that_are_no_job_are_refused(raw_id: int):
    with pytest.raises(UnsafeArgumentError):
        accounting_sections([1, raw_id], PLAIN)


def test_probe_asks_who_which_slurm_and_which_environment():
    asked = {section.name: section.argv for section in probe_sections()}

    assert {name: argv for name, argv in asked.items() if len(argv) < 4} == {
        "probe_user": ("id", "-un"),
        "probe_version": ("squeue", "--version"),
        "probe_queue_help": ("squeue", "--help"),
        "probe_data_parsers": ("squeue", "--json=list"),
        "probe_accounting_fields": ("sacct", "-e"),
        "probe_config": ("scontrol", "show", "config"),
        "probe_path": ("printenv", "PATH"),
        "probe_slurm_conf": ("printenv", "SLURM_CONF"),
        "probe_ld_library_path": ("printenv", "LD_LIBRARY_PATH"),
    }


def test_probe_asks_for_the_header_of_our_own_jobs_alone():
    asked = {section.name: section.argv for section in probe_sections()}

    *start, columns = asked["probe_queue_fields"]
    assert start == ["squeue", "-a", "--me", "-t", "BOOT_FAIL", "-O"]
    assert columns.startswith("JobArrayID:|,JobID:|,UserName:|")
    assert columns.endswith("Name:|,PriorityLong:|")
    assert asked["probe_node_fields"][:4] == ("sinfo", "-p", "slurmfleet-asks-for-the-header", "-O")


def test_probe_finds_programs_without_a_word_from_outside():
    asked = {section.name: section.argv for section in probe_sections()}

    assert asked["probe_programs"][:4] == ("bash", "-c", 'type -P "$@"; exit 0', "bash")
    assert {"nvidia-smi", "lfs", "srun", "timeout"} <= set(asked["probe_programs"])


@given(st.from_regex(r"[0-9a-f]{16,64}", fullmatch=True))
def test_separators_fit_squeues_format_and_do_not_tell_the_nonce(nonce: str):
    separators = separators_for(nonce)

    assert separators.field[0] == US
    assert separators.record[0] == RS
    assert separators.field[1:] == separators.record[1:]
    assert separators.field[1:] not in nonce
    assert "," not in separators.field


def test_separators_differ_by_call():
    one, other = separators_for("0" * 16), separators_for("1" * 16)

    assert one == separators_for("0" * 16)
    assert isinstance(one, Separators)
    assert one != other


@pytest.mark.parametrize("nonce", ["", "abc", "A" * 16, "0" * 65, "0" * 15 + "\n"])
def test_a_nonce_that_is_none_is_refused(nonce: str):
    with pytest.raises(UnsafeArgumentError):
        separators_for(nonce)
