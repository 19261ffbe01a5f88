from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.job_parts import GpuSource
from slurmfleet.contracts.jobs import Job, JobState
from slurmfleet.slurm.abilities import Abilities
from slurmfleet.slurm.columns import ANY_SLURM, dialect_for
from slurmfleet.slurm.records import PLAIN, ParsedRows, separators_for
from slurmfleet.slurm.sacct import parse_accounting

SEPARATORS = separators_for("0123456789abcdef")
NEWER = dialect_for(
    Abilities(
        slurm_version="26.05.0",
        accounting_fields=frozenset({"restarts", "sluid", "stdin", "stdout", "stderr"}),
    )
)
FAILED = {
    "JobID": "2",
    "JobIDRaw": "2",
    "User": "alice",
    "Account": "ml",
    "Partition": "batch",
    "QOS": "normal",
    "State": "FAILED",
    "ExitCode": "3:0",
    "Submit": "1795176219",
    "Eligible": "1795176220",
    "Start": "1795176230",
    "End": "1795176240",
    "ElapsedRaw": "10",
    "TimelimitRaw": "60",
    "NNodes": "1",
    "NCPUS": "8",
    "ReqMem": "64G",
    "ReqTRES": "billing=8,cpu=8,gres/gpu=2,mem=64G,node=1",
    "AllocTRES": "billing=8,cpu=8,gres/gpu:h100=2,gres/gpu=2,mem=64G,node=1",
    "NodeList": "gpu01",
    "Reason": "None",
    "Restarts": "2",
    "SLUID": "s7K3Q9",
    "StdIn": "/dev/null",
    "StdOut": "/home/alice/slurm-%j.out",
    "StdErr": "/home/alice/err-%N",
    "WorkDir": "/home/alice",
    "Comment": "",
    "SubmitLine": "sbatch --wrap exit 3",
    "JobName": "train `x`",
}


def at(epoch_s: int) -> datetime:
    return datetime.fromtimestamp(epoch_s, tz=UTC)


def line(columns: tuple[str, ...], fields: dict[str, str]) -> str:
    return SEPARATORS.field.join(fields[name] for name in columns) + "\n"


def record(**changes: str) -> str:
    return line(ANY_SLURM.accounting, FAILED | changes)


def only_job(**changes: str) -> Job:
    rows = parse_accounting(record(**changes), SEPARATORS)
    assert rows.bad == ()
    (job,) = rows.jobs
    return job


def test_ended_job_is_read_whole():
    text = line(NEWER.accounting, FAILED)

    assert parse_accounting(text, SEPARATORS, NEWER) == ParsedRows(
        jobs=(
            Job(
                job_id=JobId("2"),
                raw_id=2,
                submitted_at=at(1795176219),
                state=JobState.FAILED,
                name="train `x`",
                user="alice",
                account="ml",
                partition="batch",
                qos="normal",
                eligible_at=at(1795176220),
                started_at=at(1795176230),
                ended_at=at(1795176240),
                time_limit_s=3_600,
                node_count=1,
                node_list="gpu01",
                node_names=("gpu01",),
                cpu_count=8,
                memory_mib=65_536,
                gpu_count=2,
                gpu_source=GpuSource.TRES,
                gpus_by_type={"h100": 2},
                tres="billing=8,cpu=8,gres/gpu:h100=2,gres/gpu=2,mem=64G,node=1",
                work_dir="/home/alice",
                stdout_path="/home/alice/slurm-2.out",
                stderr_path="/home/alice/err-gpu01",
                stdin_path="/dev/null",
                submit_line="sbatch --wrap exit 3",
                restart_count=2,
                exit_code=3,
                exit_signal=0,
                sluid="s7K3Q9",
            ),
        ),
        bad=(),
    )


def test_a_running_row_is_evidence_that_nothing_ended():
    job = only_job(State="RUNNING", End="Unknown", ExitCode="0:0")

    assert (job.state, job.started_at, job.ended_at, job.exit_code, job.exit_signal) == (
        JobState.RUNNING,
        at(1795176230),
        None,
        None,
        None,
    )


def test_a_requeued_row_is_no_end():
    job = only_job(State="REQUEUED")

    assert (job.state, job.state_flags, job.started_at, job.ended_at) == (
        JobState.PENDING,
        ("REQUEUED",),
        None,
        None,
    )


@pytest.mark.parametrize("start", ["None", "1795176240"])
def test_a_job_cancelled_before_it_ran_has_no_start(start: str):
    job = only_job(State="CANCELLED by 2001", Start=start, NodeList="None assigned", AllocTRES="")

    assert (job.state, job.started_at, job.ended_at, job.node_list, job.gpu_count) == (
        JobState.CANCELLED,
        None,
        at(1795176240),
        "",
        2,
    )


def test_the_waiting_part_of_an_array_counts_its_tasks():
    job = only_job(JobID="15_[2-9%2]", JobIDRaw="15", State="PENDING", Start="Unknown")

    assert (job.job_id, job.raw_id, job.array_pending, job.task_states) == (
        "15",
        15,
        "2-9%2",
        {JobState.PENDING: 8},
    )


def test_out_of_memory_keeps_slurms_mark():
    job = only_job(State="OUT_OF_MEMORY", ExitCode="0:125")

    assert (job.exit_code, job.exit_signal) == (0, 125)


def test_names_may_span_lines_anywhere_in_a_record():
    odd = {"JobName": "a\n9\nb", "SubmitLine": "sbatch\n-J 'a\n9\nb'", "WorkDir": "/x\n7"}
    text = record(JobIDRaw="1", JobID="1") + record(**odd) + record(JobIDRaw="3", JobID="3_1")

    rows = parse_accounting(text, SEPARATORS)

    assert rows.bad == ()
    assert [(job.job_id, job.name, job.work_dir) for job in rows.jobs] == [
        ("1", "train `x`", "/home/alice"),
        ("2", "a\n9\nb", "/x\n7"),
        ("3_1", "train `x`", "/home/alice"),
    ]


@pytest.mark.parametrize(
    ("field", "text"),
    [("JobID", "x"), ("JobIDRaw", "2.batch"), ("State", ""), ("Submit", "Unknown"), ("End", "?")],
)
def test_a_malformed_record_costs_only_itself(field: str, text: str):
    rows = parse_accounting(
        record(JobID="1", JobIDRaw="1") + record(**{field: text}) + record(JobID="3", JobIDRaw="3"),
        SEPARATORS,
    )

    assert len(rows.bad) == 1
    assert {1, 3} >= {job.raw_id for job in rows.jobs} >= {3}


@pytest.mark.parametrize("lost", ["alice", "2"])
def test_a_record_with_a_field_too_few_costs_only_itself(lost: str):
    short = record().replace(f"{lost}{SEPARATORS.field}", "", 1)
    text = record(JobID="1", JobIDRaw="1") + short + record(JobID="3", JobIDRaw="3")

    rows = parse_accounting(text, SEPARATORS)

    assert [job.raw_id for job in rows.jobs] == [1, 3]
    assert [row.error.partition(":")[0] for row in rows.bad] == ["24 fields, not 25"]


def test_a_cut_last_record_is_refused():
    rows = parse_accounting(record() + record()[:60], SEPARATORS)

    assert len(rows.jobs) == 1
    assert len(rows.bad) == 1


def test_no_jobs_are_no_rows():
    assert parse_accounting("", SEPARATORS) == ParsedRows(jobs=(), bad=())


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_free_text_comes_back_whatever_it_holds(name: str, line: str):
    forged = record(JobID="666", JobIDRaw="666").replace(SEPARATORS.field, PLAIN.field)
    first = record(JobName=f"{name}\n{forged}x", SubmitLine=f"{line}\n{forged}")

    rows = parse_accounting(first + record(JobID="3", JobIDRaw="3"), SEPARATORS)

    assert [(job.raw_id, job.name, job.submit_line) for job in rows.jobs] == [
        (2, f"{name}\n{forged}x", f"{line}\n{forged}"),
        (3, "train `x`", "sbatch --wrap exit 3"),
    ]
    assert rows.bad == ()


@given(st.text())
def test_garbage_gives_bad_rows_and_no_error(garbage: str):
    assert parse_accounting(garbage, SEPARATORS).jobs == ()
