"""What a collector keeps on disk."""

import sqlite3
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from structlog.testing import capture_logs

from services.collector.jobs.tracked import PastRun, Tracked
from services.collector.state import (
    KEPT_AFTER_END,
    KEPT_BAD_ROWS,
    StateFile,
    StateFileError,
    forgettable,
)
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Evidence, JobState
from slurmfleet.slurm.records import BadRow
from tests.unit.collector.jobs.playing import COMPLETED, RUNNING, T0

ENTRY = Tracked(
    job=RUNNING,
    revision=5,
    observed_at=T0,
    source=Evidence.QUEUE,
    run_submitted_at=T0 + timedelta(seconds=1),
    missing_since=T0 + timedelta(seconds=2),
    settled=False,
    times_asked=3,
    past_runs=(
        PastRun(
            job=RUNNING,
            run_submitted_at=T0,
            next_submitted_at=T0 + timedelta(seconds=1),
            revision=4,
            noticed_at=T0 + timedelta(seconds=2),
            times_asked=1,
        ),
    ),
)
MESSAGE = Message(subject="fleet.v1.alpha.job.started", body=b"\x00\xff", headers={"ce-id": "1"})


def test_memory_and_outbox_survive_a_restart(tmp_path: Path):
    with StateFile(tmp_path / "alpha.sqlite") as state:
        state.commit({ENTRY.job.job_id: ENTRY}, [MESSAGE, MESSAGE])

    with StateFile(tmp_path / "alpha.sqlite") as state:
        loaded = state.load()
        queued = [one.message for one in state.queued(10)]

    assert (loaded, queued) == ({JobId("7"): ENTRY}, [MESSAGE, MESSAGE])


def test_acknowledged_messages_leave_and_the_others_keep_their_order(tmp_path: Path):
    with StateFile(tmp_path / "alpha.sqlite") as state:
        messages = [Message(subject=f"s{index}", body=b"") for index in range(4)]
        state.commit({}, messages)
        first, second, *_ = state.queued(10)

        state.sent([first.place, second.place])

        assert [one.message.subject for one in state.queued(10)] == ["s2", "s3"]
        assert state.outbox_size() == 2


def test_it_tells_since_when_it_remembers(tmp_path: Path):
    with StateFile(tmp_path / "alpha.sqlite") as state:
        first = state.state_since(T0)
        later = state.state_since(T0 + timedelta(days=1))

    assert (first, later) == (T0, T0)


def test_a_damaged_file_is_moved_aside_and_begun_afresh(tmp_path: Path):
    (tmp_path / "alpha.sqlite").write_bytes(b"no database" * 1_000)

    with capture_logs() as logs, StateFile(tmp_path / "alpha.sqlite") as state:
        remembered = state.load()

    assert remembered == {}
    assert (tmp_path / "alpha.sqlite.damaged-1").read_bytes() == b"no database" * 1_000
    assert [one["event"] for one in logs] == ["state file damaged, beginning afresh"]


@pytest.mark.parametrize("page", [2, 5, 9, 20])
def test_what_waits_in_a_damaged_file_is_taken_along(tmp_path: Path, page: int):
    path = tmp_path / "alpha.sqlite"
    with StateFile(path) as state:
        many = [Message(subject=f"s{index}", body=bytes(600)) for index in range(200)]
        state.commit({ENTRY.job.job_id: ENTRY}, many)
        before = [one.message.subject for one in state.queued(500)]
    damaged = bytearray(path.read_bytes())
    damaged[page * 4096 : page * 4096 + 64] = bytes(64)
    path.write_bytes(damaged)

    with StateFile(path) as state:
        after = [one.message.subject for one in state.queued(500)]

    assert (tmp_path / "alpha.sqlite.damaged-1").exists()
    assert len(after) >= len(before) - 20  # what lay on the page itself, and what it led to
    assert after == sorted(after, key=before.index)


def test_a_remembered_job_that_cannot_be_read_costs_only_itself(tmp_path: Path):
    path = tmp_path / "alpha.sqlite"
    other = replace(ENTRY, job=replace(ENTRY.job, job_id=JobId("10")))
    with StateFile(path) as state:
        state.commit({ENTRY.job.job_id: ENTRY, other.job.job_id: other}, [])
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE tracked SET job = x'ff00ff' WHERE job_id = '10'")

    with StateFile(path) as state:
        assert state.load() == {ENTRY.job.job_id: ENTRY}


def test_a_transaction_that_fails_keeps_neither_memory_nor_messages(tmp_path: Path):
    with StateFile(tmp_path / "alpha.sqlite") as state:
        unstorable = Message(subject=None, body=b"")  # pyright: ignore[reportArgumentType] on purpose

        with pytest.raises(StateFileError):
            state.commit({ENTRY.job.job_id: ENTRY}, [MESSAGE, unstorable])

        assert (state.load(), state.outbox_size()) == ({}, 0)


def test_closing_waits_for_the_transaction_that_is_being_written(tmp_path: Path):
    path = tmp_path / "alpha.sqlite"
    writing, go_on = Event(), Event()

    def slow() -> Generator[Message]:
        writing.set()
        assert go_on.wait(5)
        yield MESSAGE

    state = StateFile(path).__enter__()
    with ThreadPoolExecutor() as pool:
        kept = pool.submit(state.commit, {}, slow())
        assert writing.wait(5)
        closed = pool.submit(state.__exit__, None, None, None)
        assert wait([closed], timeout=0.2).not_done

        go_on.set()

        kept.result(5)
        closed.result(5)
    with StateFile(path) as state:
        assert state.outbox_size() == 1


def test_only_jobs_that_ended_long_ago_and_are_settled_are_forgotten():
    ended = Tracked(
        job=COMPLETED,
        revision=1,
        observed_at=T0,
        source=Evidence.ACCOUNTING,
        run_submitted_at=T0,
        settled=True,
    )
    later = T0 + KEPT_AFTER_END + timedelta(seconds=1)

    memory = {JobId("7"): ended, JobId("9"): ENTRY}

    assert forgettable(memory, later) == ["7"]
    assert forgettable(memory, T0) == []


@pytest.mark.parametrize(("missing_since", "forgotten"), [(None, ["7"]), (T0, [])])
def test_a_job_that_was_given_up_is_forgotten_once_nobody_is_asked_about_it(
    missing_since: datetime | None, forgotten: list[str]
):
    given_up = Tracked(
        job=replace(COMPLETED, state=JobState.VANISHED),
        revision=1,
        observed_at=T0,
        source=Evidence.NONE,
        run_submitted_at=T0,
        missing_since=missing_since,
    )
    later = T0 + KEPT_AFTER_END + timedelta(seconds=1)

    assert forgettable({JobId("7"): given_up}, later) == forgotten


def test_a_file_of_an_older_version_keeps_what_it_remembers(tmp_path: Path):
    path = tmp_path / "alpha.sqlite"
    with StateFile(path) as state:
        state.commit({ENTRY.job.job_id: replace(ENTRY, past_runs=())}, [MESSAGE])
    with closing(sqlite3.connect(path)) as db:
        db.executescript("ALTER TABLE tracked DROP COLUMN past_runs; PRAGMA user_version = 1")

    with StateFile(path) as state:
        loaded = state.load()
        queued = [one.message for one in state.queued(10)]

    assert (loaded, queued) == ({JobId("7"): replace(ENTRY, past_runs=())}, [MESSAGE])


def test_a_line_that_comes_again_is_kept_once_with_a_count(tmp_path: Path):
    line = BadRow(line="7|what", error="not understood")
    other = BadRow(line="8|what", error="not understood")
    with StateFile(tmp_path / "alpha.sqlite") as state:
        state.keep_bad_rows("detail", [line, other], T0)
        state.keep_bad_rows("detail", [line], T0 + timedelta(minutes=1))

        kept = [
            (one.line, one.times, one.first_seen_at, one.last_seen_at) for one in state.bad_rows()
        ]

    assert kept == [
        ("7|what", 2, T0, T0 + timedelta(minutes=1)),
        ("8|what", 1, T0, T0),
    ]


def test_only_the_newest_lines_are_kept(tmp_path: Path):
    with StateFile(tmp_path / "alpha.sqlite") as state:
        for number in range(KEPT_BAD_ROWS + 5):
            row = BadRow(line=str(number), error="")
            state.keep_bad_rows("queue", [row], T0 + timedelta(seconds=number))

        kept = [one.line for one in state.bad_rows()]

    assert kept == [str(number) for number in range(KEPT_BAD_ROWS + 4, 4, -1)]


def test_it_remembers_up_to_when_accounting_has_told(tmp_path: Path):
    with StateFile(tmp_path / "alpha.sqlite") as state:
        before = state.accounted_until()
        state.set_accounted_until(T0)
        after = state.accounted_until()

    assert (before, after) == (None, T0)
