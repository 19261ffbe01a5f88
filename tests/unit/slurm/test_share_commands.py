"""What is asked about shares, limits and use, and what never reaches a command line."""

from datetime import date

import pytest

from slurmfleet.slurm.errors import UnsafeArgumentError
from slurmfleet.slurm.share_commands import (
    account_associations_section,
    shares_section,
    usage_section,
    user_associations_section,
)

NASTY = ["", "a b", "x;id", "$(id)", "-a", "a,b", "a|b", "x\ny", "user=root"]


def test_users_are_asked_for_once():
    argv = shares_section(["ann", "ben", "ann"]).argv

    assert argv[:5] == ("sshare", "-n", "-P", "-u", "ann,ben")


def test_associations_of_accounts_are_those_of_no_user():
    argv = account_associations_section("alpha").argv

    assert argv[:8] == ("sacctmgr", "-r", "-n", "-P", "show", "assoc", "where", "cluster=alpha")
    assert argv[8] == "user="


def test_a_day_has_both_its_ends():
    argv = usage_section(date(2026, 12, 31), ["ml", "bio"], days_ago=1).argv

    assert argv[7:11] == (
        "AccountUtilizationByUser",
        "start=2026-12-31",
        "end=2027-01-01",
        "accounts=ml,bio",
    )


@pytest.mark.parametrize("name", NASTY)
def test_names_that_are_none_are_refused(name: str):
    for build in (
        lambda: shares_section([name]),
        lambda: user_associations_section("alpha", [name]),
        lambda: account_associations_section(name),
        lambda: usage_section(date(2026, 1, 1), [name], days_ago=0),
    ):
        with pytest.raises(UnsafeArgumentError):
            build()


def test_nobody_is_asked_about_nobody():
    with pytest.raises(UnsafeArgumentError):
        shares_section([])
