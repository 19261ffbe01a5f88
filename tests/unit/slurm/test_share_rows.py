"""Rows that no site of ours has: odd names, rows that are cut, shapes of other versions."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.slurm.associations import ASSOCIATION_COLUMNS, parse_associations
from slurmfleet.slurm.config import parse_config
from slurmfleet.slurm.errors import MalformedRowError, MalformedValueError, SlurmParseError
from slurmfleet.slurm.qos import parse_qos
from slurmfleet.slurm.sreport import Usage, parse_usage
from slurmfleet.slurm.sshare import SHARE_COLUMNS, parse_shares
from slurmfleet.slurm.tres_limits import (
    gpu_amounts,
    parse_tres_amounts,
    parse_tres_minutes,
    without_zeros,
)

HEAD = "Cluster/Account/User Utilization 1795564800 - 1795651199 (86400 secs)\n"


def share(account: str, *, user: str = "", raw_shares: str = "1", level_fs: str = "0.5") -> str:
    told = {"Account": account, "User": user, "RawShares": raw_shares, "LevelFS": level_fs}
    return "|".join(told.get(column, "") for column in SHARE_COLUMNS)


def test_account_with_a_bar_in_its_name_keeps_it():
    told = parse_shares("\n".join([share("root"), share(" a|b"), share("  a|b", user="ann")]))

    assert [(one.account, one.user, one.parent_account) for one in told.rows] == [
        ("root", "", ""),
        ("a|b", "", "root"),
        ("a|b", "ann", ""),
    ]


def test_row_that_cannot_be_read_has_no_children_by_mistake():
    rows = [share("root"), share(" a"), share(" b", raw_shares="many"), share("  c"), share(" d")]

    told = parse_shares("\n".join(rows))

    assert [(one.account, one.parent_account) for one in told.rows] == [
        ("root", ""),
        ("a", "root"),
        ("c", ""),
        ("d", "root"),
    ]
    assert [one.line for one in told.bad] == [share(" b", raw_shares="many")]


@pytest.mark.parametrize(
    ("text", "level"),
    [("inf", float("inf")), ("nan", None), ("-nan", None), ("", None), ("0.000000", 0.0)],
)
def test_level_that_is_no_common_number(text: str, level: float | None):
    (row,) = parse_shares(share("root", level_fs=text)).rows

    assert row.level_fs == level


def test_association_with_too_few_fields_costs_itself_alone():
    good = "|".join("ml" if column == "Account" else "" for column in ASSOCIATION_COLUMNS)

    told = parse_associations(f"{good}\nml|x\n")

    assert ([one.account for one in told.rows], len(told.bad)) == (["ml"], 1)


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("", {}),
        ("gres/gpu=6", {"gres/gpu": 6}),
        (
            "cpu=12,mem=64G,gres/gpu:h100=4,fs/disk=1T,license/a=b=5,billing=1000",
            {
                "cpu": 12,
                "mem": 65_536,
                "gres/gpu:h100": 4,
                "fs/disk": 1024**4,
                "license/a=b": 5,
                "billing": 1000,
            },
        ),
        ("mem=1.50T,cpu=2K", {"mem": 1_572_864, "cpu": 2048}),
        ("cpu=-1,gres/gpu=0", {"gres/gpu": 0}),
        ("mem=18446744073709551613", {"mem": 2**63 - 1}),
    ],
)
def test_amounts_by_resource(text: str, amounts: dict[str, int]):
    assert parse_tres_amounts(text) == amounts


def test_minutes_of_memory_are_a_bare_number():
    assert parse_tres_minutes("mem=108735") == {"mem": 108_735}


@pytest.mark.parametrize("text", ["cpu", "=3", "cpu=", "cpu=many", "cpu=1,,mem=2"])
def test_amounts_that_make_no_sense(text: str):
    with pytest.raises(MalformedValueError):
        parse_tres_amounts(text)


def test_gpus_of_any_type_and_by_type():
    amounts = {"gres/gpu": 8, "gres/gpu:h100": 4, "gres/gpumem": 9, "cpu": 0}

    assert gpu_amounts(amounts) == (8, {"h100": 4})
    assert gpu_amounts({"cpu": 1}) == (None, {})
    assert without_zeros(amounts) == {"gres/gpu": 8, "gres/gpu:h100": 4, "gres/gpumem": 9}


def test_report_without_its_time_is_refused():
    """SLURM_TIME_FORMAT was not obeyed: the zone of such a time is not known."""
    with pytest.raises(MalformedRowError):
        parse_usage(HEAD.replace("1795564800", "2026-11-25T00:00:00"))


def test_report_adds_up_a_user_of_several_partitions_and_keeps_what_it_cannot_read():
    told = parse_usage(
        HEAD
        + "Usage reported in TRES Seconds\n"
        + "-" * 80
        + "\nLogin|TRES Name|Used|Account\n"
        + "ann|cpu|5|a|b\nann|cpu|7|a|b\n|cpu|12%|a|b\nnonsense\n"
    )

    assert told.rows == (Usage(account="a|b", user="ann", tres_seconds={"cpu": 12}),)
    assert [one.line for one in told.bad] == ["|cpu|12%|a|b", "nonsense"]
    assert told.until_at == datetime(2026, 11, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "enforced"),
    [
        ("AccountingStorageEnforce = associations,limits,qos", True),
        ("AccountingStorageEnforce = associations,safe", True),
        ("AccountingStorageEnforce = associations", False),
        ("AccountingStorageEnforce = none", False),
        ("", None),
    ],
)
def test_whether_limits_hold(line: str, enforced: bool | None):  # noqa: FBT001
    assert parse_config(line).limits_enforced is enforced


@pytest.mark.parametrize(
    ("line", "has_accounting"),
    [
        ("AccountingStorageType   = accounting_storage/slurmdbd", True),
        ("AccountingStorageType   = accounting_storage/none", False),
        ("AccountingStorageType   = (null)", False),
        ("", None),
    ],
)
def test_whether_there_is_accounting(line: str, has_accounting: bool | None):  # noqa: FBT001
    assert parse_config(line).has_accounting is has_accounting


ROWS = st.text(alphabet=st.sampled_from("|, =:/0123456789-ainfmeusr\n\t\x00é."), max_size=200)


@given(ROWS)
def test_no_text_breaks_a_reader(text: str):
    parse_shares(text)
    parse_associations(text)
    parse_qos(text)
    parse_config(text)
    parse_usage(HEAD + text)
    with suppress(SlurmParseError):
        parse_tres_amounts(text)


@given(st.binary(max_size=300))
def test_no_bytes_at_all_break_a_reader(said: bytes):
    text = said.decode("utf-8", "replace")
    parse_shares(text)
    parse_associations(text)
    parse_qos(text)
    parse_usage(HEAD + text)
