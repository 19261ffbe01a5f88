"""What a collector keeps on disk."""

from datetime import timedelta
from pathlib import Path

import pytest

from services.collector.state import KEPT_AFTER_END, StateFile, StateFileError, forgettable
from services.collector.tracked import Tracked
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Evidence
from tests.unit.collector.test_diff import COMPLETED, RUNNING, T0

ENTRY = Tracked(
    job=RUNNING,
    revision=5,
    observed_at=T0,
    source=Evidence.QUEUE,
    run_submitted_at=T0 + timedelta(seconds=1),
    missing_since=T0 + timedelta(seconds=2),
    settled=False,
    times_asked=3,
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


def test_a_damaged_file_is_refused_with_the_mend(tmp_path: Path):
    (tmp_path / "alpha.sqlite").write_bytes(b"no database" * 1_000)

    with (
        pytest.raises(StateFileError, match="move it away"),
        StateFile(tmp_path / "alpha.sqlite"),
    ):
        pass


def test_a_transaction_that_fails_keeps_neither_memory_nor_messages(tmp_path: Path):
    with StateFile(tmp_path / "alpha.sqlite") as state:
        unstorable = Message(subject=None, body=b"")  # pyright: ignore[reportArgumentType] on purpose

        with pytest.raises(StateFileError):
            state.commit({ENTRY.job.job_id: ENTRY}, [MESSAGE, unstorable])

        assert (state.load(), state.outbox_size()) == ({}, 0)


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
