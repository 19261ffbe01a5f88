"""Nodes as scontrol lists them: recordings of real versions, and shapes of others."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.slurm.node_gpus import GpuSource
from slurmfleet.slurm.node_states import Bar, NodeBase
from slurmfleet.slurm.nodes import Node, parse_nodes

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "slurm"
VERSIONS = sorted(path.parent.parent.name for path in RECORDINGS.glob("*/nodes/stdout"))

LINE_20_11 = (
    "NodeName=n01 Arch=x86_64 CoresPerSocket=18  CPUAlloc=12 CPUTot=36 CPULoad=3.50"
    " AvailableFeatures=gpu ActiveFeatures=gpu Gres=gpu:V100:4 NodeAddr=n01 NodeHostName=n01"
    " Version=20.11.9 OS=Linux 3.10.0-1160.el7.x86_64 #1 SMP Mon Oct 19 16:18:59 UTC 2020 "
    " RealMemory=385000 AllocMem=100000 FreeMem=120000 Sockets=2 Boards=1 MemSpecLimit=1000"
    " State=MIXED#+DRAIN ThreadsPerCore=1 TmpDisk=0 Weight=1 Owner=N/A MCS_label=N/A"
    " Partitions=gpu,long  BootTime=2021-01-01T10:00:00 SlurmdStartTime=2021-01-01T10:00:00"
    " CfgTRES=cpu=36,mem=385000M,billing=36 AllocTRES=cpu=12,mem=100000M"
    " CapWatts=n/a CurrentWatts=0 AveWatts=0 ExtSensorsJoules=n/s"
    " Comment=State=IDLE Gres=gpu:V100:99"
)


def one(line: str) -> Node:
    read = parse_nodes(line)
    assert read.bad == ()
    (node,) = read.rows
    return node


@pytest.mark.parametrize("version", VERSIONS)
def test_every_node_of_a_recording_is_read(version: str):
    text = (RECORDINGS / version / "nodes" / "stdout").read_text()

    read = parse_nodes(text)

    assert read.bad == ()
    assert len(read.rows) == text.count("NodeName=") >= 5
    for node in read.rows:
        assert node.partitions
        assert node.cpus >= node.cpus_allocated
        assert node.gpus.used is not None
        assert node.state.bar is not Bar.UNKNOWN


def test_a_drained_node_of_a_recording_with_jobs_still_on_it():
    text = (RECORDINGS / "22.05.8" / "nodes" / "stdout").read_text()

    node = next(node for node in parse_nodes(text).rows if node.name == "hgx04")

    assert (node.state.base, node.state.bar, node.state.is_busy) == (
        NodeBase.MIXED,
        Bar.DRAIN,
        True,
    )
    assert (node.gpus.total, node.gpus.used) == ({"h100": 8}, {"h100": 7})
    assert (node.cpus, node.cpus_allocated) == (64, 10)
    assert (node.memory_mib, node.memory_allocated_mib) == (512_000, 67_536)
    assert node.partitions == ("batch", "scavenge")


def test_a_node_of_20_11_has_no_effective_cpus_and_marks_in_its_state():
    node = one(LINE_20_11)

    assert (node.cpus, node.cpus_allocated, node.memory_mib) == (36, 12, 384_000)
    assert node.state.bar is Bar.DRAIN
    assert (node.gpus.total, node.gpus.used) == ({"V100": 4}, None)
    assert node.gpus.source is GpuSource.UNKNOWN


def test_cores_that_the_site_keeps_are_not_counted():
    assert one("NodeName=a CPUAlloc=0 CPUEfctv=60 CPUTot=64 State=IDLE").cpus == 60


@pytest.mark.parametrize(
    ("line", "is_full"),
    [
        ("CPUAlloc=64 CPUTot=64 RealMemory=1000 AllocMem=0", True),
        ("CPUAlloc=63 CPUTot=64 RealMemory=1000 AllocMem=999", False),
        ("CPUAlloc=1 CPUTot=64 RealMemory=1000 AllocMem=1000", True),
        ("CPUAlloc=60 CPUEfctv=60 CPUTot=64 RealMemory=1000 AllocMem=0", True),
        ("CPUAlloc=1 CPUTot=64 RealMemory=1000 MemSpecLimit=100 AllocMem=900", True),
    ],
)
def test_a_node_without_cpus_or_memory_left_is_full(line: str, *, is_full: bool):
    assert one(f"NodeName=a State=MIXED {line}").is_full is is_full


def test_the_user_who_has_a_node_alone_is_told():
    assert one("NodeName=a State=MIXED CPUTot=4 Owner=alice(2001)").owner == "alice"
    assert one("NodeName=a State=MIXED CPUTot=4 Owner=N/A").owner == ""


def test_a_name_in_brackets_stands_for_each_node():
    read = parse_nodes("NodeName=gpu[01-03] CPUTot=4 State=IDLE\nNodeName=gpu02 State=DOWN\n")

    assert [(node.name, node.state.bar) for node in read.rows] == [
        ("gpu01", Bar.NONE),
        ("gpu02", Bar.NONE),
        ("gpu03", Bar.NONE),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "NodeName=b CPUTot=many State=IDLE",
        "NodeName=b CPUTot=4",
        "NodeName= State=IDLE",
        "NodeName=b State=IDLE Gres=gpu:2 AllocTRES=nonsense",
        "NodeName=b[1-9999999] State=IDLE",
    ],
)
def test_a_malformed_node_costs_itself_alone(line: str):
    read = parse_nodes(f"NodeName=a CPUTot=4 State=IDLE\n{line}\nNodeName=c State=IDLE\n")

    assert [node.name for node in read.rows] == ["a", "c"]
    assert [row.line for row in read.bad] == [line]


@given(st.text(alphabet="Nodeame=StatIDLECPUTo gpu:19[]-,+*~\n", max_size=200))
def test_any_text_is_read_or_counted(text: str):
    parse_nodes(f"NodeName=a State=IDLE {text}")


@pytest.mark.parametrize("version", VERSIONS)
def test_both_counts_of_held_gpus_agree_on_a_recording(version: str):
    text = (RECORDINGS / version / "nodes-detail" / "stdout").read_text()
    untracked = re.sub(r",gres/gpu[^ ]*", "", text)

    tracked = {node.name: node.gpus for node in parse_nodes(text).rows}
    counted = {node.name: node.gpus for node in parse_nodes(untracked).rows}

    held = {name: gpus for name, gpus in tracked.items() if gpus.total}
    assert len(held) >= 3
    assert {gpus.source for gpus in held.values()} == {GpuSource.ALLOC_TRES}
    assert {counted[name].source for name in held} == {GpuSource.GRES_USED}
    assert {name: counted[name].used for name in held} == {
        name: gpus.used for name, gpus in held.items()
    }
