"""What may not be read is refused, whatever way leads to it."""

import os
from pathlib import Path

import pytest

from services.collector.files.desk import FileDesk
from slurmfleet.contracts.files import JobPlace, ListFolderRequest, ReadFileRequest
from slurmfleet.contracts.problems import ProblemCode, ProblemError


def log(job: JobPlace) -> Path:
    return Path(job.stdout_path)


async def refused(desk: FileDesk, job: JobPlace, path: str | Path) -> ProblemCode:
    with pytest.raises(ProblemError) as caught:
        await desk.read(ReadFileRequest(job=job, path=str(path)))
    return caught.value.code


async def test_only_what_lies_in_the_jobs_folders_is_read(
    desk: FileDesk, job: JobPlace, work: Path, tmp_path: Path
):
    secret = tmp_path / "elsewhere" / "secret.txt"
    (work / "link").symlink_to(secret)
    (work / "linked").symlink_to(secret.parent)
    outside = [
        secret,
        work / "link",
        work / "linked" / "secret.txt",
        work / ".." / ".." / "elsewhere" / "secret.txt",
        tmp_path / "elsewhere" / "not there",
        "/etc/passwd",
    ]

    assert {await refused(desk, job, path) for path in outside} == {ProblemCode.PATH_NOT_ALLOWED}


async def test_what_is_hidden_at_the_top_of_a_home_is_never_read(
    desk: FileDesk, job: JobPlace, home: Path
):
    submitted_at_home = job.model_copy(update={"work_dir": str(home)})
    (home / "notes.txt").write_text("notes\n")

    code = await refused(desk, submitted_at_home, home / ".ssh" / "id_ed25519")

    assert code is ProblemCode.PATH_NOT_ALLOWED
    report = await desk.read(ReadFileRequest(job=submitted_at_home, path=str(home / "notes.txt")))
    assert report.text == "notes\n"


async def test_nobody_makes_a_key_a_jobs_file_by_naming_it(
    desk: FileDesk, job: JobPlace, home: Path
):
    key = str(home / ".ssh" / "id_ed25519")
    named = [
        job.model_copy(update={"stdout_path": key}),
        job.model_copy(update={"submit_line": f"sbatch x.sh --output_file={key}"}),
        job.model_copy(update={"work_dir": str(home / ".ssh")}),
    ]

    codes = {await refused(desk, one, key) for one in named}

    assert codes == {ProblemCode.PATH_NOT_ALLOWED}


async def test_of_anothers_job_nothing_of_ours_is_read(desk: FileDesk, job: JobPlace):
    log(job).write_text("ours\n")
    of_bob = job.model_copy(update={"user": "bob"})

    assert await refused(desk, of_bob, log(job)) is ProblemCode.PATH_NOT_ALLOWED
    with pytest.raises(ProblemError, match="none of the job's folders"):
        await desk.list_folder(ListFolderRequest(job=of_bob, path=job.work_dir))


@pytest.mark.skipif(os.getuid() != 0, reason="by design: only root can give a file away")
async def test_of_anothers_job_their_own_files_are_read(desk: FileDesk, job: JobPlace):
    log(job).write_text("theirs\n")
    os.chown(log(job), 65_534, -1)

    report = await desk.read(ReadFileRequest(job=job.model_copy(update={"user": "nobody"})))

    assert report.text == "theirs\n"


@pytest.mark.parametrize("top", ["/", "the folder of all homes"])
async def test_a_job_submitted_above_all_homes_opens_none_of_them(
    desk: FileDesk, job: JobPlace, home: Path, top: str
):
    at = "/" if top == "/" else str(home.parent)
    job = job.model_copy(update={"work_dir": at, "stdout_path": "", "stderr_path": ""})

    code = await refused(desk, job, home.parent / "elsewhere" / "secret.txt")

    assert code is ProblemCode.PATH_NOT_ALLOWED


async def test_a_file_that_is_not_there_yet_and_one_that_is_no_file_are_told_apart(
    desk: FileDesk, job: JobPlace, work: Path
):
    os.mkfifo(work / "pipe")

    assert await refused(desk, job, log(job)) is ProblemCode.FILE_NOT_FOUND
    assert await refused(desk, job, work / "pipe") is ProblemCode.INVALID_PARAMETER
    assert await refused(desk, job, work) is ProblemCode.INVALID_PARAMETER


@pytest.mark.parametrize("path", ["relative", "~/x", "", "base64:!!", "base64:cmVs", "/a\0b"])
async def test_a_path_that_is_none_never_reaches_the_cluster(
    desk: FileDesk, job: JobPlace, path: str
):
    with pytest.raises(ProblemError) as caught:
        await desk.list_folder(ListFolderRequest(job=job, path=path))

    assert caught.value.code is ProblemCode.INVALID_PARAMETER
