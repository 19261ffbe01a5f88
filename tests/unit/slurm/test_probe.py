import pytest

from slurmfleet.contracts.commands import Ability
from slurmfleet.slurm.abilities import Abilities
from slurmfleet.slurm.columns import (
    ALL_DETAIL_COLUMNS,
    ANY_SLURM,
    GPU_COLUMNS,
    NEWER_DETAIL_COLUMNS,
    NODE_COLUMNS,
    QUEUE_COLUMNS,
    dialect_for,
)
from slurmfleet.slurm.frames import Frames, SectionOutput
from slurmfleet.slurm.probe import Probe, parse_probe

CONFIG = """\
Configuration data as of 2026-11-20T11:06:18
AccountingStorageParameters = (null)
AccountingStorageTRES   = cpu,mem,energy,node,billing,gres/gpu,gres/gpu:h100
AccountingStorageType   = accounting_storage/slurmdbd
ClusterName             = alpha
MessageTimeout          = 10 sec
MinJobAge               = 300 sec
PriorityType            = priority/multifactor
SelectType              = select/cons_tres
SlurmctldParameters     = rl_enable,rl_bucket_size=10
SlurmctldHost[0]        = alpha-login(127.0.0.1)

Slurmctld(primary) at alpha-login is UP
"""


def output(stdout: str, *, stderr: str = "", exit_status: int | None = 0) -> SectionOutput:
    return SectionOutput(raw=stdout.encode(), stderr=stderr, exit_status=exit_status)


def answers(**told: str | SectionOutput) -> Frames:
    return Frames(
        sections={
            f"probe_{name}": output(one) if isinstance(one, str) else one
            for name, one in told.items()
        },
        remote_epoch_s=None,
        done=True,
    )


def header(columns: tuple[str, ...], *unknown: str) -> str:
    return "".join(f"{'' if name in unknown else name.upper()}|" for name in columns) + "\n"


@pytest.mark.parametrize(
    ("words", "version"),
    [
        ("slurm-wlm 22.05.8\n", "22.05.8"),
        ("slurm 24.11.5\n", "24.11.5"),
        ("slurm 25.05.0-rc1\n", "25.05.0-rc1"),
        ("squeue: command not understood\n", ""),
    ],
)
def test_slurm_version_is_read(words: str, version: str):
    assert parse_probe(answers(version=words)).slurm_version == version


def test_answers_are_read():
    frames = answers(
        user="alice\n",
        version="slurm-wlm 24.11.5\n",
        path="/opt/slurm/bin:/bin\n",
        slurm_conf="/etc/slurm.conf\n",
        accounting_fields="Account   Reason\nReserved  Restarts  State\n",
        queue_fields=header(ALL_DETAIL_COLUMNS, "SLUID") + "a row|that may|follow",
        node_fields=header(NODE_COLUMNS),
        queue_help="  --only-job-state   Only query job state\n",
        data_parsers=output(
            "data_parser/v0.0.42\ndata_parser/v0.0.40\n", stderr="Possible data_parser plugins:\n"
        ),
        programs="/usr/bin/sstat\n/opt/slurm/bin/srun\n",
        config=CONFIG,
    )

    abilities = Abilities(
        slurm_version="24.11.5",
        queue_fields=frozenset(name.lower() for name in ALL_DETAIL_COLUMNS if name != "SLUID"),
        has_suffixes=True,
        node_fields=frozenset(name.lower() for name in NODE_COLUMNS),
        accounting_fields=frozenset({"account", "reason", "reserved", "restarts", "state"}),
        accounting_storage="accounting_storage/slurmdbd",
        counted_tres=("cpu", "mem", "energy", "node", "billing", "gres/gpu", "gres/gpu:h100"),
        has_only_job_state=True,
        data_parsers=("v0.0.40", "v0.0.42"),
        is_rate_limited=True,
        min_job_age_s=300,
        message_timeout_s=10,
        cluster_name="alpha",
        priority_type="priority/multifactor",
        select_type="select/cons_tres",
        programs=frozenset({"sstat", "srun"}),
    )
    assert parse_probe(frames) == Probe(
        user="alice",
        slurm_version="24.11.5",
        environment={"PATH": "/opt/slurm/bin:/bin", "SLURM_CONF": "/etc/slurm.conf"},
        abilities=abilities,
        dialect=dialect_for(abilities),
    )
    assert abilities.is_told
    assert abilities.has_accounting
    assert abilities.counts_gpus


def test_what_failed_or_never_came_is_not_known():
    failed = output("rubbish", exit_status=1)
    frames = Frames(sections={"probe_user": failed}, remote_epoch_s=None, done=False)

    assert parse_probe(frames) == Probe(
        user="", slurm_version="", environment={}, abilities=Abilities(), dialect=ANY_SLURM
    )


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("squeue: option '--json' doesn't allow an argument\n", 1),
        ("squeue: unrecognized option '--json=list'\n", 1),
    ],
)
def test_slurm_before_23_11_has_no_parser_to_be_asked_for(words: str, status: int):
    frames = answers(data_parsers=output("", stderr=words, exit_status=status))

    assert parse_probe(frames).abilities.data_parsers == ()


def test_a_list_of_parsers_that_failed_otherwise_is_not_known():
    frames = answers(data_parsers=output("", stderr="fatal: no config\n", exit_status=1))

    assert parse_probe(frames).abilities.data_parsers is None


def test_without_sacct_there_are_no_accounting_fields():
    missing = output("", stderr="bash: sacct: command not found\n", exit_status=127)

    assert (
        parse_probe(answers(accounting_fields=missing)).abilities.accounting_fields == frozenset()
    )


@pytest.mark.parametrize(
    ("told", "storage", "has_accounting"),
    [
        ("accounting_storage/slurmdbd", "accounting_storage/slurmdbd", True),
        ("accounting_storage/none", "accounting_storage/none", False),
        ("(null)", "", False),
    ],
)
def test_accounting_may_be_absent(told: str, storage: str, *, has_accounting: bool):
    abilities = parse_probe(answers(config=f"AccountingStorageType   = {told}\n")).abilities

    assert (abilities.accounting_storage, abilities.has_accounting) == (storage, has_accounting)


def test_a_header_in_columns_of_20_says_that_suffixes_are_not_understood():
    frames = answers(queue_fields="JOBID               USER                STATE\n")

    abilities = parse_probe(frames).abilities

    assert (abilities.queue_fields, abilities.has_suffixes) == (None, False)


def test_only_fields_that_are_known_are_asked():
    frames = answers(queue_fields=header(ALL_DETAIL_COLUMNS, "ExcNodes", "SLUID", "Licenses"))

    dialect = parse_probe(frames).dialect

    assert set(ALL_DETAIL_COLUMNS) - set(dialect.detail) == {"ExcNodes", "SLUID", "Licenses"}


def test_where_nothing_is_known_only_old_fields_are_asked():
    assert set(ALL_DETAIL_COLUMNS) - set(ANY_SLURM.detail) == set(NEWER_DETAIL_COLUMNS)
    assert ANY_SLURM.queue == QUEUE_COLUMNS


def test_a_site_that_counts_no_gpus_is_asked_for_requests():
    dialect = parse_probe(answers(config="AccountingStorageTRES = cpu,mem\n")).dialect

    assert dialect.queue == (*QUEUE_COLUMNS, *GPU_COLUMNS)


@pytest.mark.parametrize(
    ("version", "release"), [("24.11.5", (24, 11)), ("26.05.0-rc1", (26, 5)), ("", None)]
)
def test_a_release_is_year_and_month(version: str, release: tuple[int, int] | None):
    assert Abilities(slurm_version=version).release == release


def test_people_are_told_what_is_not_known_and_what_follows():
    told = {one.name: one for one in Abilities().told()}

    assert told["queue fields"] == Ability(
        name="queue fields", value="unknown", note="those of Slurm 20.11 are asked"
    )
    assert {one.value for one in told.values()} == {"unknown"}


def test_people_are_told_what_a_cluster_can_do():
    abilities = Abilities(
        slurm_version="24.11.5",
        has_suffixes=False,
        accounting_storage="",
        counted_tres=("cpu",),
        is_rate_limited=True,
        min_job_age_s=300,
        data_parsers=(),
        programs=frozenset({"srun", "lfs"}),
    )

    told = {one.name: (one.value, one.note) for one in abilities.told()}

    assert {name: told[name] for name in told if told[name][0] != "unknown"} == {
        "Slurm": ("24.11.5", ""),
        "field separators": ("no", "jobs cannot be read"),
        "accounting": ("none", "ends are known from the queue alone"),
        "GPUs counted": ("no", "worked out from requests"),
        "rate limit": ("yes", "requests are spaced out"),
        "ended jobs stay": ("300 s", ""),
        "JSON versions": ("none", ""),
        "programs": ("lfs srun", ""),
    }
    assert (abilities.has_program("lfs"), abilities.has_program("quota")) == (True, False)
