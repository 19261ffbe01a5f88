"""What accounting's answer is worth when a part of it failed; what follows where there is none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from services.collector.book import Book
from services.collector.budget import RpcBudget
from services.collector.desk import Answer, Desk, Known
from services.collector.jobs.tracked import Look
from services.collector.jobs.verdicts import VANISHED_AFTER
from services.collector.links import open_link
from services.collector.looks.inquiry import Inquiry, read_accounting
from services.collector.settings import CollectorSettings
from services.collector.state import StateFile
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.jobs import Evidence, JobState
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.slurm.abilities import Abilities
from slurmfleet.slurm.columns import ANY_SLURM
from slurmfleet.slurm.commands import accounting_sections, accounting_window_sections
from slurmfleet.slurm.frames import Frames, SectionOutput
from slurmfleet.slurm.probe import Probe
from slurmfleet.slurm.records import PLAIN
from slurmfleet.testing.builders import a_job
from slurmfleet.testing.clock import ManualClock
from slurmfleet.testing.moments import NOON

WELL = SectionOutput(stdout="", stderr="", exit_status=0)
BROKEN = SectionOutput(stdout="", stderr="sacct: error: no such thing", exit_status=1)
(JOBS,) = (one.name for one in accounting_sections([7], PLAIN, ANY_SLURM))
(WINDOW,) = (
    one.name for one in accounting_window_sections(["alice"], [], (1, 2), PLAIN, ANY_SLURM)
)

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


def answer_of(jobs: SectionOutput, window: SectionOutput) -> Answer:
    frames = Frames(sections={JOBS: jobs, WINDOW: window}, remote_epoch_s=None, done=True)
    return Answer(frames=frames, separators=PLAIN, observed_at=NOON)


def test_a_window_that_is_not_understood_costs_no_evidence_about_jobs():
    heard = read_accounting(answer_of(WELL, BROKEN), [JOBS, WINDOW], ANY_SLURM)

    assert (heard.rows, heard.window_ok) == ((), False)
    assert [one.ok for one in heard.sections] == [True, False]


def test_jobs_that_were_not_answered_are_no_evidence_whatever_the_window_says():
    heard = read_accounting(answer_of(BROKEN, WELL), [JOBS, WINDOW], ANY_SLURM)

    assert heard.rows is None
    assert heard.error


def test_a_window_that_fails_by_itself_is_a_failure():
    heard = read_accounting(answer_of(WELL, BROKEN), [WINDOW], ANY_SLURM)

    assert (heard.rows, heard.window_ok) == (None, False)
