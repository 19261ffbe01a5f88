"""What squeue told of jobs, as recorded from real Slurm by deploy/testbed/record.py."""

from dataclasses import replace

import pytest

from slurmfleet.contracts.job_parts import GpuScope, GpuSource
from slurmfleet.contracts.jobs import JobState
from slurmfleet.slurm.gpus import count_gpus, read_gpu_request
from slurmfleet.slurm.quantities import parse_count
from slurmfleet.slurm.records import PLAIN, ParsedRows, Separators
from slurmfleet.slurm.squeue import parse_detail, parse_queue
from slurmfleet.slurm.tres import parse_tres
from tests.unit.slurm.recorded import (
    ENDED,
    PREEMPTED_FOR_GOOD,
    WAITING,
    Recorded,
    Recording,
    by_label,
)

LONG = Separators(field="\x1f7f3a\x1f", record="\x1e7f3a\x1f")
"""As in the case `queue-long-separators`, where no name can forge them."""

FORGING_LABELS = {"odd-separators", "odd-forged-record"}
"""Jobs whose names hold the plain separators; plain recordings cannot show them rightly."""

ODD_NAMES = {
    "odd-mixed": "train|v2, \"x\" 'y' é 漢",
    "odd-newline": "line1\nline2",
    "odd-separators": "us\x1frs\x1eend",
    "odd-forged-record": "x\x1e\n1\x1f1\x1f1\x1fRUNNING",
    "odd-control": "tab\tcr\resc\x1b[31mbell\x07",
    "odd-not-utf8": "latin1 ��",
    "odd-empty": "",
    "odd-spaces": "  two  spaces  ",
    "odd-percent": "100%j %s $HOME `id`",
}


def read_queue(recording: Recording, separators: Separators) -> ParsedRows:
    return parse_detail(recording.output.raw, separators, recording.dialect)


def test_every_record_is_read_when_separators_cannot_be_forged(recorded: Recorded):
    recording = recorded("queue-long-separators")

    rows = read_queue(recording, LONG)

    assert rows.bad == ()
    assert len(rows.jobs) == recording.output.stdout.count(LONG.record)
    assert len({job.job_id for job in rows.jobs}) == len(rows.jobs)


def test_squeue_tells_how_jobs_ended(recorded: Recorded):
    recording = recorded("queue-long-separators")

    jobs = by_label(read_queue(recording, LONG), recording.labels)

    seen = {
        label: (jobs[label].state, jobs[label].exit_code, jobs[label].exit_signal)
        for label in ENDED
    }
    assert seen == ENDED
    assert all(jobs[label].started_at and jobs[label].ended_at for label in ENDED)


def test_squeue_tells_why_jobs_wait(recorded: Recorded):
    recording = recorded("queue-long-separators")

    jobs = by_label(read_queue(recording, LONG), recording.labels)

    assert {label: jobs[label].reason for label in WAITING} == WAITING
    assert {jobs[label].state for label in WAITING} == {JobState.PENDING}
    assert {jobs[label].started_at for label in WAITING} == {None}


def test_odd_names_come_back_whole(recorded: Recorded):
    recording = recorded("queue-long-separators")

    jobs = by_label(read_queue(recording, LONG), recording.labels)

    assert {label: jobs[label].name for label in ODD_NAMES} == ODD_NAMES
    assert jobs["odd-long"].name.strip("n") == ""
    assert len(jobs["odd-long"].name) > 500


def test_squeue_tells_what_jobs_wait_for(recorded: Recorded):
    recording = recorded("queue-long-separators")

    jobs = by_label(read_queue(recording, LONG), recording.labels)

    awaited = {
        label: [(one.kind, one.job_id, one.state) for one in jobs[label].dependencies]
        for label in ("dependency", "dependency-never", "running")
    }
    assert awaited == {
        "dependency": [("afterok", recording.labels["running"], "unfulfilled")],
        "dependency-never": [("afterok", recording.labels["doomed"], "failed")],
        "running": [],
    }


def test_squeue_shows_arrays_het_jobs_and_requeues(recorded: Recorded, slurm_version: str):
    recording = recorded("queue-long-separators")
    rows = read_queue(recording, LONG)

    jobs = by_label(rows, recording.labels)
    array, het, mixed = (recording.labels[label] for label in ("array", "het", "array-mixed"))

    assert (jobs["array"].array_pending, jobs["array"].task_states) == (
        "2-9%2",
        {JobState.PENDING: 8},
    )
    assert {job.array_task_id: job.state for job in rows.jobs if job.array_job_id == array} == {
        None: JobState.PENDING,
        0: JobState.RUNNING,
        1: JobState.RUNNING,
    }
    assert {job.array_task_id: job.state for job in rows.jobs if job.array_job_id == mixed} == {
        1: JobState.FAILED,
        2: JobState.COMPLETED,
        3: JobState.FAILED,
        4: JobState.COMPLETED,
        5: JobState.RUNNING,
        6: JobState.RUNNING,
    }
    components = {job.job_id: job.het_offset for job in rows.jobs if job.het_job_id == het}
    assert components == {f"{het}+0": 0, f"{het}+1": 1}
    restarted = ("requeued", "requeued-by-node", "preempted")
    again = 0 if slurm_version == PREEMPTED_FOR_GOOD else 1
    assert [jobs[label].restart_count for label in restarted] == [1, 1, again]


def test_squeue_shows_gpus_and_limits(recorded: Recorded):
    recording = recorded("queue-long-separators")

    jobs = by_label(read_queue(recording, LONG), recording.labels)

    (kind,) = jobs["running"].gpus_by_type
    assert kind in {"h100", "a100", "a100-sxm4-80gb"}
    assert (jobs["running"].gpu_count, jobs["running"].gpus_by_type) == (2, {kind: 2})
    assert (jobs["running"].memory_mib, jobs["running"].cpu_count) == (65_536, 8)
    assert len(jobs["running-two-nodes"].node_names) == 2
    assert (jobs["running-two-nodes"].node_count, jobs["running-two-nodes"].gpu_count) == (2, 2)
    assert (jobs["running"].time_limit_s, jobs["unlimited"].time_limit_s) == (3_600, None)


def test_squeue_tells_the_files_that_slurmd_made(recorded: Recorded):
    recording = recorded("queue-long-separators")
    rows = read_queue(recording, LONG)

    jobs = by_label(rows, recording.labels)
    mixed, array = recording.labels["array-mixed"], recording.labels["array"]
    tasks = {
        job.array_task_id: (job.stdout_path, job.stderr_path)
        for job in rows.jobs
        if job.array_job_id == mixed
    }

    home = jobs["array"].work_dir
    made = {task: f"{home}/slurm-{mixed}_{task}.out" for task in range(1, 7)}
    assert tasks == {task: (path, path) for task, path in made.items()}
    assert jobs["array"].stdout_path == f"{home}/slurm-{array}_%a.out"
    assert jobs["array"].unexpanded_paths == ("stderr_path", "stdout_path")
    running = jobs["running"]
    assert (running.stdout_path, running.stderr_path, running.unexpanded_paths) == (
        f"{home}/train-{running.raw_id}.out",
        f"{home}/train-{running.raw_id}.err",
        (),
    )


@pytest.mark.parametrize("case", ["queue", "queue-live", "queue-after-restart"])
def test_plain_separators_lose_only_what_forges_them(recorded: Recorded, case: str):
    recording = recorded(case)
    forging = {str(recording.labels[label]) for label in FORGING_LABELS}

    rows = read_queue(recording, PLAIN)

    assert len(rows.bad) == len(FORGING_LABELS)
    assert forging - {str(job.job_id) for job in rows.jobs} == {
        str(recording.labels["odd-separators"])
    }


def test_counts_agree_with_the_jobs_in_full(recorded: Recorded):
    rows = read_queue(recorded("queue-long-separators"), LONG)
    text = "".join(
        f"{job.job_id}{f'_[{job.array_pending}]' if job.array_pending else ''}"
        f"|{job.user}|{job.account}|{job.partition}|{job.state}|{job.tres}|{job.reason}|\n"
        for job in rows.jobs
    )

    counts = parse_queue(text)

    waiting = sum(max(1, sum(job.task_states.values())) for job in rows.jobs if job.array_pending)
    others = sum(not job.array_pending for job in rows.jobs)
    assert counts.rows == len(rows.jobs)
    assert sum(count.jobs for count in counts.counts.values()) == waiting + others


def test_requests_make_the_gpus_that_slurm_counts(recorded: Recorded):
    compared = 0
    for row in request_rows(recorded("queue-requests")):
        requests = tuple(
            one for per in GpuScope for one in read_gpu_request(per, row[f"tres-per-{per}"])
        )
        tres = parse_tres(row["tres-alloc"])
        sizes = {
            "node_count": parse_count(row["NumNodes"]),
            "task_count": parse_count(row["NumTasks"]),
        }
        counted = count_gpus(replace(tres, gpu_count=0, gpus_by_type={}), requests, **sizes)
        if counted.source is GpuSource.REQUEST:
            assert (row["Name"], counted.count) == (row["Name"], tres.gpu_count)
            compared += 1
        else:
            assert tres.gpu_count == 0 or counted.source is GpuSource.UNKNOWN

    assert compared > 5


def request_rows(recording: Recording) -> list[dict[str, str]]:
    names = recording.dialect.detail
    rows = [one.split(LONG.field) for one in recording.output.stdout.split(f"{LONG.record}\n")]
    return [dict(zip(names, row, strict=True)) for row in rows if len(row) == len(names)]
