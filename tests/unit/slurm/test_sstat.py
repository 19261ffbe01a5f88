import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.contracts.sections import SectionName
from slurmfleet.slurm.errors import UnsafeArgumentError
from slurmfleet.slurm.sstat import StepUse, parse_steps, summed, tells_gpus
from slurmfleet.slurm.step_commands import (
    StepPlace,
    sampler_command,
    steps_section,
    tail_section,
)

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "slurm"
VERSIONS = ("22.05.8", "24.11.5", "26.05.5")
by_version = pytest.mark.parametrize("version", VERSIONS)


def recorded(version: str, case: str = "steps") -> tuple[str, str, dict[str, int]]:
    folder = RECORDINGS / version / case
    meta = json.loads((folder / "meta.json").read_text())
    return (folder / "stdout").read_text(), (folder / "stderr").read_text(), meta["labels"]


@by_version
def test_every_step_is_told_once_though_an_arrays_number_names_all_its_tasks(version: str):
    stdout, stderr, labels = recorded(version)

    answer = parse_steps(stdout, stderr)

    told = [(one.raw_job_id, one.step) for one in answer.steps]
    assert sorted(told) == sorted(
        [
            (labels["two-nodes"], "batch"),
            (labels["two-nodes"], "0"),
            (labels["array"], "batch"),
            (labels["array-0"], "batch"),
            (labels["het"], "batch"),
            (labels["het"], "0"),
            (labels["het-member"], "0"),
            (labels["het-quiet"], "batch"),
        ]
    )
    assert answer.bad == ()


@by_version
def test_memory_is_bytes_of_all_tasks_and_the_largest_is_one_task(version: str):
    stdout, stderr, labels = recorded(version)

    steps = {(one.raw_job_id, one.step): one for one in parse_steps(stdout, stderr).steps}
    batch, both = steps[labels["two-nodes"], "batch"], steps[labels["two-nodes"], "0"]

    assert batch.memory_used_mib == pytest.approx(95 if version == "26.05.5" else 170, abs=5)
    assert batch.cpu_time_s == 1
    assert (batch.task_count, both.task_count) == (1, 2)
    assert both.memory_used_mib is not None
    assert both.largest_task_mib is not None
    assert both.largest_task_mib < both.memory_used_mib
    assert "[" in both.node_list


@by_version
def test_a_component_without_steps_is_told_apart_from_an_unknown_job(version: str):
    stdout, stderr, labels = recorded(version)

    answer = parse_steps(stdout, stderr)

    assert answer.without_steps == {labels["het-quiet-member"]}
    assert answer.untold == {9_999_999}


@by_version
def test_a_site_that_counts_no_gpu_use_tells_none(version: str):
    stdout, stderr, _ = recorded(version)

    steps = parse_steps(stdout, stderr).steps

    assert {one.gpu_utilization_sum_pct for one in steps} == {None}


def test_gpu_use_is_a_sum_over_gpus():
    row = "12.0|2|cpu=1-02:03:04,gres/gpumem=4294967296,gres/gpuutil=150,mem=1048576|mem=1|a[1-2]"

    (step,) = parse_steps(row).steps

    assert step == StepUse(
        raw_job_id=12,
        step="0",
        task_count=2,
        node_list="a[1-2]",
        cpu_time_s=93_784,
        memory_used_mib=1,
        largest_task_mib=1 / 2**20,
        gpu_utilization_sum_pct=150,
        gpu_memory_sum_mib=4096,
    )


def test_a_row_that_makes_no_sense_costs_only_itself():
    answer = parse_steps("12.0|x\n13.batch|1|mem=5|mem=5|n\n14.0|1|mem|mem=5|n\n")

    assert [one.raw_job_id for one in answer.steps] == [13]
    assert len(answer.bad) == 2


@pytest.mark.parametrize(
    ("version", "gpus", "believed"),
    [
        ("22.05.8", 8, False),
        ("22.05.8", 1, True),
        ("23.11.4", 2, False),
        ("24.05.1", 8, True),
        ("26.05.5", 8, True),
        ("", 8, False),
        ("unknown", 1, True),
    ],
)
def test_before_24_05_only_a_single_gpus_use_is_believed(version: str, gpus: int, believed: bool):  # noqa: FBT001
    assert tells_gpus(version, gpus) is believed


def test_nothing_told_adds_up_to_nothing_and_not_to_zero():
    assert (summed([None, None]), summed([None, 0.0])) == (None, 0.0)


@given(st.text(max_size=300), st.text(max_size=200))
def test_any_text_is_read_without_an_error(stdout: str, stderr: str):
    parse_steps(stdout, stderr)


@pytest.mark.parametrize(
    ("version", "requests"),
    [("22.05.8", 6), ("24.11.5", 4), ("26.05.5", 4), ("23.11.10", 6), ("", 6)],
)
def test_each_job_is_counted_as_sdiag_counts_it(version: str, requests: int):
    section = steps_section([52, 51, 52], version=version)

    assert section.name == SectionName.STEPS
    assert section.argv[:7] == ("sstat", "-a", "-n", "-P", "--noconvert", "-j", "51,52")
    assert section.requests == requests


@pytest.mark.parametrize("ids", [[], [0], [2**32]])
def test_only_numbers_of_jobs_are_asked_about(ids: list[int]):
    with pytest.raises(UnsafeArgumentError):
        steps_section(ids, version="")


def test_the_samplers_step_is_one_command_of_plain_words():
    place = StepPlace(raw_id=17, node_count=3, het_offset=1)

    command = sampler_command(place, every_s=10, environment={"PATH": "/a b:/c", "HOME": "/x"})

    assert command == (
        "env 'PATH=/a b:/c' srun --jobid=17 --het-group=1 --overlap -N3 --ntasks-per-node=1 "
        "--mem=0 --cpu-bind=none --job-name=slurmfleet-sampler --quiet --unbuffered "
        "sh -s -- stdout 10"
    )


@pytest.mark.parametrize("name", ["41", "x/a.log", "41/../../etc/passwd", "41/a b.log"])
def test_odd_file_names_never_become_part_of_a_command(name: str):
    with pytest.raises(UnsafeArgumentError):
        tail_section({name: 0}, [41], folder=".slurmfleet/samples")
