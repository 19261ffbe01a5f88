"""How many more GPUs may run: the tree of limits, and what makes it unknowable."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from services.collector.surveys.headroom import (
    HeadRoom,
    HeadRooms,
    held_by,
)
from services.collector.surveys.qos_limits import QosUses, qos_head_rooms
from services.collector.surveys.seats import Seat
from slurmfleet.contracts.events import PartitionCount
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Job, JobState
from slurmfleet.contracts.shares import QosHeadRoom
from slurmfleet.slurm.associations import ASSOCIATION_COLUMNS, Association, parse_associations
from slurmfleet.slurm.qos import QOS_COLUMNS, Qos, parse_qos
from slurmfleet.slurm.sshare import SHARE_COLUMNS, ShareRow, parse_shares
from slurmfleet.testing.moments import NOON


def association(account: str, parent: str = "", *, user: str = "", **limits: str) -> Association:
    told = {"Account": account, "ParentName": parent, "User": user, **limits}
    row = "|".join(told.get(column, "") for column in ASSOCIATION_COLUMNS)
    (one,) = parse_associations(row).rows
    return one


def qos(name: str, **limits: str) -> Qos:
    told = {"Name": name, "Priority": "0", **limits}
    (one,) = parse_qos("|".join(told.get(column, "") for column in QOS_COLUMNS)).rows
    return one


def share(account: str, **told: str) -> ShareRow:
    row = "|".join({"Account": account, **told}.get(column, "") for column in SHARE_COLUMNS)
    (one,) = parse_shares(row).rows
    return one


def running(account: str, user: str, gpus: int, **more: object) -> PartitionCount:
    one = PartitionCount(
        partition="gpu", account=account, user=user, state=JobState.RUNNING, jobs=1, gpus=gpus
    )
    return replace(one, **cast("dict[str, Any]", more))


def rooms(
    associations: Sequence[Association],
    population: Sequence[PartitionCount] = (),
    *,
    shares: Sequence[ShareRow] = (),
    enforced: bool | None = None,
) -> HeadRooms:
    held = held_by(population, associations)
    return HeadRooms(associations, held=held, shares=shares, enforced=enforced)


ROOT = association("root")
SCIENCE = association("science", "root", GrpTRES="gres/gpu=10")
BIO = association("bio", "science", GrpTRES="gres/gpu=6")
CAROL = association("bio", user="carol")


def test_children_count_against_their_parents():
    tree = [ROOT, SCIENCE, BIO, association("physics", "science"), CAROL]
    told = rooms(tree, [running("bio", "carol", 2), running("physics", "bob", 7)])

    assert told.of(("bio", "carol", "")) == HeadRoom(
        gpus=1, bounded_by="account science: GrpTRES gres/gpu=10"
    )
    assert told.of(("root", "", "")) == HeadRoom(gpus=None)


def test_nearest_limit_of_the_path_counts():
    told = rooms([ROOT, SCIENCE, BIO, CAROL], [running("bio", "carol", 5)])

    assert told.of(("bio", "", "")) == HeadRoom(
        gpus=1, bounded_by="account bio: GrpTRES gres/gpu=6"
    )


def test_limit_that_was_lowered_below_what_runs_leaves_nothing():
    told = rooms([ROOT, SCIENCE, BIO], [running("bio", "carol", 9)])

    room = told.of(("bio", "", ""))

    assert room is not None
    assert room.gpus == 0


def test_what_waits_takes_nothing_and_what_is_suspended_does():
    population = [
        running("bio", "carol", 4, state=JobState.PENDING),
        running("bio", "carol", 3, state=JobState.SUSPENDED),
        running("bio", "carol", 9, state=JobState.COMPLETED),
    ]
    held = held_by(population, [ROOT, SCIENCE, BIO, CAROL])

    assert (held["science", "", ""].gpus, held["science", "", ""].gpus_pending) == (3, 4)
    assert held["bio", "carol", ""].gpus == 3


def test_no_limit_is_known_to_be_none():
    ml = association("ml", "root")

    assert rooms([ROOT, ml]).of(("ml", "", "")) == HeadRoom(gpus=None)


def test_account_whose_parent_is_hidden_leaves_nothing_to_say():
    assert rooms([ROOT, BIO, CAROL]).of(("bio", "carol", "")) is None
    assert rooms([ROOT]).of(("bio", "carol", "")) is None


def test_limits_that_are_not_enforced_are_none():
    told = rooms([ROOT, SCIENCE, BIO], [running("bio", "carol", 9)], enforced=False)

    assert told.of(("bio", "", "")) == HeadRoom(gpus=None)


def test_limit_on_something_that_is_not_counted_makes_it_at_most():
    ml = association("ml", "root", GrpTRES="cpu=100,gres/gpu=8")

    assert rooms([ROOT, ml]).of(("ml", "", "")) == HeadRoom(
        gpus=8, bounded_by="account ml: GrpTRES gres/gpu=8", at_most=True
    )


def test_memory_of_gpus_is_no_gpu():
    ml = association("ml", "root", GrpTRES="gres/gpumem=80G")

    assert rooms([ROOT, ml]).of(("ml", "", "")) == HeadRoom(gpus=None, at_most=True)


def test_limit_on_one_type_bounds_that_type_alone():
    ml = association("ml", "root", GrpTRES="gres/gpu=9,gres/gpu:h100=4")
    population = [running("ml", "ann", 3, gpus_by_type={"h100": 3})]

    assert rooms([ROOT, ml], population).of(("ml", "", "")) == HeadRoom(
        gpus=6, by_gpu_type={"h100": 1}, bounded_by="account ml: GrpTRES gres/gpu=9"
    )


def test_number_of_jobs_is_a_limit_too():
    ml = association("ml", "root", GrpJobs="2", MaxJobs="1")
    population = [running("ml", "ann", 1), running("ml", "ben", 0)]

    assert rooms([ROOT, ml], population).of(("ml", "", "")) == HeadRoom(
        gpus=0, bounded_by="account ml: GrpJobs=2"
    )


def test_users_share_of_jobs_is_his_own():
    ann, ben = (association("ml", user=user, MaxJobs="1") for user in ("ann", "ben"))
    told = rooms([ROOT, association("ml", "root"), ann, ben], [running("ml", "ann", 1)])

    assert told.of(("ml", "ann", "")) == HeadRoom(gpus=0, bounded_by="user ann in ml: MaxJobs=1")
    assert told.of(("ml", "ben", "")) == HeadRoom(gpus=None)


def test_minutes_that_are_used_up_let_nothing_start():
    ml = association("ml", "root", GrpTRESMins="gres/gpu=100")
    spent = share("ml", GrpTRESRaw="gres/gpu=100")

    assert rooms([ROOT, ml], shares=[spent]).of(("ml", "", "")) == HeadRoom(
        gpus=0, bounded_by="account ml: GrpTRESMins gres/gpu=100"
    )


def test_association_of_a_partition_takes_the_jobs_there():
    whole = association("ml", user="ann")
    special = association("ml", user="ann", Partition="gpu", GrpTRES="gres/gpu=4")
    population = [running("ml", "ann", 3), running("ml", "ann", 2, partition="debug")]
    tree = [ROOT, association("ml", "root"), whole, special]
    held = held_by(population, tree)
    room = rooms(tree, population).of(("ml", "ann", "gpu"))

    assert (held["ml", "ann", "gpu"].gpus, held["ml", "ann", ""].gpus) == (3, 2)
    assert held["ml", "", ""].gpus == 5
    assert room is not None
    assert room.gpus == 1


def test_a_circle_of_accounts_ends():
    tree = [association("a", "b"), association("b", "a")]

    assert rooms(tree, [running("a", "ann", 1)]).of(("a", "", "")) is None


def job(user: str, gpus: int, *, name: str, account: str = "ml", **more: object) -> Job:
    one = Job(
        job_id=JobId("1"),
        raw_id=1,
        submitted_at=NOON,
        state=JobState.RUNNING,
        user=user,
        account=account,
        qos=name,
        gpu_count=gpus,
    )
    return replace(one, **cast("dict[str, Any]", more))


def under_qos(ann: Association, qualities: Sequence[Qos], jobs: Sequence[Job], unseen: int = 0):
    seats = [Seat(job=one, running=1, submitted=1) for one in jobs]
    population = [running(one.account, one.user, one.gpu_count) for one in jobs]
    population += [running("ml", "zoe", 0) for _ in range(unseen)]
    return qos_head_rooms(ann, {one.name: one for one in qualities}, QosUses(seats, population, {}))


def test_qos_bounds_a_user_by_his_own_jobs_under_it():
    ann = association("ml", user="ann", QOS="capped,normal,unknown")
    qualities = [qos("capped", MaxTRESPU="gres/gpu=4", MaxJobsPU="2"), qos("normal")]
    jobs = [
        job("ann", 3, name="capped"),
        job("ann", 9, name="normal"),
        job("ben", 9, name="capped"),
    ]

    assert under_qos(ann, qualities, jobs, unseen=1) == (
        QosHeadRoom(qos="capped", gpus=1, bounded_by="MaxTRESPU gres/gpu=4"),
        QosHeadRoom(qos="normal"),
    )


def test_limit_on_everybody_under_a_qos_is_an_upper_bound():
    ann = association("ml", user="ann", QOS="long")
    limited = [qos("long", GrpTRES="gres/gpu=8")]
    told = under_qos(ann, limited, [job("ben", 3, name="long")], unseen=1)

    assert under_qos(ann, limited, [job("ben", 3, name="long")])[0].at_most is False
    assert told == (QosHeadRoom(qos="long", gpus=5, bounded_by="GrpTRES gres/gpu=8", at_most=True),)


def test_number_of_jobs_under_a_qos():
    ann = association("ml", user="ann", QOS="capped")
    told = under_qos(ann, [qos("capped", MaxJobsPU="1")], [job("ann", 0, name="capped")])

    assert told == (QosHeadRoom(qos="capped", gpus=0, bounded_by="MaxJobsPU=1"),)
