"""One job in full on a terminal: what is known of it in sections, and nothing of what is not."""

from dataclasses import fields, replace
from datetime import timedelta
from typing import cast

import pytest
from pydantic import JsonValue
from rich.console import Console, Group

from slurmfleet.cli.answers import JobAnswer
from slurmfleet.cli.client import understood
from slurmfleet.cli.commands.job_sections import job_sections
from slurmfleet.contracts.job_parts import (
    Dependency,
    DependencyKind,
    DependencyState,
    GpuRequest,
    GpuScope,
    GpuSource,
    JobRequest,
)
from slurmfleet.contracts.jobs import JobState
from slurmfleet.contracts.text import shown_fields
from slurmfleet.store.examples import JOB, NOW
from slurmfleet.store.rows import JobView

LEFT_OUT = {"raw_id", "first_observed_at", "run_id"}
"""What REST tells of a job and a page for people does not."""

SECTIONS = ["Time", "Resources", "Asked for", "Waits for", "Parts", "Files", "Seen"]


def page(view: JobView, width: int = 100) -> str:
    console = Console(width=width, force_terminal=False, highlight=False)
    document = cast("JsonValue", shown_fields(view))
    with console.capture() as capture:
        console.print(Group(*job_sections(understood(document, JobAnswer))))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def rows(view: JobView) -> dict[str, str]:
    """Give the names and values that are shown, whatever their section."""
    lines = [line for line in page(view).splitlines() if len(line) > 16 and line[15] == " "]
    return {line[:15].strip(): line[16:] for line in lines if line[:15].strip()}


def waiting(**changes: object) -> JobView:
    bare = replace(
        JOB,
        state=JobState.PENDING,
        started_at=None,
        node_list="",
        node_names=(),
        batch_host="",
        request=JobRequest(),
    )
    return replace(bare, **changes)


def test_every_field_of_the_api_is_read_or_left_out_on_purpose():
    assert {one.name for one in fields(JobView)} - set(JobAnswer.model_fields) == LEFT_OUT


def test_a_running_job_is_shown_in_sections():
    shown = page(JOB)

    assert [one for one in SECTIONS if f"\n\n{one}\n" in shown] == [
        "Time",
        "Resources",
        "Asked for",
        "Files",
        "Seen",
    ]
    told = rows(JOB)
    assert told["priority"] == "100"
    assert told["nodes"] == "1 gpu01"
    assert told["memory"] == "64.0 GiB"
    assert (told["GPUs"], told["features"]) == ("8 h100 per node", "nvlink")
    assert (told["submitted by"], told["stderr"]) == ("sbatch train.sh", "with stdout")


@pytest.mark.parametrize(
    "name",
    ["dependency", "exit", "restarts", "stdin", "reservation", "nice", "tasks", "comment", "SLUID",
     "node names", "batch host", "may start", "expected start"],
)  # fmt: skip
def test_what_is_empty_has_no_row(name: str):
    assert name not in rows(JOB)


def test_nodes_are_named_where_the_list_is_compact():
    names = tuple(f"gpu{number:02}" for number in range(1, 41))
    large = replace(JOB, nodes=40, node_list="gpu[01-40]", node_names=names)
    few = replace(JOB, nodes=2, node_list="gpu[01-02]", node_names=names[:2])

    assert rows(few)["node names"] == "gpu01, gpu02"
    assert rows(few)["batch host"] == "gpu01"
    shown = " ".join(page(large, width=400).split())
    assert "gpu31, gpu32, …" in shown
    assert "gpu33" not in shown


def test_a_request_says_what_narrows_it_down():
    asked = JobRequest(
        gpus=(
            GpuRequest(count=2, per=GpuScope.NODE, gpu_type="a100"),
            GpuRequest(count=1, per=GpuScope.TASK),
        ),
        features="nvlink&ib",
        required_nodes="gpu[01-03]",
        excluded_nodes="gpu09",
        reservation="course",
        licenses="ansys:2",
        is_exclusive=True,
        is_batch=False,
        may_requeue=False,
        task_count=16,
        nice=-5,
        deadline_at=NOW + timedelta(days=1),
    )

    told = rows(waiting(request=asked, gpus=0, gpu_source=GpuSource.UNKNOWN))

    assert (
        told.items()
        >= {
            "features": "nvlink&ib",
            "on nodes": "gpu[01-03]",
            "not on nodes": "gpu09",
            "reservation": "course",
            "licenses": "ansys:2",
            "whole nodes": "yes",
            "interactive": "yes, no batch script",
            "requeue": "never",
            "tasks": "16",
            "nice": "-5",
        }.items()
    )
    assert told["GPUs"] == "2 a100 per node, 1 per task"
    assert "deadline" in told
    assert "some, how many is not told" in page(waiting(request=asked, gpu_source="unknown"))


def test_dependencies_are_told_one_by_one():
    after = (
        Dependency(kind=DependencyKind.AFTEROK, job_id=15, is_whole_array=True),
        Dependency(
            kind=DependencyKind.AFTER,
            job_id=16,
            array_task_id=3,
            delay_min=10,
            state=DependencyState.UNFULFILLED,
        ),
        Dependency(kind=DependencyKind.SINGLETON),
    )

    told = rows(waiting(dependency="afterok:15_*,after:16_3+10,singleton", dependencies=after))

    assert told["afterok"] == "job 15, all its tasks"
    assert told["after"] == "job 16_3 10 min later (unfulfilled)"
    assert told["singleton"] == "earlier jobs of the same name"
    assert "of these" not in told


def test_alternatives_say_that_one_is_enough():
    either = tuple(
        Dependency(kind=DependencyKind.AFTEROK, job_id=number, any_suffices=True)
        for number in (15, 16)
    )

    told = rows(waiting(dependency="afterok:15?afterok:16", dependencies=either))

    assert told["of these"] == "one is enough"


def test_a_dependency_that_is_not_understood_is_shown_as_slurm_writes_it():
    odd = (Dependency(kind=DependencyKind.UNKNOWN),)

    told = rows(waiting(dependency="afterlunch:15", dependencies=odd))

    assert told["dependency"] == "afterlunch:15"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {
                "array_job_id": 15,
                "array_pending": "2-9%2",
                "task_states": {JobState.PENDING: 8, JobState.RUNNING: 2, JobState.FAILED: 0},
            },
            {"tasks": "8 PENDING, 2 RUNNING", "waiting tasks": "2-9%2"},
        ),
        ({"array_job_id": 15, "array_task_id": 0}, {"array": "15", "task": "0"}),
        (
            {"het_job_id": 17, "task_states": {JobState.RUNNING: 2}},
            {"components": "2 RUNNING"},
        ),
        ({"het_job_id": 17, "het_offset": 0}, {"het job": "17", "component": "0"}),
    ],
)
def test_parts_of_arrays_and_het_jobs(changes: dict[str, object], expected: dict[str, str]):
    told = rows(replace(JOB, **changes))

    names = {"array", "task", "tasks", "waiting tasks", "het job", "component", "components"}
    assert {name: value for name, value in told.items() if name in names} == expected


@pytest.mark.parametrize(
    ("code", "signal", "told"),
    [
        (0, None, "status 0"),
        (3, None, "status 3"),
        (0, 9, "signal 9"),
        (1, 15, "status 1, signal 15"),
    ],
)
def test_exit_status_and_signal(code: int, signal: int | None, told: str):
    ended = replace(JOB, state=JobState.FAILED, exit_code=code, exit_signal=signal)

    assert rows(ended)["exit"] == told


def test_paths_whose_patterns_are_not_known_say_so():
    told = rows(waiting(stdout_path="/h/%N.out", unexpanded_paths=("stdout_path",), stderr_path=""))

    assert told["stdout"] == "/h/%N.out (its patterns are known when it starts)"


def test_text_of_others_neither_turns_the_terminal_nor_forges_a_line():
    evil = "x\x1b[31mred\x1b]0;title\x07\n[bold]state[/]  COMPLETED\u202e"
    document = {**shown_fields(JOB), "name": evil, "comment": evil, "submit_line": evil}
    console = Console(width=200, force_terminal=False, highlight=False)

    with console.capture() as capture:
        console.print(Group(*job_sections(understood(document, JobAnswer))))

    shown = capture.get()
    assert shown.count("xred [bold]state[/]  COMPLETED") == 3
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
