"""What a capacity survey makes of an answer, also of one that is cut, failed or empty."""

from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from services.collector.desk import Answer, Known
from services.collector.surveys.capacity import read_capacity
from services.collector.surveys.capacity_gauges import CapacityGauges
from services.collector.surveys.survey import Finding
from slurmfleet.contracts.capacity import GpuDemand, PartitionSampled
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.slurm.commands import capacity_sections
from slurmfleet.slurm.frames import Frames, SectionOutput
from slurmfleet.slurm.records import PLAIN
from slurmfleet.slurm.waiting import Waiting
from slurmfleet.testing.moments import NOON

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "slurm"
DOWN = "slurm_load_node error: Unable to contact slurm controller (connect failure)"
ASKED = (SectionName.NODES, SectionName.PARTITIONS, SectionName.RESERVATIONS)


def well(text: str) -> SectionOutput:
    return SectionOutput(raw=text.encode(), stderr="", exit_status=0)


def recorded(version: str, **changes: SectionOutput | None) -> Answer:
    outputs: dict[str, SectionOutput | None] = {
        name: well((RECORDINGS / version / name / "stdout").read_text()) for name in ASKED
    }
    sections = {name: output for name, output in (outputs | changes).items() if output is not None}
    frames = Frames(sections=sections, remote_epoch_s=None, done=True)
    return Answer(frames=frames, separators=PLAIN, observed_at=NOON)


def found(answer: Answer, known: Known | None = None) -> Finding:
    config = ClusterConfig.model_validate({"name": "capx", "host": "login"})
    return read_capacity(answer, config, known or Known(memory={}), user="alice")


def facts(finding: Finding) -> dict[str, PartitionSampled]:
    return {one.partition: one for one in finding.facts if isinstance(one, PartitionSampled)}


def test_three_sections_are_asked_for_one_each():
    sections = capacity_sections()

    assert tuple(section.name for section in sections) == ASKED
    assert {section.argv[0] for section in sections} == {"scontrol"}


@pytest.mark.parametrize("version", ["22.05.8", "24.11.5", "26.05.5"])
def test_a_recording_gives_the_cluster_and_every_partition(version: str):
    finding = found(recorded(version))

    told = facts(finding)
    assert (finding.source, finding.error, finding.bad_rows) == ("scontrol", "", ())
    assert [section.name for section in finding.sections] == list(ASKED)
    assert list(told) == sorted(told)
    assert "" in told
    assert all(fact.observed_at == NOON for fact in told.values())


def test_the_drained_node_of_a_recording_is_not_free():
    batch = facts(found(recorded("22.05.8")))["batch"]

    (tally,) = batch.gpus
    assert (tally.total, tally.allocated, tally.offline, tally.free) == (32, 17, 1, 14)
    assert batch.nodes_by_state == {"draining": 1, "mixed": 3}
    assert (batch.max_time_s, batch.is_default) == (172_800, True)


def test_the_planned_nodes_of_a_recording_are_not_free():
    gpu = facts(found(recorded("24.11.5")))["gpu"]

    (tally,) = gpu.gpus
    assert (tally.total, tally.allocated, tally.offline, tally.free) == (12, 11, 1, 0)
    assert gpu.nodes_by_state == {"draining": 1, "planned": 2}


@pytest.mark.parametrize(
    "nodes",
    [
        None,
        SectionOutput(raw=b"", stderr=DOWN, exit_status=1),
        SectionOutput(raw=b"NodeName=a State=IDLE\n", stderr="", exit_status=None),
        SectionOutput(raw=b"NodeName=a State=IDLE\n", stderr="", exit_status=124),
        well(""),
        well("No nodes in the system\n"),
        well("rubbish\n"),
    ],
)
def test_without_nodes_nothing_is_told(nodes: SectionOutput | None):
    finding = found(recorded("24.11.5", nodes=nodes))

    assert finding.facts == ()
    assert [section.ok for section in finding.sections] == [False, True, True]
    assert finding.error


def test_the_controllers_words_are_told():
    down = SectionOutput(raw=b"", stderr=DOWN, exit_status=1)

    finding = found(recorded("24.11.5", nodes=down, partitions=down, reservations=down))

    assert finding.error == f"Slurm's controller (slurmctld) does not answer. {DOWN}"


def test_without_partitions_the_cluster_alone_is_told():
    finding = found(recorded("24.11.5", partitions=well("")))

    assert list(facts(finding)) == [""]
    assert [section.ok for section in finding.sections] == [True, False, True]


def test_no_reservations_are_an_answer():
    finding = found(recorded("24.11.5", reservations=well("No reservations in the system\n")))

    assert finding.sections[-1] == SectionOutcome(
        name=SectionName.RESERVATIONS, ok=True, exit_status=0
    )


def test_a_malformed_record_costs_itself_alone_and_is_counted():
    text = (RECORDINGS / "24.11.5" / "partitions" / "stdout").read_text()
    odd = text.replace("PartitionName=cpu ", "PartitionName=cpu GraceTime=whenever ")

    finding = found(recorded("24.11.5", partitions=well(odd)))

    assert list(facts(finding)) == ["", "debug", "gpu"]
    assert finding.sections[1].bad_rows == len(finding.bad_rows) == 1
    assert "GraceTime=whenever" in finding.bad_rows[0].line


def test_demand_comes_from_the_looks():
    waiting = (Waiting(partitions="gpu", gpu_type="a100", is_eligible=True, jobs=2, gpus=8),)

    told = facts(found(recorded("24.11.5"), Known(memory={}, waiting=waiting)))

    wanted = GpuDemand(gpu_type="a100", jobs=2, gpus=8, eligible_jobs=2, eligible_gpus=8)
    assert (told["gpu"].demand, told[""].demand, told["cpu"].demand) == ((wanted,), (wanted,), ())
    assert told["cpu"].demand_is_known
    assert not facts(found(recorded("24.11.5")))["cpu"].demand_is_known


def shown(name: str) -> dict[tuple[str, str], float]:
    return {
        (sample.labels["partition"], sample.labels["state"]): sample.value
        for metric in REGISTRY.collect()
        if metric.name == name
        for sample in metric.samples
        if sample.labels["cluster"] == "capx"
    }


def test_gauges_show_the_newest_facts_and_lose_what_is_gone():
    gauges = CapacityGauges(ClusterName("capx"))
    gauges.after_asking(found(recorded("24.11.5")))
    first = shown("slurmfleet_gpus")
    nodes = shown("slurmfleet_nodes")

    gauges.after_asking(found(recorded("24.11.5", nodes=None)))
    kept = shown("slurmfleet_gpus")
    gauges.after_asking(found(recorded("24.11.5", partitions=well(""))))
    kept_too = shown("slurmfleet_gpus")
    gauges.after_asking(found(recorded("22.05.8")))
    later = shown("slurmfleet_gpus")
    gauges.close()

    assert first["gpu", "allocated"] == 11
    assert (first["gpu", "free"], first["", "offline"]) == (0, 1)
    assert ("cpu", "free") not in first
    assert nodes["gpu", "planned"] == 2
    assert first == kept == kept_too
    assert later["batch", "free"] == 14
    assert ("gpu", "free") not in later
    assert shown("slurmfleet_gpus") == shown("slurmfleet_nodes") == {}
