"""Jobs in full, out of squeue."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.job_parts import (
    Dependency,
    DependencyKind,
    DependencyState,
    GpuRequest,
    GpuScope,
    GpuSource,
    JobRequest,
)
from slurmfleet.contracts.jobs import Job, JobState
from slurmfleet.slurm.abilities import Abilities
from slurmfleet.slurm.columns import (
    ALL_DETAIL_COLUMNS,
    ANY_SLURM,
    dialect_for,
)
from slurmfleet.slurm.records import ParsedRows, separators_for
from slurmfleet.slurm.squeue import parse_detail
from slurmfleet.testing.records import detail_record

SEPARATORS = separators_for("0123456789abcdef")

NEWEST = dialect_for(
    Abilities(
        slurm_version="26.05.0",
        queue_fields=frozenset(name.lower() for name in ALL_DETAIL_COLUMNS),
    )
)

RUNNING = {
    "JobArrayID": "12",
    "JobID": "12",
    "UserName": "alice",
    "Account": "ml",
    "Partition": "batch",
    "QOS": "normal",
    "State": "RUNNING",
    "Reason": "None",
    "SubmitTime": "1795176219",
    "EligibleTime": "1795176220",
    "StartTime": "1795176230",
    "EndTime": "1795190630",
    "TimeLimit": "4:00:00",
    "NumNodes": "1",
    "NumCPUs": "8",
    "tres-alloc": "cpu=8,mem=64G,node=1,billing=8,gres/gpu=2,gres/gpu:h100=2",
    "PriorityLong": "10213",
    "RestartCnt": "1",
    "exit_code": "0:0",
    "NodeList": "gpu01",
    "BatchHost": "gpu01",
    "NumTasks": "4",
    "tres-per-job": "gres/gpu:h100:2",
    "tres-per-node": "N/A",
    "tres-per-socket": "N/A",
    "tres-per-task": "N/A",
    "ReqNodes": "gpu01",
    "ExcNodes": "gpu[07-08]",
    "Reservation": "course",
    "Licenses": "matlab:2",
    "OverSubscribe": "NO",
    "BatchFlag": "1",
    "Requeue": "0",
    "Nice": "-50",
    "DeadLine": "1795200000",
    "SLUID": "s7K3Q9",
    "Feature": "h100&nvlink",
    "STDIN": "/dev/null",
    "Dependency": "(null)",
    "WorkDir": "/home/alice",
    "STDOUT": "/home/alice/train-%j.out",
    "STDERR": "(null)",
    "Command": "(null)",
    "Comment": "sweep lr=3e-4",
    "Name": "train|v2, é 漢",
}


def at(epoch_s: int) -> datetime:
    return datetime.fromtimestamp(epoch_s, tz=UTC)


def record(**changes: str) -> str:
    return detail_record(RUNNING | changes, SEPARATORS)


def only_job(**changes: str) -> Job:
    rows = parse_detail(record(**changes).encode(), SEPARATORS)
    assert rows.bad == ()
    (job,) = rows.jobs
    return job


def test_running_job_is_read_whole():
    text = detail_record(RUNNING, SEPARATORS, NEWEST)

    assert parse_detail(text.encode(), SEPARATORS, NEWEST) == ParsedRows(
        jobs=(
            Job(
                job_id=JobId("12"),
                raw_id=12,
                submitted_at=at(1795176219),
                state=JobState.RUNNING,
                name="train|v2, é 漢",
                user="alice",
                account="ml",
                partition="batch",
                qos="normal",
                eligible_at=at(1795176220),
                started_at=at(1795176230),
                time_limit_s=14_400,
                node_count=1,
                node_list="gpu01",
                node_names=("gpu01",),
                batch_host="gpu01",
                cpu_count=8,
                memory_mib=65_536,
                gpu_count=2,
                gpu_source=GpuSource.TRES,
                gpus_by_type={"h100": 2},
                tres="cpu=8,mem=64G,node=1,billing=8,gres/gpu=2,gres/gpu:h100=2",
                priority=10_213,
                request=JobRequest(
                    gpus=(GpuRequest(count=2, per=GpuScope.JOB, gpu_type="h100"),),
                    features="h100&nvlink",
                    required_nodes="gpu01",
                    excluded_nodes="gpu[07-08]",
                    reservation="course",
                    licenses="matlab:2",
                    is_exclusive=True,
                    is_batch=True,
                    may_requeue=False,
                    task_count=4,
                    nice=-50,
                    deadline_at=at(1795200000),
                ),
                work_dir="/home/alice",
                stdout_path="/home/alice/train-12.out",
                stderr_path="/home/alice/train-12.out",
                stdin_path="/dev/null",
                comment="sweep lr=3e-4",
                restart_count=1,
                sluid="s7K3Q9",
            ),
        ),
        bad=(),
    )


def test_a_waiting_jobs_start_is_an_expectation_and_its_end_is_none():
    job = only_job(State="PENDING", NodeList="", Reason="Resources")

    assert (job.reason, job.expected_start_at, job.started_at, job.ended_at) == (
        "Resources",
        at(1795176230),
        None,
        None,
    )


def test_an_ended_job_has_its_end_and_exit_code():
    job = only_job(State="FAILED", exit_code="768", Reason="NonZeroExitCode")

    assert (job.started_at, job.ended_at, job.exit_code, job.exit_signal, job.reason) == (
        at(1795176230),
        at(1795190630),
        3,
        0,
        "NonZeroExitCode",
    )


def test_a_job_that_ended_without_having_run_has_no_start():
    job = only_job(State="CANCELLED", NodeList="", StartTime="1795176300", EndTime="1795176300")

    assert (job.started_at, job.ended_at) == (None, at(1795176300))


def test_a_completing_job_has_not_ended():
    job = only_job(State="COMPLETING", exit_code="0:15")

    assert (job.state, job.state_flags, job.ended_at, job.exit_code) == (
        JobState.RUNNING,
        ("COMPLETING",),
        None,
        None,
    )


def test_the_waiting_part_of_an_array_is_one_job_with_its_tasks_counted():
    job = only_job(JobArrayID="15_[2-9%2]", JobID="15", State="PENDING")

    assert (job.job_id, job.raw_id, job.array_job_id, job.array_task_id) == ("15", 15, 15, None)
    assert (job.array_pending, job.task_states) == ("2-9%2", {JobState.PENDING: 8})


def test_a_cancelled_rest_of_an_array_waits_no_more():
    job = only_job(JobArrayID="15_[2-9%2]", JobID="15", State="CANCELLED", NodeList="")

    assert (job.array_pending, job.task_states) == ("", {JobState.CANCELLED: 8})


def test_an_array_task_keeps_array_and_index():
    job = only_job(JobArrayID="15_3", JobID="21")

    assert (job.job_id, job.raw_id, job.array_job_id, job.array_task_id, job.task_states) == (
        "15_3",
        21,
        15,
        3,
        {},
    )


def test_a_het_component_keeps_leader_and_offset():
    job = only_job(JobArrayID="17+1", JobID="18")

    assert (job.job_id, job.raw_id, job.het_job_id, job.het_offset) == ("17+1", 18, 17, 1)


def test_only_the_first_component_of_a_het_job_has_a_file():
    first, second = (only_job(JobArrayID=f"17+{at}", JobID=f"{17 + at}") for at in (0, 1))

    assert (first.stdout_path, second.stdout_path) == ("/home/alice/train-17.out", "")


def test_a_job_tells_what_it_waits_for():
    job = only_job(State="PENDING", NodeList="", Dependency="afterok:7_*(failed)")

    assert job.dependency == "afterok:7_*(failed)"
    assert job.dependencies == (
        Dependency(
            kind=DependencyKind.AFTEROK,
            job_id=7,
            is_whole_array=True,
            state=DependencyState.FAILED,
        ),
    )


def test_a_waiting_job_has_no_node_and_its_file_no_name_yet():
    job = only_job(State="PENDING", NodeList="", BatchHost="n/a", STDOUT="/l/%N-%j")

    assert (job.node_names, job.batch_host) == ((), "")
    assert (job.stdout_path, job.unexpanded_paths) == ("/l/%N-12", ("stderr_path", "stdout_path"))


def test_a_node_list_of_many_hosts_is_told_to_be_cut():
    job = only_job(NodeList="gpu[0001-2000]")

    assert (len(job.node_names), job.node_names[-1]) == (1_024, "gpu1024")
    assert not job.has_all_node_names


def test_gpus_of_a_job_are_worked_out_where_the_site_does_not_count_them():
    sizes = {"NumNodes": "2", "tres-alloc": "cpu=8,mem=64G,node=2", "tres-per-job": "N/A"}
    job = only_job(**sizes, **{"tres-per-node": "gres:gpu:a100:4"})

    assert (job.gpu_count, job.gpus_by_type, job.gpu_source) == (
        8,
        {"a100": 8},
        GpuSource.REQUEST,
    )


def test_what_a_job_can_do_without_costs_it_nothing():
    odd = {"Nice": "?", "DeadLine": "soon", "NumTasks": "4294967294", "OverSubscribe": "???"}
    job = only_job(**odd, **{"tres-per-node": "???"}, BatchFlag="", NodeList="gpu[")

    request = job.request
    assert (request.nice, request.deadline_at, request.task_count) == (None, None, 0)
    assert (request.is_exclusive, request.is_batch) == (False, None)
    assert (job.node_names, job.has_all_node_names) == ((), False)


def test_fields_that_were_not_asked_are_empty():
    known = ("JobArrayID", "JobID", "State", "SubmitTime", "UserName", "Partition", "Name")
    few = dialect_for(Abilities(queue_fields=frozenset(name.lower() for name in known)))
    rows = parse_detail(detail_record(RUNNING, SEPARATORS, few).encode(), SEPARATORS, few)

    (job,) = rows.jobs
    assert (job.raw_id, job.name, job.qos, job.sluid) == (12, RUNNING["Name"], "", "")
    assert (job.stdout_path, job.gpu_source) == ("", GpuSource.NONE)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("JobArrayID", "x"),
        ("JobID", "15_3"),
        ("State", ""),
        ("SubmitTime", "N/A"),
        ("StartTime", "2026-11-20T12:03:39"),
        ("TimeLimit", "soon"),
        ("NumNodes", "?"),
        ("tres-alloc", "cpu"),
        ("PriorityLong", "-"),
        ("RestartCnt", "-"),
    ],
)
def test_a_malformed_record_costs_only_itself(field: str, text: str):
    bad = record(**{field: text})

    rows = parse_detail((record(JobID="1") + bad + record(JobID="2")).encode(), SEPARATORS)

    assert [job.raw_id for job in rows.jobs] == [1, 2]
    (row,) = rows.bad
    assert row.line == bad[: -len(SEPARATORS.record) - 1][:500]
    assert repr(text) in row.error


def test_a_record_of_too_few_fields_is_refused():
    short = record().replace(f"alice{SEPARATORS.inner}", "", 1)

    rows = parse_detail((short + record()).encode(), SEPARATORS)

    assert len(rows.jobs) == 1
    assert [row.error.partition(":")[0] for row in rows.bad] == [
        f"{len(ANY_SLURM.detail) - 1} fields, not {len(ANY_SLURM.detail)}"
    ]


def test_a_record_without_its_end_is_refused():
    rows = parse_detail((record() + record()[:-20]).encode(), SEPARATORS)

    assert len(rows.jobs) == 1
    assert [row.error.partition(":")[0] for row in rows.bad] == ["a record without its end"]


def test_no_jobs_are_no_rows():
    assert parse_detail(b"", SEPARATORS) == ParsedRows(jobs=(), bad=())


# A C program prints no NUL.
FREE_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(FREE_TEXT, FREE_TEXT)
def test_free_text_comes_back_whatever_it_holds(name: str, comment: str):
    forged = record(JobID="666").replace(SEPARATORS.field[1:], "")

    job = only_job(Name=name + forged, Comment=f"x{comment}")

    assert (job.raw_id, job.name, job.comment) == (12, name + forged, f"x{comment}")


@given(st.text())
def test_garbage_gives_bad_rows_and_no_error(garbage: str):
    rows = parse_detail(garbage.encode(), SEPARATORS)

    assert rows.jobs == ()
    assert bool(rows.bad) == bool(garbage.encode().strip())
