"""Files are read by the real tools: every byte once, whatever happens to the file meanwhile."""

import os
from pathlib import Path

import pytest

from services.collector.files.desk import FileDesk
from slurmfleet.contracts.documents import PathBase, PathKind
from slurmfleet.contracts.files import (
    FindFilesRequest,
    JobPlace,
    ListFolderRequest,
    ReadFileRequest,
    RecordRequest,
    RecordsRequest,
    SearchFileRequest,
    path_text,
)
from slurmfleet.contracts.problems import ProblemCode, ProblemError


def log(job: JobPlace) -> Path:
    return Path(job.stdout_path)


async def read(desk: FileDesk, job: JobPlace, **what: object):
    return await desk.read(ReadFileRequest.model_validate({"job": job, **what}))


async def test_the_newest_lines_come_first_and_older_ones_on_request(desk: FileDesk, job: JobPlace):
    lines = [f"line {number} é\n" for number in range(1_000)]
    log(job).write_text("".join(lines))

    told, report = [], await read(desk, job, lines=300)
    told.insert(0, report.text)
    while report.older_cursor:
        report = await read(desk, job, lines=300, before=report.older_cursor)
        told.insert(0, report.text)

    assert [one.count("\n") for one in told] == [100, 300, 300, 300]
    assert "".join(told) == "".join(lines)


async def test_a_file_that_grows_is_followed_without_a_byte_twice(desk: FileDesk, job: JobPlace):
    log(job).write_text("old\n")
    report = await read(desk, job)
    told = report.text

    for part in ("", "a", "b\nc", "", "\n", "é", "end"):
        with log(job).open("a") as file:
            file.write(part)
        report = await read(desk, job, after=report.newer_cursor)
        told += report.text

    assert told == "old\nab\nc\néend"
    assert (report.end_byte, report.has_more) == (log(job).stat().st_size, False)


async def test_more_than_fits_is_read_on(desk: FileDesk, job: JobPlace):
    text = "".join(f"{number}\n" for number in range(2_000))
    log(job).write_text(text)

    report = await read(desk, job, lines=5_000, most_bytes=1_024)
    first = report.older_cursor
    assert first is not None
    told, cursor = "", f"{first.partition('.')[0]}.0"
    while True:
        report = await read(desk, job, after=cursor, lines=5_000, most_bytes=1_024)
        told, cursor = told + report.text, report.newer_cursor
        if not report.has_more:
            break

    assert told == text


@pytest.mark.parametrize("how", ["cut", "another"])
async def test_a_file_that_is_another_one_now_is_read_from_its_beginning(
    desk: FileDesk, job: JobPlace, how: str
):
    log(job).write_text("a long first life\n")
    before = await read(desk, job)

    if how == "another":
        log(job).rename(log(job).with_suffix(".1"))
    log(job).write_text("anew\n")
    report = await read(desk, job, after=before.newer_cursor)

    assert (report.text, report.was_replaced) == ("anew\n", True)


async def test_without_a_path_the_main_log_is_read(desk: FileDesk, job: JobPlace, work: Path):
    log(job).write_text("of the batch script\n")
    (work / "logs" / "main_123_srun.log").write_text("of the main step\n")
    (work / "logs" / "main_1234_srun.log").write_text("of another job\n")

    assert (await read(desk, job)).text == "of the main step\n"


async def test_files_are_found_where_the_script_says(
    desk: FileDesk, job: JobPlace, work: Path, tmp_path: Path
):
    results = tmp_path / "results" / "run1"
    results.mkdir(parents=True)
    (results / "out.jsonl").write_text('{"a": 1}\n')
    script = work / "run.sbatch"
    script.write_text(
        f"#!/bin/bash\nsrun --container-mounts={tmp_path}/results:/results "
        "python x.py ++output_file=/results/run1/out.jsonl\n"
    )
    job = job.model_copy(update={"command": str(script)})

    report = await desk.find(FindFilesRequest(job=job))

    assert [(one.label, one.is_there) for one in report.files] == [
        ("out.jsonl", True),
        ("stdout", False),
    ]
    assert (await read(desk, job, path=f"{results}/out.jsonl")).text == '{"a": 1}\n'


async def test_a_groups_folder_of_logs_is_searched_and_gives_nobody_elses(
    desk: FileDesk, job: JobPlace, bases: list[PathBase], tmp_path: Path
):
    logs = tmp_path / "logs" / job.user
    logs.mkdir(parents=True)
    (logs / "rank-123.log").write_text("mine\n")
    (logs / "rank-1234.log").write_text("another's\n")
    bases.append(PathBase(kind=PathKind.LOGS, path=f"{tmp_path}/logs/{{user}}"))

    report = await desk.find(FindFilesRequest(job=job))

    assert [one.name for one in report.files if one.is_there] == ["rank-123.log"]
    assert (await read(desk, job, path=f"{logs}/rank-123.log")).text == "mine\n"
    with pytest.raises(ProblemError) as caught:
        await read(desk, job, path=f"{logs}/rank-1234.log")
    assert caught.value.code is ProblemCode.PATH_NOT_ALLOWED


async def test_a_run_is_found_by_its_name_where_nothing_else_is(
    desk: FileDesk, job: JobPlace, bases: list[PathBase], tmp_path: Path
):
    for name in ("train [1]*", "train 1"):
        run = tmp_path / "runs" / "2026" / name
        run.mkdir(parents=True)
        (run / "main.log").write_text(f"{name}\n")
    bases.append(PathBase(kind=PathKind.RUNS, path=f"{tmp_path}/runs"))
    job = job.model_copy(update={"name": "train [1]*"})

    report = await desk.find(FindFilesRequest(job=job))

    assert [one.name for one in report.files if one.is_there] == ["main.log"]
    assert (await read(desk, job)).text == "train [1]*\n"


async def test_what_lies_where_the_shell_stands_changes_nothing(
    desk: FileDesk, job: JobPlace, work: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("slurm-123_0.out", "slurm-123_1.out", "-delete 123"):
        (work / name).write_text("x")
    monkeypatch.chdir(work)

    report = await desk.find(FindFilesRequest(job=job))

    assert sorted(one.name for one in report.files if one.is_there) == [
        *("-delete 123", "slurm-123_0.out", "slurm-123_1.out")
    ]


async def test_lines_are_found_page_by_page_with_their_numbers(desk: FileDesk, job: JobPlace):
    log(job).write_text("".join(f"step {number} loss={number}.5\n" for number in range(1, 31)))
    request = SearchFileRequest(job=job, pattern=r"^step [0-9]*5 ", is_regex=True, most_matches=2)

    first = await desk.search(request)
    second = await desk.search(request.model_copy(update={"after": first.next_cursor}))

    assert [(one.line, one.text) for one in (*first.matches, *second.matches)] == [
        (5, "step 5 loss=5.5"),
        (15, "step 15 loss=15.5"),
        (25, "step 25 loss=25.5"),
    ]
    assert second.next_cursor is None


async def test_a_search_that_finds_more_than_an_answer_holds_goes_on(desk: FileDesk, job: JobPlace):
    lines = [f"{number} {'x' * 1_990}" for number in range(1_200)]
    log(job).write_text("\n".join(lines))

    found: list[int | None] = []
    cursor: str | None = ""
    while cursor is not None:
        request = SearchFileRequest(
            job=job, pattern="x" * 50, most_matches=500, context_lines=1, after=cursor
        )
        report = await desk.search(request)
        found += [one.line for one in report.matches if one.is_match]
        cursor = report.next_cursor

    assert found == list(range(1, 1_201))


async def test_a_pattern_that_wants_all_memory_is_refused(desk: FileDesk, job: JobPlace):
    log(job).write_text("a\n")
    greedy = "((((a{1,200}){1,200}){1,200}){1,200}){1,200}"

    with pytest.raises(ProblemError) as caught:
        await desk.search(SearchFileRequest(job=job, pattern=greedy, is_regex=True))

    assert caught.value.code is ProblemCode.INVALID_PARAMETER


async def test_a_search_shows_the_lines_around(desk: FileDesk, job: JobPlace):
    log(job).write_text("a\nb\nERROR: it - broke\nc\nd\n")
    request = SearchFileRequest(job=job, pattern="error: IT -", ignores_case=True, context_lines=1)

    report = await desk.search(request)

    assert [(one.line, one.text, one.is_match) for one in report.matches] == [
        (2, "b", False),
        (3, "ERROR: it - broke", True),
        (4, "c", False),
    ]


@pytest.mark.parametrize("pattern", ["$(id)", "-e root", "'; id; '", "a.c", "\\", "*", "漢 é"])
async def test_plain_text_is_searched_as_it_is(desk: FileDesk, job: JobPlace, pattern: str):
    log(job).write_text(f"abc\nx {pattern} y\nid\n")

    report = await desk.search(SearchFileRequest(job=job, pattern=pattern))

    assert [one.text for one in report.matches] == [f"x {pattern} y"]


async def test_a_pattern_that_is_none_is_refused_with_what_grep_says(desk: FileDesk, job: JobPlace):
    log(job).write_text("a\n")

    with pytest.raises(ProblemError, match="Unmatched") as caught:
        await desk.search(SearchFileRequest(job=job, pattern="(", is_regex=True))

    assert caught.value.code is ProblemCode.INVALID_PARAMETER


ODD_NAMES = (
    "plain.log",
    "with space.log",
    "new\nline.log",
    "-rf.log",
    "$(id).log",
    "'quoted\".log",
    "漢é.log",
    "tab\t.log",
    b"\xe9\xff.log",
    "a,b.log",
    "end\n",
)


def named(folder: Path, raw: bytes) -> Path:
    return Path(os.fsdecode(bytes(folder) + b"/" + raw))


async def test_any_name_a_file_can_have_is_listed_and_read(
    desk: FileDesk, job: JobPlace, work: Path
):
    raw_names = [name if isinstance(name, bytes) else name.encode() for name in ODD_NAMES]
    for number, raw in enumerate(raw_names):
        named(work, raw).write_text(str(number))

    report = await desk.list_folder(ListFolderRequest(job=job, path=str(work)))

    told = {
        one.name: (await read(desk, job, path=one.path)).text
        for one in report.entries
        if one.kind == "file"
    }
    assert told == {
        raw.decode("utf-8", "replace"): str(number) for number, raw in enumerate(raw_names)
    }


async def test_a_folder_is_listed_page_by_page(desk: FileDesk, job: JobPlace, work: Path):
    for name in ("b.txt", "A.txt", "c.txt"):
        (work / name).write_text("x")
    request = ListFolderRequest(job=job, path=str(work), limit=2)

    first = await desk.list_folder(request)
    second = await desk.list_folder(request.model_copy(update={"after": first.next_cursor}))

    assert [one.name for one in (*first.entries, *second.entries)] == [
        *("logs", "A.txt", "b.txt", "c.txt")
    ]
    assert second.next_cursor is None


async def test_records_are_listed_from_both_ends_and_read_by_their_place(
    desk: FileDesk, job: JobPlace, work: Path
):
    (work / "out.jsonl").write_text(
        "".join(f'{{"n": {number}}}\n' for number in range(9)) + "broken\n"
    )
    path = str(work / "out.jsonl")
    request = RecordsRequest(job=job, path=path, limit=3)

    first = await desk.records(request)
    last = await desk.records(request.model_copy(update={"from_end": True}))
    more = await desk.records(request.model_copy(update={"before": last.older_cursor}))
    one = await desk.record(RecordRequest(job=job, path=path, at_byte=more.records[0].byte))

    assert [record.preview for record in first.records] == ['{"n": 0}', '{"n": 1}', '{"n": 2}']
    assert [(record.preview, record.is_valid) for record in last.records] == [
        ('{"n": 7}', True),
        ('{"n": 8}', True),
        ("broken", False),
    ]
    assert [record.preview for record in more.records] == ['{"n": 4}', '{"n": 5}', '{"n": 6}']
    assert (one.text, one.is_valid) == ('{"n": 4}', True)


async def test_what_is_no_text_is_said_to_be_none(desk: FileDesk, job: JobPlace, work: Path):
    (work / "model.bin").write_bytes(bytes(range(256)) * 10)

    report = await read(desk, job, path=str(work / "model.bin"))

    assert (report.text, report.is_binary) == ("", True)


async def test_the_last_bytes_behind_a_page_are_more(desk: FileDesk, job: JobPlace):
    log(job).write_text("one\nab\n")
    first = await read(desk, job, lines=5)
    begin = f"{first.newer_cursor.partition('.')[0]}.0"

    page = await read(desk, job, after=begin, lines=1)
    rest = await read(desk, job, after=page.newer_cursor, lines=1)

    assert [(one.text, one.has_more) for one in (page, rest)] == [("one\n", True), ("ab\n", False)]


def test_odd_paths_survive_their_way_as_text():
    assert path_text(b"/plain \xc3\xa9") == "/plain é"
    assert path_text(b"/\x1b[31m").startswith("base64:")
