"""Which limit binds: Slurm's precedence, for CPUs, memory, nodes, GPUs, jobs and submitted jobs.

Cases are those of https://slurm.schedmd.com/resource_limits.html, "Hierarchy".
"""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.collector.jobs.tracked import Tracked
from services.collector.surveys.headroom import HeadRooms, held_by, key_of, used_by
from services.collector.surveys.qos_limits import QosUses
from services.collector.surveys.rooms import Rooms
from services.collector.surveys.seats import seats_of
from slurmfleet.contracts.events import PartitionCount
from slurmfleet.contracts.jobs import LEFT_QUEUE, Evidence, Job, JobState
from slurmfleet.contracts.shares import LimitUse, Room
from slurmfleet.slurm.associations import Association
from slurmfleet.slurm.partitions import Partition, parse_partitions
from slurmfleet.slurm.qos import Qos
from slurmfleet.testing.builders import a_job
from slurmfleet.testing.moments import NOON
from tests.unit.collector.surveys.test_headroom import association, qos

ROOT, ML = association("root"), association("ml", "root")
ANN = "user ann under QOS"


def user(**limits: str) -> Association:
    return association("ml", user="ann", **{"QOS": "normal", **limits})


def partition(name: str = "gpu", **told: str) -> Partition:
    words = {"PartitionName": name, "State": "UP", "QoS": "N/A", **told}
    (one,) = parse_partitions(" ".join(f"{key}={value}" for key, value in words.items())).rows
    return one


def job(job_id: str, **changes: object) -> Job:
    running = a_job(
        job_id,
        user="ann",
        account="ml",
        partition="gpu",
        state=JobState.RUNNING,
        node_names=("n1",),
        node_count=1,
        cpu_count=8,
        memory_mib=1_000,
        gpu_count=2,
    )
    return replace(running, **changes)


def count(one: Job, jobs: int = 1) -> PartitionCount:
    return PartitionCount(
        partition=one.partition,
        account=one.account,
        user=one.user,
        state=one.state,
        jobs=jobs,
        gpus=one.gpu_count * jobs,
        gpus_by_type=one.gpus_by_type,
    )


def rooms(
    tree: Sequence[Association],
    qualities: Sequence[Qos],
    *,
    jobs: Sequence[Job] = (),
    partitions: Sequence[Partition] | None = (),
    others: Sequence[PartitionCount] = (),
    is_followed: bool = True,
) -> dict[tuple[str, str], Room]:
    """Give the rooms of the last association of a tree by QOS and partition."""
    memory = {
        one.job_id: Tracked(
            job=one, revision=1, observed_at=NOON, source=Evidence.QUEUE, run_submitted_at=NOON
        )
        for one in jobs
    }
    seats = seats_of(memory)
    population = [*(count(seat.job, seat.submitted) for seat in seats), *others]
    maker = Rooms(
        HeadRooms(tree, held=held_by(population, tree), used=used_by(seats, tree)),
        uses=QosUses(seats, population, {one.name: one.qos for one in partitions or ()}),
        qualities={one.name: one for one in qualities},
        partitions=partitions,
    )
    told = maker.of(tree[-1], is_followed=is_followed)
    assert key_of(tree[-1])[0] == "ml"
    return {(one.qos, one.partition): one for one in told}


def limit(room: Room, name: str, tres: str = "") -> LimitUse | None:
    return next((one for one in room.limits if (one.name, one.tres) == (name, tres)), None)


def test_the_first_limit_of_the_hierarchy_holds_whether_it_is_less_or_more():
    # The page's own example: MaxJobs=20 in the partition QOS, MaxJobs=4 and MaxSubmitJobs=50 in
    # the user's association, nothing in the job's QOS.
    tree = [ROOT, ML, user(MaxJobs="4", MaxSubmit="50")]
    qualities = [qos("normal"), qos("part", MaxJobsPU="20")]

    told = rooms(tree, qualities, jobs=[job("1")], partitions=[partition(QoS="part")])

    assert told["normal", "gpu"].limits == (
        LimitUse(name="MaxJobsPU", owner=f"{ANN} part", used=1, allowed=20),
        LimitUse(name="MaxSubmit", owner="user ann in ml", used=1, allowed=50),
    )
    assert told["normal", ""].limits == (
        LimitUse(name="MaxJobs", owner="user ann in ml", used=1, allowed=4),
        LimitUse(name="MaxSubmit", owner="user ann in ml", used=1, allowed=50),
    )


@pytest.mark.parametrize(("flags", "allowed"), [("", 10), ("OverPartQOS", 3)])
def test_a_partitions_qos_comes_first_unless_the_jobs_qos_says_otherwise(flags: str, allowed: int):
    qualities = [
        qos("normal", MaxTRESPU="gres/gpu=3", Flags=flags),
        qos("part", MaxTRESPU="gres/gpu=10"),
    ]

    told = rooms([ROOT, ML, user()], qualities, partitions=[partition(QoS="part")])

    room = told["normal", "gpu"]
    assert (room.gpus, room.at_most) == (allowed, False)
    assert told["normal", ""].gpus == 3


def test_a_limit_of_a_qos_lifts_the_same_limit_of_every_account_above():
    tree = [ROOT, association("ml", "root", GrpTRES="gres/gpu=4,cpu=100"), user()]

    told = rooms(tree, [qos("normal", GrpTRES="gres/gpu=64")], jobs=[job("1")])

    room = told["normal", ""]
    assert (room.gpus, room.bounded_by) == (62, "QOS normal: GrpTRES gres/gpu=64")
    assert limit(room, "GrpTRES", "cpu") == LimitUse(
        name="GrpTRES", tres="cpu", owner="account ml", used=8, allowed=100
    )


@pytest.mark.parametrize("name", ["MaxJobsPU", "MaxJobsPA"])
def test_a_limit_of_a_qos_on_jobs_of_a_user_or_account_lifts_the_associations(name: str):
    told = rooms([ROOT, ML, user(MaxJobs="1")], [qos("normal", **{name: "7"})], jobs=[job("1")])

    assert [one.name for one in told["normal", ""].limits] == [name]


@pytest.mark.parametrize(
    ("tres", "used", "allowed"),
    [("cpu", 16, 16), ("mem", 2_000, 2_000), ("node", 2, 2)],
)
@pytest.mark.parametrize("name", ["MaxTRESPU", "MaxTRESPA", "GrpTRES"])
def test_no_gpu_is_left_where_what_it_needs_is_used_up(
    name: str, tres: str, used: int, allowed: int
):
    jobs = [job("1"), job("2", node_names=("n2",))]
    amount = f"{allowed}M" if tres == "mem" else str(allowed)
    qualities = [qos("normal", **{name: f"{tres}={amount},gres/gpu=64"})]

    room = rooms([ROOT, ML, user()], qualities, jobs=jobs)["normal", ""]

    found = limit(room, name, tres)
    assert found is not None
    assert (found.used, found.allowed, found.used_at_least) == (used, allowed, False)
    assert (room.gpus, room.at_most) == (0, False)
    assert f"{name} {tres}={allowed}" in room.bounded_by


def test_cpus_that_are_left_make_gpus_an_upper_bound():
    room = rooms(
        [ROOT, ML, user()], [qos("normal", MaxTRESPU="cpu=64,gres/gpu=4")], jobs=[job("1")]
    )["normal", ""]

    assert (room.gpus, room.at_most) == (2, True)


def test_a_node_that_jobs_share_counts_once():
    tree = [ROOT, association("ml", "root", GrpTRES="node=4"), user()]

    room = rooms(tree, [qos("normal")], jobs=[job("1"), job("2")])["normal", ""]

    assert limit(room, "GrpTRES", "node") == LimitUse(
        name="GrpTRES", tres="node", owner="account ml", used=1, allowed=4
    )


def test_use_of_others_that_is_not_known_is_told_as_the_least():
    tree = [ROOT, association("ml", "root", GrpTRES="cpu=100", GrpJobs="9"), user()]
    other = count(job("9", user="zoe"))

    room = rooms(
        tree, [qos("normal", MaxTRESPA="mem=9000M", MaxTRESPU="node=5")], jobs=[job("1")],
        others=[other],
    )["normal", ""]  # fmt: skip

    told = {(one.name, one.tres): (one.used, one.used_at_least) for one in room.limits}
    assert told == {
        ("GrpTRES", "cpu"): (8, True),
        ("GrpJobs", ""): (2, False),
        ("MaxTRESPA", "mem"): (1_000, True),
        ("MaxTRESPU", "node"): (1, False),
    }


def test_what_waits_counts_where_submitting_is_limited_tasks_in_one_record_too():
    jobs = [
        job("1"),
        job("2", state=JobState.PENDING),
        job(
            "15",
            array_job_id=15,
            state=JobState.PENDING,
            task_states={JobState.PENDING: 5, JobState.COMPLETED: 3},
        ),
        job("15_7", array_job_id=15, array_task_id=7, state=JobState.PENDING),
        job("20", state_flags=(LEFT_QUEUE,)),
    ]
    tree = [ROOT, association("ml", "root", GrpSubmit="10"), user()]

    room = rooms(tree, [qos("normal", MaxJobsPU="4", MaxSubmitPA="7")], jobs=jobs)["normal", ""]

    assert room.limits == (
        LimitUse(name="MaxJobsPU", owner=f"{ANN} normal", used=1, allowed=4),
        LimitUse(name="MaxSubmitPA", owner="account ml under QOS normal", used=7, allowed=7),
    )
    assert room.gpus is None


def test_a_het_job_counts_its_components():
    jobs = [
        job("17", het_job_id=17, task_states={JobState.RUNNING: 2}, gpu_count=4),
        job("17+0", het_job_id=17, het_offset=0),
        job("17+1", het_job_id=17, het_offset=1),
    ]

    room = rooms([ROOT, ML, user()], [qos("normal", MaxTRESPU="gres/gpu=9")], jobs=jobs)

    assert room["normal", ""].gpus == 5


def test_jobs_count_under_the_qos_of_their_partition_too():
    jobs = [job("1"), job("2", partition="debug")]
    qualities = [qos("normal"), qos("part", GrpTRES="gres/gpu=8")]

    told = rooms([ROOT, ML, user()], qualities, jobs=jobs, partitions=[partition(QoS="part")])

    assert told["normal", "gpu"].gpus == 6
    assert told["normal", ""].gpus is None


@pytest.mark.parametrize(
    "closed",
    [{"AllowAccounts": "bio"}, {"DenyAccounts": "ml"}, {"AllowQos": "long"}, {"DenyQos": "normal"}],
)
def test_partitions_that_let_nobody_in_have_no_room(closed: dict[str, str]):
    qualities = [qos("normal"), qos("part")]

    told = rooms([ROOT, ML, user()], qualities, partitions=[partition(QoS="part", **closed)])

    assert set(told) == {("normal", "")}


def test_an_account_that_is_let_in_lets_in_what_is_below():
    told = rooms(
        [ROOT, ML, user()],
        [qos("normal"), qos("part")],
        partitions=[partition(QoS="part", AllowAccounts="root")],
    )

    assert set(told) == {("normal", ""), ("normal", "gpu")}


def test_limits_that_cannot_be_judged_make_it_an_upper_bound():
    relative = qos("normal", GrpTRES="gres/gpu=50", Flags="Relative")
    hidden = partition(QoS="elsewhere")

    assert rooms([ROOT, ML, user()], [relative])["normal", ""] == Room(qos="normal", at_most=True)
    told = rooms([ROOT, ML, user()], [qos("normal")], partitions=[hidden])
    assert (told["normal", ""].at_most, told["normal", "gpu"].at_most) == (False, True)
    assert rooms([ROOT, ML, user()], [qos("normal")], partitions=None)["normal", ""].at_most


def test_an_account_and_somebody_who_is_not_followed_have_one_room_without_qos():
    account = association("ml", "root", GrpTRES="gres/gpu=4")
    capped = [qos("normal", GrpTRES="gres/gpu=1")]

    assert rooms([ROOT, account], capped)["", ""].at_most is False
    assert rooms([ROOT, account, user()], capped, is_followed=False) == {
        ("", ""): Room(
            gpus=4,
            bounded_by="account ml: GrpTRES gres/gpu=4",
            at_most=True,
            limits=(
                LimitUse(name="GrpTRES", tres="gres/gpu", owner="account ml", used=0, allowed=4),
            ),
        )
    }


def test_an_association_of_one_partition_has_its_room_there():
    tree = [ROOT, ML, user(Partition="gpu", GrpTRES="gres/gpu=4")]

    told = rooms(
        tree, [qos("normal")], jobs=[job("1")], partitions=[partition(), partition("debug")]
    )

    assert {where: one.gpus for where, one in told.items()} == {("normal", "gpu"): 2}


def test_the_same_qos_of_job_and_partition_counts_once():
    told = rooms(
        [ROOT, ML, user()],
        [qos("normal", GrpTRES="gres/gpu=8")],
        jobs=[job("1"), job("3")],
        partitions=[partition(QoS="normal")],
    )

    assert {where: one.gpus for where, one in told.items()} == {
        ("normal", ""): 4,
        ("normal", "gpu"): 4,
    }
