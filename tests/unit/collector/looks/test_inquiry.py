"""What follows where there is nobody to ask about how jobs ended."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from services.collector.book import Book
from services.collector.budget import RpcBudget
from services.collector.desk import Desk, Known
from services.collector.jobs.tracked import Look
from services.collector.jobs.verdicts import VANISHED_AFTER
from services.collector.links import open_link
from services.collector.looks.inquiry import Inquiry
from services.collector.settings import CollectorSettings
from services.collector.state import StateFile
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.jobs import Evidence, JobState
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.slurm.abilities import Abilities
from slurmfleet.slurm.probe import Probe
from slurmfleet.testing.builders import a_job
from slurmfleet.testing.clock import ManualClock
from slurmfleet.testing.moments import NOON

ALPHA = ClusterName("alpha")
SEVEN = JobId("7")
NO_ACCOUNTING = Abilities(accounting_storage="accounting_storage/none")


@dataclass(kw_only=True)
class Site:
    """A cluster whose login node nobody reaches: whoever asks it anything fails."""

    clock: ManualClock
    book: Book
    inquiry: Inquiry

    async def look(self, after: timedelta, *jobs: str) -> None:
        self.clock.advance(after.total_seconds())
        present = tuple(a_job(one, state=JobState.RUNNING, node_list="n1") for one in jobs)
        await self.book.take(Look(observed_at=self.clock.now(), present=present))
        self.inquiry.notice(self.clock.now())
        await self.inquiry.inquire()

    @property
    def state(self) -> JobState:
        return self.book.memory[SEVEN].job.state


@asynccontextmanager
async def a_site(folder: Path, abilities: Abilities) -> AsyncIterator[Site]:
    clock = ManualClock(NOON)
    config = ClusterConfig(name=ALPHA, host="127.0.0.1", port=1, track_users=("alice",))
    settings = CollectorSettings(state_dir=folder, known_hosts=(), ssh_config=())
    probe = Probe(user="alice", slurm_version="24.11.5", environment={}, abilities=abilities)
    with StateFile(folder / "alpha.sqlite") as state:
        book = Book(ALPHA, state=state, clock=clock, on_queued=lambda: None)
        await book.open()
        async with open_link(config, settings, clock) as link:
            desk = Desk(
                config,
                link=link,
                budget=RpcBudget(per_minute=0, burst=0, clock=clock),
                known=Known(memory=book.memory, probe=probe),
                clock=clock,
            )
            inquiry = Inquiry(config, settings, clock=clock, book=book, state=state, desk=desk)
            yield Site(clock=clock, book=book, inquiry=inquiry)


async def test_without_accounting_a_job_is_given_up_after_the_usual_patience(tmp_path: Path):
    async with a_site(tmp_path, NO_ACCOUNTING) as site:
        await site.look(timedelta(0), "7")
        await site.look(timedelta(minutes=1))
        await site.look(VANISHED_AFTER)
        patient = site.state
        await site.look(timedelta(seconds=1))

    assert (patient, site.state) == (JobState.RUNNING, JobState.VANISHED)
    assert site.book.memory[SEVEN].source is Evidence.NONE
    assert site.inquiry.is_absent
    assert not site.inquiry.breaker.is_open
    assert [(one.ok, one.error) for one in site.inquiry.take_outcomes()] == [
        (True, "This cluster keeps no accounting database.")
    ]


async def test_without_accounting_a_cluster_that_is_not_seen_loses_no_job(tmp_path: Path):
    async with a_site(tmp_path, NO_ACCOUNTING) as site:
        await site.look(timedelta(0), "7")
        await site.look(timedelta(minutes=1))
        site.clock.advance(10 * VANISHED_AFTER.total_seconds())
        site.inquiry.notice()
        await site.inquiry.inquire()

    assert site.state is JobState.RUNNING


async def test_a_site_that_does_not_tell_its_settings_is_asked(tmp_path: Path):
    async with a_site(tmp_path, Abilities()) as site:
        await site.look(timedelta(0), "7")
        await site.look(timedelta(minutes=1))
        await site.look(2 * VANISHED_AFTER)

    assert site.state is JobState.RUNNING
    assert site.inquiry.breaker.is_open
