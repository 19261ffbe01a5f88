"""From nodes, partitions and reservations to facts: each GPU in one part, each node once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.surveys.holds import Party
from services.collector.surveys.tally import Seen, sample_capacity
from slurmfleet.contracts.capacity import GpuDemand, GpuTally, PartitionSampled
from slurmfleet.contracts.events import PartitionCount
from slurmfleet.contracts.jobs import JobState
from slurmfleet.slurm.nodes import parse_nodes
from slurmfleet.slurm.partitions import parse_partitions
from slurmfleet.slurm.reservations import parse_reservations
from slurmfleet.testing.builders import ALPHA
from slurmfleet.testing.moments import NOON

AT = int(NOON.timestamp())
NOW = f"StartTime={AT - 60} EndTime={AT + 3600}"
ALICE = Party(user="alice", accounts={"ml"})


def node(name: str, words: str = "", *, used: int = 0, state: str = "IDLE", cpus: int = 0) -> str:
    held = f",gres/gpu={used},gres/gpu:h100={used}" if used else ""
    return (
        f"NodeName={name} CPUAlloc={cpus} CPUTot=64 Gres=gpu:h100:8 RealMemory=1000 AllocMem={cpus}"
        f" State={state} CfgTRES=cpu=64,gres/gpu=8,gres/gpu:h100=8"
        f" AllocTRES=cpu={cpus}{held} {words}"
    )


def seen(*nodes: str, partitions: str = "", reservations: str = "") -> Seen:
    names = ",".join(line.split()[0].partition("=")[2] for line in nodes)
    rules = partitions or f"PartitionName=gpu State=UP Nodes={names}"
    read = parse_nodes("\n".join(nodes)), parse_partitions(rules), parse_reservations(reservations)
    assert not any(part.bad for part in read)
    return Seen(
        nodes=read[0].rows,
        partitions=read[1].rows,
        reservations=read[2].rows,
        population=None,
        demand=None,
    )


def facts(what: Seen, party: Party = ALICE) -> dict[str, PartitionSampled]:
    told = sample_capacity(ALPHA, what, party=party, now=NOON, observed_at=NOON)
    return {fact.partition: fact for fact in told}


def test_a_partition_and_the_cluster_are_counted():
    whole, gpu = facts(
        seen(
            node("n1", used=3, state="MIXED", cpus=10),
            node("n2", used=8, state="MIXED", cpus=20),
            node("n3"),
        )
    ).values()

    assert (whole.partition, gpu.partition) == ("", "gpu")
    assert whole == replace(gpu, partition="")
    assert gpu.gpus == (GpuTally(gpu_type="h100", total=24, allocated=11, free=13),)
    assert gpu.gpu_source == "alloc_tres"
    assert gpu.nodes_by_free_gpus == {5: 1, 8: 1}
    assert gpu.nodes_by_state == {"idle": 1, "mixed": 2}
    assert (gpu.cpus_total, gpu.cpus_allocated, gpu.cpus_free) == (192, 30, 162)
    assert (gpu.memory_total_mib, gpu.memory_free_mib) == (3_000, 2_970)
    assert (gpu.demand, gpu.demand_is_known) == ((), False)


@pytest.mark.parametrize(
    ("state", "word", "part"),
    [
        ("MIXED+DRAIN", "draining", "offline"),
        ("IDLE+DRAIN", "drained", "offline"),
        ("IDLE+COMPLETING+DRAIN", "draining", "offline"),
        ("DOWN*+DRAIN", "down", "offline"),
        ("IDLE+NOT_RESPONDING", "down", "offline"),
        ("IDLE+FAIL", "drained", "offline"),
        ("IDLE+CLOUD+POWERED_DOWN", "powered_down", "offline"),
        ("MIXED+POWERING_UP", "powered_down", "offline"),
        ("IDLE+BRAND_NEW_FLAG", "other", "offline"),
        ("IDLE+RESERVED", "reserved", "reserved"),
        ("MIXED+MAINTENANCE+RESERVED", "reserved", "reserved"),
        ("MIXED+PLANNED", "planned", "planned"),
        ("IDLE+BLOCKED", "other", "blocked"),
    ],
)
def test_what_nobody_gets_now_is_taken_off_what_is_free(state: str, word: str, part: str):
    gpu = facts(seen(node("n1", used=2, state=state, cpus=4)))["gpu"]

    (tally,) = gpu.gpus
    assert (tally.total, tally.allocated, tally.free) == (8, 2, 0)
    assert getattr(tally, part) == 6
    assert gpu.nodes_by_state == {word: 1}
    assert (gpu.cpus_free, gpu.memory_free_mib, gpu.nodes_by_free_gpus) == (0, 0, {})
    assert gpu.cpus_allocated == 4


@pytest.mark.parametrize(
    "words", ["CPUAlloc=64", "AllocMem=1000", "Owner=bob(2002)", "CPUAlloc=64 AllocMem=1000"]
)
def test_gpus_of_a_node_that_is_full_or_somebodys_own_are_blocked(words: str):
    gpu = facts(seen(f"NodeName=n1 {words} {node('n1', used=2, state='MIXED')}"))["gpu"]

    (tally,) = gpu.gpus
    assert (tally.free, tally.blocked) == (0, 6)
    assert gpu.nodes_by_state == {"mixed": 1}


def test_a_node_that_we_have_alone_is_free_to_us():
    gpu = facts(seen(node("n1", "Owner=alice(2001)", used=2, state="MIXED", cpus=4)))["gpu"]

    assert gpu.gpus[0].free == 6


@pytest.mark.parametrize(
    ("who", "free", "reserved"),
    [
        ("Users=dave", 0, 8),
        ("Users=alice,dave", 8, 0),
        ("Accounts=ml", 8, 0),
        ("Accounts=-ml", 0, 8),
        ("Users=root Flags=MAINT", 0, 8),
    ],
)
def test_a_reserved_node_is_free_to_those_whom_the_reservation_admits(
    who: str, free: int, reserved: int
):
    gpu = facts(
        seen(
            node("n1", state="IDLE+RESERVED"),
            reservations=f"ReservationName=r {NOW} Nodes=n1 CoreCnt=64 TRES=cpu=64 {who}",
        )
    )["gpu"]

    assert (gpu.gpus[0].free, gpu.gpus[0].reserved) == (free, reserved)


def test_a_reservation_of_ours_does_not_open_a_node_that_another_one_closes():
    gpu = facts(
        seen(
            node("n1", state="IDLE+RESERVED"),
            reservations=f"ReservationName=a {NOW} Nodes=n1 TRES=cpu=64 Users=alice\n"
            f"ReservationName=b {NOW} Nodes=n1 TRES=cpu=64 Users=root Flags=MAINT",
        )
    )["gpu"]

    assert gpu.gpus[0].reserved == 8


def test_a_reservation_of_cores_takes_its_share_of_the_gpus():
    gpu = facts(
        seen(
            node("n1", used=1, state="MIXED", cpus=4),
            reservations=f"ReservationName=r {NOW} Nodes=n1 CoreCnt=8"
            " TRES=cpu=8,gres/gpu=2,gres/gpu:h100=2 Users=dave",
        )
    )["gpu"]

    (tally,) = gpu.gpus
    assert (tally.allocated, tally.reserved, tally.free) == (1, 2, 5)
    assert gpu.cpus_free == 52


def test_a_reservation_of_all_cores_keeps_the_node_though_no_flag_says_so():
    gpu = facts(
        seen(
            node("n1"),
            reservations=f"ReservationName=r {NOW} Nodes=n1 CoreCnt=64 TRES=cpu=64 Users=dave",
        )
    )["gpu"]

    assert (gpu.gpus[0].reserved, gpu.nodes_by_state) == (8, {"reserved": 1})


def test_the_next_reservation_that_we_may_not_use_is_told():
    at = AT + 7_200
    gpu = facts(
        seen(
            node("n1"),
            node("n2"),
            reservations=f"ReservationName=late StartTime={at + 9} EndTime={at + 99} Nodes=n1\n"
            f"ReservationName=ours StartTime={AT + 9} EndTime={at} Nodes=n1 Users=alice\n"
            f"ReservationName=next StartTime={at} EndTime={at + 99} Nodes=n[1-3] Users=root\n",
        )
    )["gpu"]

    assert gpu.next_reservation_at == NOON + timedelta(hours=2)
    assert gpu.next_reservation_nodes == 2
    assert gpu.gpus[0].free == 16


def test_nothing_is_free_in_a_partition_that_starts_no_jobs():
    told = facts(
        seen(
            node("n1", used=2, state="MIXED", cpus=4),
            node("n2"),
            partitions="PartitionName=open State=UP Nodes=n1\n"
            "PartitionName=shut State=DOWN Nodes=n[1-2]",
        )
    )

    assert told["open"].gpus[0].free == 6
    assert (told["shut"].gpus[0].free, told["shut"].gpus[0].offline) == (0, 14)
    assert (told["shut"].cpus_free, told["shut"].nodes_by_free_gpus) == (0, {})
    assert (told[""].gpus[0].free, told[""].gpus[0].offline) == (6, 8)


def test_nodes_in_several_partitions_count_once_in_the_cluster():
    told = facts(
        seen(
            node("n1"),
            node("n2"),
            partitions="PartitionName=a State=UP Nodes=n[1-2]\nPartitionName=b State=UP Nodes=ALL",
        )
    )

    assert [told[name].gpus[0].total for name in ("", "a", "b")] == [16, 16, 16]


def test_a_partition_that_lists_no_nodes_has_those_that_name_it():
    told = facts(
        seen(
            node("n1", "Partitions=a,b"),
            node("n2", "Partitions=b"),
            partitions="PartitionName=a State=UP\nPartitionName=b State=UP Nodes=n[1-9]",
        )
    )

    assert (told["a"].nodes_total, told["b"].nodes_total) == (1, 2)


def test_without_partitions_the_cluster_alone_is_told():
    told = facts(replace(seen(node("n1")), partitions=None))

    assert list(told) == [""]
    assert told[""].gpus[0].free == 8


def test_without_reservations_a_flag_is_somebody_elses():
    told = facts(seen(node("n1", state="IDLE+RESERVED")))

    assert told["gpu"].gpus[0].reserved == 8


def untracked(name: str, partitions: str = "") -> str:
    return (
        f"NodeName={name} CPUAlloc=2 CPUTot=64 Gres=gpu:h100:8 State=MIXED Partitions={partitions}"
    )


def running(partition: str, gpus: int, by_type: dict[str, int] | None = None) -> PartitionCount:
    return PartitionCount(
        partition=partition,
        state=JobState.RUNNING,
        jobs=1,
        gpus=gpus,
        gpus_by_type=by_type or {},
    )


OVERLAPPING = (
    "PartitionName=all State=UP Nodes=n[1-3]\n"
    "PartitionName=part State=UP Nodes=n[1-2]\n"
    "PartitionName=alone State=UP Nodes=n4"
)


def test_jobs_are_summed_where_nodes_do_not_tell_and_partitions_do_not_overlap():
    what = seen(*map(untracked, ("n1", "n2", "n3", "n4")), partitions=OVERLAPPING)
    told = facts(
        replace(what, population=(running("all", 5), running("part", 4), running("alone", 1)))
    )

    assert told[""].gpus == (GpuTally(gpu_type="h100", total=32, allocated=10, free=22),)
    assert told["all"].gpus == (GpuTally(gpu_type="h100", total=24, allocated=9, free=15),)
    assert told["alone"].gpus == (GpuTally(gpu_type="h100", total=8, allocated=1, free=7),)
    assert {told[name].gpu_source for name in ("", "all", "alone")} == {"job_tres"}
    # A job of `all` may be on its nodes: nothing is claimed.
    assert (told["part"].gpus, told["part"].gpu_source) == ((), "unknown")


def test_nothing_is_claimed_where_nodes_do_not_tell_and_the_queue_was_not_read():
    told = facts(seen(untracked("n1")))

    assert (told["gpu"].gpus, told["gpu"].gpu_source) == ((), "unknown")
    assert (told["gpu"].nodes_total, told["gpu"].cpus_free) == (1, 62)


def test_held_gpus_that_cannot_be_placed_are_taken_off_the_free_ones_first():
    what = seen(untracked("n1"), untracked("n2").replace("MIXED", "MIXED+DRAIN"))

    (tally,) = facts(replace(what, population=(running("gpu", 5),)))["gpu"].gpus

    assert (tally.allocated, tally.free, tally.offline) == (5, 3, 8)


def test_types_are_joined_where_jobs_do_not_tell_theirs():
    line = "NodeName=n1 CPUAlloc=2 CPUTot=64 Gres=gpu:a100:4,gpu:l40s:4 State=MIXED"
    what = seen(line)

    untyped = facts(replace(what, population=(running("gpu", 3),)))["gpu"].gpus
    typed = facts(replace(what, population=(running("gpu", 3, {"a100": 3}),)))["gpu"].gpus

    assert untyped == (GpuTally(gpu_type="", total=8, allocated=3, free=5),)
    assert typed == (
        GpuTally(gpu_type="a100", total=4, allocated=3, free=1),
        GpuTally(gpu_type="l40s", total=4, allocated=0, free=4),
    )


def test_one_node_that_does_not_tell_makes_the_partition_count_by_jobs():
    what = seen(node("n1", used=2, state="MIXED", cpus=4), untracked("n2"))

    told = facts(replace(what, population=(running("gpu", 5),)))["gpu"]

    assert told.gpu_source == "job_tres"
    assert told.gpus == (GpuTally(gpu_type="h100", total=16, allocated=5, free=11),)


def test_the_weakest_source_of_a_partitions_nodes_is_told():
    what = seen(node("n1"), untracked("n2") + " GresUsed=gpu:h100:1(IDX:0)")

    told = facts(what)["gpu"]

    assert (told.gpu_source, told.gpus[0].allocated) == ("gres_used", 1)


def test_demand_stands_beside_what_is_free():
    wanted = (GpuDemand(gpu_type="h100", jobs=2, gpus=16, eligible_jobs=1, eligible_gpus=8),)
    told = facts(replace(seen(node("n1")), demand={"": wanted, "gpu": wanted}))

    assert (told["gpu"].demand, told[""].demand) == (wanted, wanted)
    assert told["gpu"].demand_is_known


STATES = st.sampled_from(
    [
        *("IDLE", "MIXED", "ALLOCATED", "MIXED+PLANNED", "IDLE+RESERVED", "IDLE+DRAIN", "DOWN"),
        *("MIXED+DRAIN", "IDLE+POWERED_DOWN", "IDLE+BLOCKED", "MIXED+NEW", "IDLE*", "MAINT"),
    ]
)
NODES = st.lists(
    st.tuples(STATES, st.integers(0, 8), st.integers(0, 64), st.sampled_from([1, 3, 7])),
    min_size=1,
    max_size=6,
)
WHO = st.sampled_from(["Users=alice", "Users=dave", "Accounts=-ml", "Users=root Flags=MAINT"])


@given(NODES, st.integers(0, 64), st.integers(0, 8), WHO, st.sampled_from(["UP", "DOWN"]))
def test_every_gpu_is_in_one_part_and_every_node_in_one_state(
    shapes: list[tuple[str, int, int, int]], cores: int, gpus: int, who: str, up: str
):
    nodes = [
        node(f"n{place}", f"Partitions={mask}", used=used, state=state, cpus=cpus)
        for place, (state, used, cpus, mask) in enumerate(shapes)
    ]
    names = [f"n{place}" for place in range(len(shapes))]
    what = seen(
        *nodes,
        partitions=f"PartitionName=a State=UP Nodes={','.join(names[::2])}\n"
        f"PartitionName=b State={up} Nodes={','.join(names)}",
        reservations=f"ReservationName=r {NOW} Nodes={names[0]} CoreCnt={cores}"
        f" TRES=cpu={cores},gres/gpu={gpus} {who}",
    )

    for fact in facts(what).values():
        for tally in fact.gpus:
            parts = (
                *(tally.allocated, tally.free, tally.offline),
                *(tally.reserved, tally.planned, tally.blocked),
            )
            assert min(parts) >= 0
            assert sum(parts) == tally.total
        assert sum(fact.nodes_by_state.values()) == fact.nodes_total
        assert sum(n * count for n, count in fact.nodes_by_free_gpus.items()) == sum(
            tally.free for tally in fact.gpus
        )
        assert 0 <= fact.cpus_free <= fact.cpus_total - fact.cpus_allocated
    assert facts(what)[""].nodes_total == len(nodes)
