"""What is remembered outlives a clock that was wrong for a moment."""

from datetime import timedelta
from pathlib import Path

import pytest

from services.collector.book import Book
from services.collector.jobs.tracked import Look, Tracked
from services.collector.state import KEPT_AFTER_END, StateFile
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.jobs import Evidence
from slurmfleet.testing.clock import ManualClock
from tests.unit.collector.jobs.playing import COMPLETED, T0

ENDED = Tracked(
    job=COMPLETED,
    revision=1,
    observed_at=T0,
    source=Evidence.ACCOUNTING,
    run_submitted_at=T0,
    settled=True,
)
LONG = KEPT_AFTER_END + timedelta(seconds=1)


class SteppedClock(ManualClock):
    """Moves its wall clock by itself where a test says so."""

    def step(self, by: timedelta) -> None:
        self._now += by


@pytest.mark.parametrize("stepped", [False, True])
async def test_a_step_of_the_clock_makes_nobody_forget(tmp_path: Path, *, stepped: bool):
    clock = SteppedClock(T0)
    with StateFile(tmp_path / "alpha.sqlite") as state:
        state.commit({COMPLETED.job_id: ENDED}, [])
        book = Book(ClusterName("alpha"), state=state, clock=clock, on_queued=lambda: None)
        await book.open()

        if stepped:
            clock.step(LONG)
        else:
            clock.advance(LONG.total_seconds())
        await book.take(Look(observed_at=clock.now(), present=()))

        assert (JobId(COMPLETED.job_id) in book.memory) == stepped


async def test_a_look_of_a_moment_that_lies_ahead_makes_nobody_forget(tmp_path: Path):
    clock = SteppedClock(T0)
    with StateFile(tmp_path / "alpha.sqlite") as state:
        state.commit({COMPLETED.job_id: ENDED}, [])
        book = Book(ClusterName("alpha"), state=state, clock=clock, on_queued=lambda: None)
        await book.open()

        await book.take(Look(observed_at=T0 + LONG, present=()))

        assert COMPLETED.job_id in book.memory
