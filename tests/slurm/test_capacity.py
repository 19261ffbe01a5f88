"""What is free by our count and by sinfo's own: the same on every kind of cluster."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from services.collector.surveys.capacity import CapacitySurvey
from services.collector.surveys.survey import Finding
from slurmfleet.bus.nats import open_nats_bus
from slurmfleet.contracts.capacity import PartitionSampled
from slurmfleet.contracts.codec import decode
from slurmfleet.contracts.streams import FACTS, ConsumerSpec
from slurmfleet.slurm.tres import parse_gres
from slurmfleet.timing.clock import SystemClock
from tests.harness.desks import look, open_desk
from tests.harness.sites import SimulatedSite, Site, submit
from tests.harness.stack import Stack

SIMULATED = "sim-h100"
MARK = "capacity-test"
SHOWN = "NodeList:|,PartitionName:|,StateComplete:|,Gres:|,GresUsed:|"
USABLE = {"idle", "mixed", "allocated", "completing", "cloud", "dynamic_norm"}
"""Words of a state beside which a node's unallocated GPUs are free."""


@pytest.fixture(scope="module", params=[SIMULATED, "alpha", "beta", "gamma"])
def place(request: pytest.FixtureRequest) -> Site:
    kind = "simulated" if request.param == SIMULATED else "real"
    return request.getfixturevalue(kind)[request.param]


async def ask(site: Site) -> Finding:
    async with open_desk(site) as desk:
        await look(desk)
        survey = CapacitySurvey(desk.config.name)
        try:
            finding = await survey.ask(desk)
        finally:
            survey.close()
    assert finding is not None
    assert (finding.error, finding.bad_rows) == ("", ())
    return finding


def sampled(site: Site) -> dict[str, PartitionSampled]:
    finding = asyncio.run(ask(site))
    return {fact.partition: fact for fact in finding.facts if isinstance(fact, PartitionSampled)}


def by_sinfo(site: Site) -> dict[str, dict[str, tuple[int, int, int]]]:
    """Give total, held and free GPUs by partition and type, as sinfo counts them."""
    counts: dict[str, dict[str, Counter[str]]] = {}
    for line in site.run(f"sinfo -h -a -N -O '{SHOWN}'").splitlines():
        _, partition, state, gres, gres_used, _ = line.split("|")
        used = parse_gres(gres_used).all_gpus
        for kind, total in parse_gres(gres).all_gpus.items():
            one = counts.setdefault(partition, {}).setdefault(kind, Counter())
            one["total"] += total
            one["held"] += used.get(kind, 0)
            if set(state.split("+")) <= USABLE:
                one["free"] += total - used.get(kind, 0)
    return {
        partition: {kind: (one["total"], one["held"], one["free"]) for kind, one in kinds.items()}
        for partition, kinds in counts.items()
    }


def ours(told: dict[str, PartitionSampled]) -> dict[str, dict[str, tuple[int, int, int]]]:
    return {
        name: {one.gpu_type: (one.total, one.allocated, one.free) for one in fact.gpus}
        for name, fact in told.items()
        if name and fact.gpus
    }


def agreed(site: Site) -> dict[str, PartitionSampled]:
    """Sample between two equal answers of sinfo: others may use the cluster meanwhile."""
    for _ in range(10):
        before, told, after = by_sinfo(site), sampled(site), by_sinfo(site)
        if before == after:
            assert ours(told) == after
            return told
    pytest.fail("the cluster did not hold still for ten askings")


def idle_gpu_node(site: Site) -> tuple[str, int]:
    """Give a node of the GPU partition that nobody uses, the last one, and its GPUs."""
    lines = site.run(f"sinfo -h -N -p {site.gpu_partition} -O '{SHOWN}'").splitlines()
    idle = [line.split("|") for line in lines if line.split("|")[2] == "idle"]
    if not idle:
        pytest.skip("others use every node of the GPU partition")
    return idle[-1][0], parse_gres(idle[-1][3]).gpu_count


def wait_for_state(site: Site, node: str, word: str, *, without: str = "") -> None:
    """Wait until sinfo shows a node in a state; a new reservation is flagged a moment later."""
    state = ""
    for _ in range(100):
        shown = site.run("sinfo -h -N -O 'NodeList:|,StateComplete:'").splitlines()
        state = next(line for line in shown if line.startswith(f"{node}|")).partition("|")[2]
        words = state.strip().split("+")
        if word in words and without not in words:
            return
    pytest.fail(f"{node} is {state} and not {word}")


@contextmanager
def reservation(site: Site, node: str, who: str, flags: str = "ignore_jobs") -> Iterator[None]:
    """Reserve a node until the body is over."""
    site.administer(
        f"scontrol create reservation reservationname={MARK} starttime=now duration=10"
        f" nodes={node} {who} flags={flags}"
    )
    try:
        wait_for_state(site, node, "reserved")
        yield
    finally:
        site.administer(f"scontrol delete reservationname={MARK}")
        wait_for_state(site, node, "idle", without="reserved")


def test_an_asking_gives_the_cluster_and_its_partitions(place: Site):
    told = agreed(place)

    assert {"", place.gpu_partition, place.cpu_partition} <= told.keys()
    assert told[place.cpu_partition].gpus == ()
    assert told[place.gpu_partition].state == "UP"
    assert told[""].nodes_total >= told[place.gpu_partition].nodes_total > 0


def test_gpus_of_running_jobs_are_not_free(place: Site):
    job_id = submit(place, "-p", place.gpu_partition, "--gres=gpu:2", "-t", "10", runs_s=500)
    try:
        for _ in range(60):
            if place.run(f"squeue -h -j {job_id} -o %T").strip() == "RUNNING":
                break
        told = agreed(place)
    finally:
        place.run(f"scancel {job_id}")

    assert sum(one.allocated for one in told[place.gpu_partition].gpus) >= 2
    assert told[place.gpu_partition].gpu_source == "alloc_tres"


def test_a_drained_node_is_taken_off(place: Site):
    node, gpus = idle_gpu_node(place)

    place.administer(f"scontrol update nodename={node} state=drain reason={MARK}")
    try:
        told = agreed(place)
    finally:
        place.administer(f"scontrol update nodename={node} state=resume")

    fact = told[place.gpu_partition]
    assert sum(one.offline for one in fact.gpus) >= gpus
    assert fact.nodes_by_state["drained"] >= 1


def test_a_node_that_is_reserved_for_others_is_taken_off(place: Site):
    node, gpus = idle_gpu_node(place)

    with reservation(place, node, "users=root"):
        fact = agreed(place)[place.gpu_partition]

    assert sum(one.reserved for one in fact.gpus) >= gpus
    assert fact.nodes_by_state["reserved"] >= 1


def test_maintenance_is_taken_off(place: Site):
    node, gpus = idle_gpu_node(place)

    with reservation(place, node, "users=root", flags="maint,ignore_jobs"):
        fact = agreed(place)[place.gpu_partition]

    assert sum(one.reserved for one in fact.gpus) >= gpus


def test_a_node_that_is_reserved_for_us_is_free_to_us(place: Site):
    node, gpus = idle_gpu_node(place)
    us = place.config["user"]

    with reservation(place, node, f"users={us}"):
        fact = sampled(place)[place.gpu_partition]

    assert sum(one.free for one in fact.gpus) >= gpus
    assert sum(one.reserved for one in fact.gpus) == 0


def test_a_reservation_to_come_is_told(place: Site):
    node, gpus = idle_gpu_node(place)

    place.administer(
        f"scontrol create reservation reservationname={MARK} starttime=now+3600 duration=10"
        f" nodes={node} users=root flags=ignore_jobs"
    )
    try:
        fact = sampled(place)[place.gpu_partition]
    finally:
        place.administer(f"scontrol delete reservationname={MARK}")

    assert fact.next_reservation_at is not None
    assert fact.next_reservation_nodes == 1
    assert sum(one.free for one in fact.gpus) >= gpus


def test_demand_is_told_by_type_and_apart_from_what_something_keeps(place: Site):
    node, _ = idle_gpu_node(place)
    gres = by_sinfo(place)[place.gpu_partition]
    kind = min(gres)
    before = wanted(sampled(place), place.gpu_partition, kind)
    asked = ("-p", place.gpu_partition, "-w", node, "-t", "5", f"--gres=gpu:{kind}:1")

    held = submit(place, *asked, "--hold", runs_s=1)
    try:
        after = wanted(sampled(place), place.gpu_partition, kind)
    finally:
        place.run(f"scancel {held}")

    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)
    assert after[2] == before[2]


def wanted(told: dict[str, PartitionSampled], partition: str, kind: str) -> tuple[int, int, int]:
    """Give jobs, GPUs, and jobs that wait for room alone, of a type."""
    assert told[partition].demand_is_known
    found = [one for one in told[partition].demand if one.gpu_type == kind]
    return (
        sum(one.jobs for one in found),
        sum(one.gpus for one in found),
        sum(one.eligible_jobs for one in found),
    )


def test_a_collector_tells_the_bus(stack: Stack, simulated: dict[str, SimulatedSite]):
    site = simulated[SIMULATED]

    told = asyncio.run(on_the_bus(stack, site.gpu_partition))

    assert {"", site.gpu_partition, site.cpu_partition} <= told.keys()
    kinds = by_sinfo(site)[site.gpu_partition]
    assert {one.gpu_type: one.total for one in told[site.gpu_partition].gpus} == {
        kind: total for kind, (total, _, _) in kinds.items()
    }


async def on_the_bus(stack: Stack, partition: str) -> dict[str, PartitionSampled]:
    """Read the stack's own bus until it has told of a partition; give the newest of each."""
    spec = ConsumerSpec(
        durable=f"test-{secrets.token_hex(4)}",
        stream=FACTS.name,
        filter_subjects=(f"fleet.v1.{SIMULATED}.partition.sampled",),
        ack_wait_s=30,
        max_ack_pending=1_000,
    )
    told: dict[str, PartitionSampled] = {}
    async with open_nats_bus(stack.bus_options("test"), SystemClock()) as bus, asyncio.timeout(200):
        await bus.prepare(consumers=(spec,))
        consumer = await bus.consumer(spec)
        while partition not in told:
            for one in await consumer.fetch(100, 5):
                facts = decode(one.message.body)
                told |= {
                    fact.partition: fact for fact in facts if isinstance(fact, PartitionSampled)
                }
                await one.ack()
    return told
