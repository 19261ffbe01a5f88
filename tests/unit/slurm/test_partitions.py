"""Partitions as scontrol lists them: recordings of real versions, and every odd value."""

from pathlib import Path

import pytest

from slurmfleet.slurm.partitions import Partition, parse_partitions

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "slurm"
VERSIONS = sorted(path.parent.parent.name for path in RECORDINGS.glob("*/partitions/stdout"))


def one(words: str) -> Partition:
    read = parse_partitions(f"PartitionName=p State=UP {words}")
    assert read.bad == ()
    (partition,) = read.rows
    return partition


@pytest.mark.parametrize("version", VERSIONS)
def test_every_partition_of_a_recording_is_read(version: str):
    text = (RECORDINGS / version / "partitions" / "stdout").read_text()

    read = parse_partitions(text)

    assert read.bad == ()
    assert len(read.rows) == text.count("PartitionName=") >= 3
    assert all(partition.nodes and partition.starts_jobs for partition in read.rows)
    assert sum(partition.is_default for partition in read.rows) == 1


def test_a_partition_of_a_recording_is_read_whole():
    text = (RECORDINGS / "22.05.8" / "partitions" / "stdout").read_text()

    interactive = next(one for one in parse_partitions(text).rows if one.name == "interactive")

    assert interactive == Partition(
        name="interactive",
        state="UP",
        nodes=("hgx01", "std01"),
        is_default=False,
        is_hidden=False,
        root_only=False,
        requires_reservation=False,
        max_time_s=14_400,
        default_time_s=1_800,
        grace_time_s=0,
        min_nodes=0,
        max_nodes=None,
        max_cpus_per_node=None,
        priority_tier=20,
        priority_job_factor=100,
        preempt_mode="OFF",
        over_subscribe="NO",
        qos="",
        allow_accounts=(),
        deny_accounts=(),
        allow_groups=(),
        allow_qos=(),
        deny_qos=(),
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("300", 300), ("00:05:00", 300), ("N/A", None), ("NONE", None), ("UNLIMITED", None)],
)
def test_grace_time_is_a_number_a_duration_or_nothing(text: str, seconds: int | None):
    assert one(f"GraceTime={text}").grace_time_s == seconds


@pytest.mark.parametrize("text", ["UNLIMITED", "INFINITE", "NONE", "N/A"])
def test_no_limit_is_none(text: str):
    partition = one(f"MaxTime={text} DefaultTime={text} MaxNodes={text} MaxCPUsPerNode={text}")

    assert partition.max_time_s is None
    assert partition.default_time_s is None
    assert partition.max_nodes is None
    assert partition.max_cpus_per_node is None


def test_who_may_use_it_is_read():
    partition = one(
        "AllowGroups=gpu,staff AllowAccounts=ml,physics AllowQos=ALL DenyQos=(null)"
        " Hidden=YES RootOnly=YES ReqResv=YES QoS=part-gpu MaxNodes=4 OverSubscribe=FORCE:4"
        " PreemptMode=GANG,SUSPEND TRESBillingWeights=CPU=1.0,Mem=0.25G,GRES/gpu=16"
    )

    assert partition.allow_groups == ("gpu", "staff")
    assert partition.allow_accounts == ("ml", "physics")
    assert (partition.allow_qos, partition.deny_qos) == ((), ())
    assert (partition.is_hidden, partition.root_only, partition.requires_reservation) == (
        True,
        True,
        True,
    )
    assert (partition.qos, partition.max_nodes) == ("part-gpu", 4)
    assert (partition.over_subscribe, partition.preempt_mode) == ("FORCE:4", "GANG,SUSPEND")
    assert one("DenyAccounts=guests").deny_accounts == ("guests",)


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("Nodes=gpu[01-02],cpu1", ("gpu01", "gpu02", "cpu1")),
        ("Nodes=(null)", ()),
        ("Nodes=", ()),
        ("Nodes=ALL", None),
        ("", None),
    ],
)
def test_nodes_are_listed_empty_or_not_told(text: str, nodes: tuple[str, ...] | None):
    assert one(text).nodes == nodes


@pytest.mark.parametrize("state", ["DOWN", "DRAIN", "INACTIVE"])
def test_a_partition_that_is_not_up_starts_no_jobs(state: str):
    (partition,) = parse_partitions(f"PartitionName=p State={state}").rows

    assert (partition.state, partition.starts_jobs) == (state, False)


@pytest.mark.parametrize(
    "words", ["State=UP GraceTime=soon", "State=UP MaxTime=30", "State=UP Nodes=a[3-1]", "Nodes=a"]
)
def test_a_malformed_value_costs_its_partition_alone(words: str):
    read = parse_partitions(
        f"PartitionName=a State=UP\nPartitionName=b {words}\nPartitionName=c State=UP\n"
    )

    assert [partition.name for partition in read.rows] == ["a", "c"]
    assert len(read.bad) == 1
