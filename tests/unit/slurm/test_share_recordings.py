"""The readers of shares, limits and use on what real Slurm printed.

Recorded by deploy/testbed/record_shares.py on Slurm 22.05.8, 24.11.5 and 26.05.5.
"""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from slurmfleet.slurm.associations import Associations, parse_associations
from slurmfleet.slurm.faults import FaultKind, find_fault
from slurmfleet.slurm.frames import SectionOutput
from slurmfleet.slurm.qos import parse_qos
from slurmfleet.slurm.sreport import parse_usage
from slurmfleet.slurm.sshare import Shares, parse_shares

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "shares"
VERSIONS = sorted(path.name for path in RECORDINGS.iterdir())

by_version = pytest.mark.parametrize("version", VERSIONS)


def said(version: str, case: str) -> str:
    return (RECORDINGS / version / case / "stdout").read_text()


def test_every_version_has_the_same_cases():
    assert VERSIONS == ["22.05.8", "24.11.5", "26.05.5"]
    assert (
        len({frozenset(case.name for case in (RECORDINGS / one).iterdir()) for one in VERSIONS})
        == 1
    )


@by_version
def test_recording_says_when_and_how(version: str):
    for case in (RECORDINGS / version).iterdir():
        meta = json.loads((case / "meta.json").read_text())

        assert (meta["case"], meta["slurm_version"]) == (case.name, version)
        assert meta["how"] == "deploy/testbed/record_shares.py"


PARENTS = {
    "22.05.8": {
        "root": "",
        "ml": "root",
        "science": "root",
        "bio": "science",
        "physics": "science",
    },
    "24.11.5": {"root": "", "proj1": "root", "proj2": "root"},
    "26.05.5": {"root": "", "institute": "root", "language": "institute", "vision": "institute"},
}
MEMBERS = {
    "22.05.8": {("ml", "alice"), ("physics", "alice"), ("physics", "bob")},
    "24.11.5": {("proj1", "alice"), ("proj2", "bob")},
    "26.05.5": {("language", "alice"), ("vision", "alice"), ("vision", "bob")},
}


@by_version
def test_shares_are_the_tree_of_accounts_with_the_users_that_were_asked_for(version: str):
    shares = parse_shares(said(version, "shares"))

    assert shares.bad == ()
    assert {one.account: one.parent_account for one in shares.rows if not one.user} == PARENTS[
        version
    ]
    assert {(one.account, one.user) for one in shares.rows if one.user} == MEMBERS[version]
    assert all(one.level_fs is None for one in shares.rows if one.account == "root")


def test_shares_tell_their_numbers():
    shares = parse_shares(said("22.05.8", "shares"))
    (row,) = (one for one in shares.rows if one.account == "bio")

    assert (row.raw_shares, row.norm_shares, row.raw_usage_s) == (20, 0.333333, 23.0)
    assert (row.norm_usage, row.effective_usage) == (0.001847, 0.728774)
    assert (row.fair_share, row.level_fs) == (None, 0.457389)


def test_one_that_has_used_nothing_has_an_infinite_level():
    (bob,) = (one for one in parse_shares(said("22.05.8", "shares")).rows if one.user == "bob")

    assert bob.level_fs == float("inf")


def test_shares_of_the_parent_are_no_number():
    (bob,) = (one for one in parse_shares(said("26.05.5", "shares")).rows if one.user == "bob")

    assert (bob.raw_shares, bob.fair_share is None, bob.level_fs) == (None, False, None)


def test_limits_on_minutes_stand_beside_their_use():
    (vision,) = (
        one
        for one in parse_shares(said("26.05.5", "shares")).rows
        if one.account == "vision" and not one.user
    )

    assert vision.group_tres_minutes == {"cpu": 9_000_000, "gres/gpu": 600_000}
    assert set(vision.group_tres_minutes) <= set(vision.tres_minutes_used)
    assert 0 not in vision.tres_run_minutes.values()


@by_version
def test_unknown_user_adds_nothing_to_the_accounts(version: str):
    shares = parse_shares(said(version, "shares-unknown-user"))

    assert {one.account for one in shares.rows} == set(PARENTS[version])
    assert [one.user for one in shares.rows if one.user] == []


@by_version
def test_associations_are_the_same_tree(version: str):
    accounts = parse_associations(said(version, "associations"))
    users = parse_associations(said(version, "associations-users"))

    assert (accounts.bad, users.bad) == ((), ())
    assert {one.account: one.parent_account for one in accounts.rows} == PARENTS[version]
    assert {(one.account, one.user) for one in users.rows} == MEMBERS[version]


@by_version
def test_unknown_cluster_has_no_associations(version: str):
    told = parse_associations(said(version, "associations-unknown-cluster"))

    assert told == Associations(rows=(), bad=())


def test_limits_of_an_account_and_of_a_user():
    accounts = {
        one.account: one for one in parse_associations(said("26.05.5", "associations")).rows
    }
    (alice,) = (
        one
        for one in parse_associations(said("26.05.5", "associations-users")).rows
        if (one.account, one.user) == ("vision", "alice")
    )

    assert accounts["language"].group_tres == {"cpu": 1000, "gres/gpu": 3}
    assert accounts["language"].group_jobs == 50
    assert accounts["vision"].group_tres_run_minutes == {"gres/gpu": 400_000}
    assert alice.max_tres_per_job == {"gres/gpu": 12, "node": 3}
    assert alice.max_jobs == 200
    assert alice.qos == ("capped", "expensive", "long", "normal", "short")


def test_qos_with_limits():
    told = parse_qos(said("26.05.5", "qos"))
    by_name = {one.name: one for one in told.rows}

    assert told.bad == ()
    assert by_name["long"].group_tres == {"gres/gpu:a100-sxm4-80gb": 6, "gres/gpu": 8}
    assert by_name["capped"].max_tres_per_user == {"gres/gpu": 4}
    assert (by_name["capped"].max_jobs_per_user, by_name["capped"].max_submit_jobs_per_user) == (
        2,
        20,
    )
    assert (by_name["short"].flags, by_name["short"].max_wall_minutes) == (("DenyOnLimit",), 10)
    assert (by_name["expensive"].usage_factor, by_name["expensive"].group_wall_minutes) == (
        2.0,
        60_000,
    )


def test_qos_that_preempts():
    by_name = {one.name: one for one in parse_qos(said("24.11.5", "qos")).rows}

    assert by_name["prio"].preempts == ("standby",)


@by_version
def test_unknown_field_is_a_fault(version: str):
    folder = RECORDINGS / version / "qos-unknown-field"
    meta = json.loads((folder / "meta.json").read_text())
    output = SectionOutput(
        raw=(folder / "stdout").read_bytes(),
        stderr=(folder / "stderr").read_text(),
        exit_status=meta["exit_status"],
    )
    fault = find_fault(output)

    assert fault is not None
    assert fault.kind is FaultKind.INVALID_FORMAT


@by_version
def test_use_adds_up_from_users_to_their_account(version: str):
    report = parse_usage(said(version, "usage-today"))
    gpu_s = {(one.account, one.user): one.tres_seconds["gres/gpu"] for one in report.rows}
    accounts = [account for account, user in gpu_s if not user]
    leaf = next(one for one in accounts if any(user for name, user in gpu_s if name == one))

    assert report.bad == ()
    assert gpu_s[leaf, ""] == sum(
        gpu for (name, user), gpu in gpu_s.items() if user and name == leaf
    )
    assert timedelta(0) < report.until_at - report.since_at <= timedelta(days=1)


@by_version
def test_use_of_a_day_without_any(version: str):
    report = parse_usage(said(version, "usage-nothing"))

    assert (report.rows, report.bad) == ((), ())
    assert report.until_at - report.since_at == timedelta(days=1)


def test_nothing_at_all_is_no_shares():
    assert parse_shares("") == Shares(rows=(), bad=())
