"""Reservations: what they hold, when, and whether they admit us."""

from datetime import timedelta
from pathlib import Path

import pytest

from slurmfleet.slurm.reservations import Held, Reservation, parse_reservations
from slurmfleet.testing.moments import NOON

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "slurm"
VERSIONS = sorted(path.parent.parent.name for path in RECORDINGS.glob("*/reservations/stdout"))
AT = int(NOON.timestamp())


def one(words: str) -> Reservation:
    read = parse_reservations(f"ReservationName=r {words}")
    assert read.bad == ()
    (reservation,) = read.rows
    return reservation


@pytest.mark.parametrize("version", VERSIONS)
def test_a_recording_is_read(version: str):
    text = (RECORDINGS / version / "reservations" / "stdout").read_text()

    read = parse_reservations(text)

    assert read.bad == ()
    assert len(read.rows) == text.count("ReservationName=")
    zoo = next(reservation for reservation in read.rows if reservation.name == "zoo")
    assert (zoo.users, len(zoo.held), zoo.is_active(NOON)) == (("dave",), 1, False)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_kind_of_a_recording_is_read(version: str):
    text = (RECORDINGS / version / "reservations-kinds" / "stdout").read_text()

    read = parse_reservations(text)

    assert read.bad == ()
    assert len(read.rows) == text.count("ReservationName=") >= 2


def test_the_many_kinds_of_26_05_are_told_apart():
    text = (RECORDINGS / "26.05.5" / "reservations" / "stdout").read_text()

    found = {reservation.name: reservation for reservation in parse_reservations(text).rows}

    admitted = {name for name, one in found.items() if one.admits("alice", {"language"})}
    assert {name for name, one in found.items() if one.is_active(NOON)} == {"in-force"}
    assert found["licence"].held == {}
    assert len(found["maintenance"].held) == 7
    assert found["gpus"].held == {"sxm03": Held(cpus=60, gpus={"": 2})}
    assert admitted == {"course", "gpus", "licence"}


def test_whole_nodes_are_held_with_all_their_cpus():
    reservation = one("Nodes=n[1-2] NodeCnt=2 CoreCnt=64 Flags=SPEC_NODES TRES=cpu=128 Users=dave")

    assert reservation.held == {"n1": Held(cpus=64, gpus={}), "n2": Held(cpus=64, gpus={})}


def test_cores_are_held_where_the_groups_say():
    reservation = one(
        "Nodes=n[1-2] NodeCnt=2 CoreCnt=20 Flags=   NodeName=n1 CoreIDs=0-14"
        "   NodeName=n2 CoreIDs=0-3,8 TRES=cpu=40,gres/gpu:a100=4,gres/gpu=4 Users=dave"
    )

    assert reservation.held == {
        "n1": Held(cpus=30, gpus={"a100": 2}),
        "n2": Held(cpus=10, gpus={"a100": 2}),
    }


def test_cores_without_groups_are_spread_evenly():
    assert one("Nodes=n[1-3] CoreCnt=4 TRES=cpu=4 Users=dave").held == dict.fromkeys(
        ("n1", "n2", "n3"), Held(cpus=2, gpus={})
    )


def test_a_reservation_of_licences_holds_no_node():
    assert one("Nodes=(null) Licenses=matlab:2 TRES=(null) Users=dave").held == {}


def test_it_is_active_between_its_times():
    reservation = one(f"StartTime={AT} EndTime={AT + 60} State=INACTIVE")

    assert not reservation.is_active(NOON - timedelta(seconds=1))
    assert reservation.is_active(NOON)
    assert not reservation.is_active(NOON + timedelta(seconds=60))
    assert reservation.is_ahead(NOON - timedelta(seconds=1))


def test_slurms_word_counts_where_its_times_have_no_zone():
    times = "StartTime=2026-12-20T12:19:59 EndTime=2026-12-20T13:19:59"

    assert one(f"{times} State=ACTIVE").is_active(NOON)
    assert not one(f"{times} State=INACTIVE").is_active(NOON)


def test_a_floating_reservation_never_begins():
    reservation = one(f"StartTime={AT} EndTime={AT + 60} Flags=DAILY,TIME_FLOAT State=INACTIVE")

    assert not reservation.is_active(NOON)
    assert not reservation.is_ahead(NOON - timedelta(hours=1))


@pytest.mark.parametrize(
    ("words", "admitted"),
    [
        ("Users=alice,bob Accounts=(null)", True),
        ("Users=root Accounts=(null)", False),
        ("Users=-bob Accounts=(null)", True),
        ("Users=-alice,-bob Accounts=(null)", False),
        ("Users=(null) Accounts=ml", True),
        ("Users=(null) Accounts=bio", False),
        ("Users=(null) Accounts=-bio", True),
        ("Users=(null) Accounts=-ml,-physics", False),
        ("Users=alice Accounts=bio", False),
        ("Users=alice Accounts=physics", True),
        ("Users=(null) Groups=gpu Accounts=(null)", False),
        ("AllowedPartitions=(null) QOS=(null) Users=alice Accounts=(null)", True),
        ("AllowedPartitions=main QOS=(null) Users=alice Accounts=(null)", False),
        ("AllowedPartitions=(null) QOS=urgent Users=alice Accounts=(null)", False),
        ("Users=(null) Accounts=(null)", False),
    ],
)
def test_it_admits_whom_every_list_admits(words: str, *, admitted: bool):
    assert one(words).admits("alice", {"ml", "physics"}) is admitted


@pytest.mark.parametrize(
    "words", ["Nodes=n1 NodeName=n1 CoreIDs=all TRES=cpu=4", "Nodes=n[2-1]", "Nodes=a TRES=cpu=x"]
)
def test_a_malformed_reservation_costs_itself_alone(words: str):
    read = parse_reservations(f"ReservationName=a {words}\nReservationName=b Nodes=n9\n")

    assert [reservation.name for reservation in read.rows] == ["b"]
    assert len(read.bad) == 1
