import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.contracts.job_parts import GpuRequest, GpuScope, GpuSource
from slurmfleet.slurm.gpus import NO_GPU_COUNT, GpuCount, count_gpus, read_gpu_request
from slurmfleet.slurm.tres import parse_tres

JOB, NODE, SOCKET, TASK = GpuScope.JOB, GpuScope.NODE, GpuScope.SOCKET, GpuScope.TASK
NO_TRES = parse_tres("cpu=8,mem=64G,node=2,billing=8")


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("N/A", {}),
        ("", {}),
        ("gres:gpu:4", {"": 4}),
        ("gres/gpu:4", {"": 4}),
        ("gres/gpu=1", {"": 1}),
        ("cpu:1,gres/gpu:1", {"": 1}),
        ("cpu=1,gres/gpu:a100=1", {"a100": 1}),
        ("gres:gpu:h100:1", {"h100": 1}),
        ("gres/gpu:nvidia-h100:8", {"nvidia-h100": 8}),
        ("gpu:1g.10gb:7", {"1g.10gb": 7}),
        ("gres/gpu:a100_3g.20gb:2", {"a100_3g.20gb": 2}),
        ("gres/gpu:a100:2,gres/gpu:v100:1", {"a100": 2, "v100": 1}),
        ("gres:gpu:h100:1,gres:gpu:h100:1", {"h100": 1}),
        ("gpu:h100:2(S:0-1)", {"h100": 2}),
        ("gpu:h100:3(IDX:0-1,3)", {"h100": 3}),
        ("gres/gpu:3090:2", {"3090": 2}),
        ("gpu:rtx-6000", {"rtx-6000": 1}),
        ("gpu", {"": 1}),
        ("gres/gpu:no_consume:2", {"": 2}),
        ("gres/gpu:no_consume", {"": 1}),
        ("gres/gpu:0", {}),
        ("gres/shard:4,gres/gpumem:10G,license:3", {}),
    ],
)
def test_a_request_is_read_by_type(text: str, asked: dict[str, int]):
    requests = read_gpu_request(NODE, text)

    assert requests == tuple(
        GpuRequest(count=count, per=NODE, gpu_type=kind) for kind, count in asked.items()
    )


def test_slurms_own_count_is_believed():
    tres = parse_tres("cpu=2,gres/gpu=4,gres/gpu:h100=4")
    requests = (GpuRequest(count=1, per=NODE),)

    assert count_gpus(tres, requests, node_count=9, task_count=9) == GpuCount(
        count=4, by_type={"h100": 4}, source=GpuSource.TRES
    )


@pytest.mark.parametrize(
    ("per", "count", "gpus"),
    [(JOB, 4, {"h100": 4}), (NODE, 2, {"h100": 4}), (TASK, 1, {"h100": 4}), (NODE, 3, {})],
)
def test_types_that_slurm_does_not_count_come_from_a_request_that_fits(
    per: GpuScope, count: int, gpus: dict[str, int]
):
    requests = (GpuRequest(count=count, per=per, gpu_type="h100"),)

    counted = count_gpus(parse_tres("gres/gpu=4"), requests, node_count=2, task_count=4)

    assert counted == GpuCount(count=4, by_type=gpus, source=GpuSource.TRES)


def test_an_untyped_part_of_a_request_leaves_the_types_open():
    requests = (GpuRequest(count=4, per=JOB), GpuRequest(count=2, per=NODE, gpu_type="h100"))

    assert count_gpus(parse_tres("gres/gpu=4"), requests, node_count=2, task_count=1).by_type == {}


@pytest.mark.parametrize(("per", "count"), [(JOB, 3), (NODE, 6), (TASK, 15)])
def test_a_site_that_counts_no_gpus_has_them_from_the_request(per: GpuScope, count: int):
    requests = (
        GpuRequest(count=2, per=per, gpu_type="a100"),
        GpuRequest(count=1, per=per),
    )

    counted = count_gpus(NO_TRES, requests, node_count=2, task_count=5)

    assert counted == GpuCount(
        count=count, by_type={"a100": count * 2 // 3}, source=GpuSource.REQUEST
    )


def test_the_whole_jobs_number_beats_the_one_for_each_node():
    requests = (GpuRequest(count=4, per=JOB), GpuRequest(count=3, per=NODE))

    assert count_gpus(NO_TRES, requests, node_count=2, task_count=1).count == 4


@pytest.mark.parametrize(("per", "tasks"), [(SOCKET, 8), (TASK, 0)])
def test_what_cannot_be_multiplied_is_not_guessed(per: GpuScope, tasks: int):
    requests = (GpuRequest(count=2, per=per),)

    assert count_gpus(NO_TRES, requests, node_count=2, task_count=tasks) == GpuCount(
        count=0, by_type={}, source=GpuSource.UNKNOWN
    )


def test_a_job_without_gpus_has_none():
    assert count_gpus(NO_TRES, (), node_count=2, task_count=8) == NO_GPU_COUNT


@given(st.text())
def test_any_text_is_read(text: str):
    for one in read_gpu_request(JOB, text):
        assert one.count > 0
