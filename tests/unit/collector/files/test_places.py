"""Which files are a job's, what they are called, and in which order they stand."""

from datetime import UTC, datetime

import pytest

from services.collector.files.places import (
    Found,
    files_of,
    found_in,
    is_named_after,
    number_to_find,
    whereabouts,
)
from services.collector.files.words import NOTHING_NAMED, Named
from slurmfleet.contracts.files import FileKind, FileSource, JobPlace
from slurmfleet.testing.moments import NOON

WORK = "/work/alice"
JOB = JobPlace(
    job_id="123",
    raw_id=123,
    work_dir=WORK,
    stdout_path=f"{WORK}/slurm-123.out",
    stderr_path=f"{WORK}/slurm-123.err",
)
TASK = JOB.model_copy(update={"raw_id": 130, "array_job_id": 123, "array_task_id": 7})
WHOLE_ARRAY = JOB.model_copy(update={"array_job_id": 123})


def found(path: str, *, kind: FileKind = FileKind.FILE, age_s: int = 0) -> Found:
    at = datetime.fromtimestamp(NOON.timestamp() - age_s, tz=UTC)
    return Found(path=path.encode(), kind=kind, size_bytes=1, modified_at=at)


def labels(job: JobPlace, *there: Found, named: Named = NOTHING_NAMED) -> list[str]:
    return [one.label for one in files_of(job, whereabouts(job, named), there)]


@pytest.mark.parametrize(
    ("job", "name", "is_own"),
    [
        (JOB, "slurm-123.out", True),
        (JOB, "123", True),
        (JOB, "main_123_srun.log", True),
        (JOB, "rank-123-7.log", True),
        (JOB, "slurm-00000123.out", True),
        (JOB, "slurm-1234.out", False),
        (JOB, "slurm-0123.4.out", True),
        (JOB, "slurm-9123.out", False),
        (JOB, "results-2012.json", False),
        (TASK, "slurm-123_7.out", True),
        (TASK, "slurm-123-007.out", True),
        (TASK, "slurm-130.out", True),
        (TASK, "slurm-123_70.out", False),
        (TASK, "slurm-123_17.out", False),
        (TASK, "slurm-123_8.out", False),
        (TASK, "slurm-123.out", False),
        (WHOLE_ARRAY, "slurm-123_8.out", True),
    ],
)
def test_a_number_counts_only_by_itself(job: JobPlace, name: str, *, is_own: bool):
    assert is_named_after(job, name.encode()) is is_own


def test_people_look_at_the_main_log_first_and_at_slurms_own_before_the_rest():
    there = (
        found(f"{WORK}/slurm-123.err"),
        found(f"{WORK}/old-123.log", age_s=60),
        found(f"{WORK}/new-123.log"),
        found(f"{WORK}/slurm-123.out"),
        found(f"{WORK}/logs/job_123_sbatch.log"),
        found(f"{WORK}/logs/sandbox_123_srun.log"),
        found(f"{WORK}/logs/server_123_srun.log"),
        found(f"{WORK}/logs/main_123_srun.log"),
    )

    assert labels(JOB, *there) == [
        *("main", "server", "sandbox", "batch", "stdout", "stderr"),
        *("new-123.log", "old-123.log"),
    ]


def test_what_slurm_names_is_told_before_it_is_there():
    (out, err) = files_of(JOB, whereabouts(JOB, NOTHING_NAMED), ())

    assert [(one.label, one.is_there, one.modified_at) for one in (out, err)] == [
        ("stdout", False, None),
        ("stderr", False, None),
    ]


def test_one_file_for_both_outputs_stands_once():
    job = JOB.model_copy(update={"stderr_path": JOB.stdout_path})

    assert labels(job, found(JOB.stdout_path)) == ["stdout"]


def test_a_pattern_that_nobody_can_expand_is_no_file():
    job = JOB.model_copy(
        update={"stdout_path": f"{WORK}/%q.out", "unexpanded_paths": ("stdout_path",)}
    )

    assert whereabouts(job, NOTHING_NAMED).files == (JOB.stderr_path.encode(),)


def test_output_to_nowhere_has_no_folder():
    job = JOB.model_copy(update={"stdout_path": "/dev/null", "stderr_path": "/dev/null"})
    where = whereabouts(job, NOTHING_NAMED)

    assert where.files == ()
    assert where.folders == (WORK.encode(), f"{WORK}/logs".encode())


def test_a_folder_named_after_the_job_gives_what_reads_like_a_log():
    there = (
        found(f"{WORK}/run-123", kind=FileKind.FOLDER),
        found(f"{WORK}/run-123/rank0.log"),
        found(f"{WORK}/run-123/weights.bin"),
        found(f"{WORK}/run-1234/rank0.log"),
    )
    told = files_of(JOB, whereabouts(JOB, NOTHING_NAMED), there)

    assert [one.path for one in told if one.is_there] == [
        f"{WORK}/run-123/rank0.log",
        f"{WORK}/run-123",
    ]


def test_what_the_script_names_is_the_jobs_where_it_reads_like_a_log():
    named = Named(files=("/data/out.jsonl",), folders=("/data",))
    there = (
        found("/data/out.jsonl"),
        found("/data/metrics.csv"),
        found("/data/model.safetensors"),
        found("/data/ckpt", kind=FileKind.FOLDER),
    )
    told = files_of(JOB, whereabouts(JOB, named), there)

    assert {one.name: one.source for one in told if one.is_there} == {
        "out.jsonl": FileSource.SCRIPT,
        "metrics.csv": FileSource.SCRIPT,
    }


def test_names_of_any_bytes_are_told():
    raw = b"f 5 1765000000.5 /work/alice/\xff\n123.log\0d 1 1765000000.0 /work/alice/cut"

    (one,) = found_in(raw)

    assert (one.path, one.size_bytes) == (b"/work/alice/\xff\n123.log", 5)
    told = files_of(JOB, whereabouts(JOB, NOTHING_NAMED), [one])
    assert told[0].path.startswith("base64:")


def test_names_of_an_arrays_files_hold_the_arrays_number():
    assert number_to_find(TASK) == 123
    assert number_to_find(JOB) == 123
