"""Writes down what is told about jobs while a look is worked through; pure.

The ledger gives every fact of a job a revision that is larger than the one before, and keeps the
memory in step with what was told.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from services.collector.jobs.differences import changed_fields
from services.collector.jobs.stages import as_started, as_submitted
from services.collector.jobs.tracked import Memory, Outcome, PastRun, Tracked, has_started
from slurmfleet.contracts.events import (
    JobChanged,
    JobEnded,
    JobEvent,
    JobStarted,
    JobSubmitted,
    JobVanished,
)
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.jobs import LEFT_QUEUE, Evidence, Job, JobState

_ORDER: Mapping[type[JobEvent], int] = {
    kind: place
    for place, kind in enumerate((JobSubmitted, JobStarted, JobChanged, JobEnded, JobVanished))
}
_OncePerRun = JobSubmitted | JobStarted | JobEnded | JobVanished
"""What happens to a job once per run."""


class Ledger:
    """Facts and memory of one look at one cluster."""

    def __init__(self, cluster: ClusterName, memory: Memory, observed_at: datetime) -> None:
        """Begin with what is remembered; `memory` itself is never changed."""
        self._cluster = cluster
        self._memory = memory
        self._remembered: dict[JobId, Tracked] = {}
        self._facts: list[JobEvent] = []
        self._observed_at = observed_at

    @property
    def observed_at(self) -> datetime:
        """When the cluster showed what is written down."""
        return self._observed_at

    def get(self, job_id: JobId) -> Tracked | None:
        """Give what is known of a job by now."""
        return self._remembered.get(job_id) or self._memory.get(job_id)

    def is_touched(self, job_id: JobId) -> bool:
        """Whether this look has changed what is known of a job."""
        return job_id in self._remembered

    def remember(self, tracked: Tracked) -> None:
        """Keep an entry without telling anything."""
        self._remembered[tracked.job.job_id] = tracked

    def outcome(self) -> Outcome:
        """Give all facts, of each kind together and in the order of a job's life."""
        facts = sorted(self._facts, key=lambda fact: _ORDER[type(fact)])
        return Outcome(facts=tuple(facts), remembered=dict(self._remembered))

    def tell_new(self, job: Job, source: Evidence) -> None:
        """Tell a job that was not known, with all that has happened to it already."""
        self._tell(as_submitted(job), source, JobSubmitted, run_submitted_at=job.submitted_at)
        self._tell_progress(job, source)

    def tell_requeued(self, job: Job, run_submitted_at: datetime, source: Evidence) -> None:
        """Tell that a job waits again, under the same id and with a higher restart count.

        If the end of the run before was not told, it is remembered until accounting tells it.
        """
        known = self._known(job)
        past_runs = known.past_runs
        if not known.ended:
            # Two revisions of its own, for its start and its end, below those of the new run: the
            # job's row shows that one.
            revision = max(self._now_revision(), known.revision + 1) + 1
            self.remember(replace(known, revision=revision))
            past = PastRun(
                job=known.job,
                run_submitted_at=known.run_submitted_at,
                next_submitted_at=run_submitted_at,
                revision=revision,
                noticed_at=self._observed_at,
            )
            past_runs = (*past_runs, past)
        self._tell(as_submitted(job), source, JobSubmitted, run_submitted_at=run_submitted_at)
        self.remember(replace(self._known(job), past_runs=past_runs))
        self._tell_progress(job, source)

    def tell_reopened(self, group: Job, run_submitted_at: datetime, source: Evidence) -> None:
        """Tell that a group that had ended has a member that runs again."""
        self._tell(as_submitted(group), source, JobSubmitted, run_submitted_at=run_submitted_at)
        self._tell_progress(group, source)

    def tell_past_end(self, known: Tracked, past: PastRun, job: Job, source: Evidence) -> Tracked:
        """Tell how an earlier run ended; give what is remembered of the job from then on."""
        if past.job.started_at is None and has_started(job):
            started = self._past_fact(JobStarted, as_started(job), past, source)
            self._facts.append(replace(started, revision=past.revision - 1))
        self._facts.append(self._past_fact(JobEnded, job, past, source))
        left = tuple(one for one in known.past_runs if one is not past)
        return self._replaced(known, past_runs=left)

    def asked_about_past(self, known: Tracked, past: PastRun) -> Tracked:
        """Note that accounting was asked about an earlier run and did not tell its end."""
        asked = tuple(
            replace(one, times_asked=one.times_asked + 1) if one is past else one
            for one in known.past_runs
        )
        return self._replaced(known, past_runs=asked)

    def tell_known_better(self, job: Job) -> None:
        """Tell what another source adds to a job that is known and goes on."""
        self._tell_change(job, self._known(job).source)

    def tell_update(self, job: Job, source: Evidence) -> None:
        """Tell what is new about a known run: its start, its end, or what changed."""
        known = self._known(job)
        if known.ended:
            self._tell_change(job, source)
            return
        if not self._tell_progress(job, source):
            self._tell_change(job, source)
        self._found_again(job)

    def tell_missing(self, tracked: Tracked) -> None:
        """Tell that a job is not in the queue any more and that its end is not known."""
        job = replace(
            tracked.job, state_flags=tuple(sorted({*tracked.job.state_flags, LEFT_QUEUE}))
        )
        self._tell_change(job, tracked.source)
        kept = self._known(job)
        self.remember(replace(kept, missing_since=self._observed_at))

    def tell_vanished(self, tracked: Tracked) -> None:
        """Tell that no source knows how a job ended."""
        job = replace(tracked.job, state=JobState.VANISHED)
        self._tell(job, Evidence.NONE, JobVanished)

    def tell_again(self, known: Tracked, *, above: int = 0) -> None:
        """Tell a remembered job again, for whoever missed facts of it.

        What happens once per run keeps its id, so it is recorded only by who missed it. The last
        fact carries the job as it is, under a revision of its own: one that was told before might
        be of a message that the bus would drop as a repetition.

        Args:
            known: What is remembered.
            above: A revision that others have of it; the new one is larger.
        """
        told: list[tuple[type[_OncePerRun], Job]] = [(JobSubmitted, as_submitted(known.job))]
        if known.has_started:
            told.append((JobStarted, as_started(known.job)))
        if known.ended:
            told.append((JobEnded, known.job))
        elif known.job.state is JobState.VANISHED:
            told.append((JobVanished, known.job))
        told[-1] = (told[-1][0], known.job)
        revision = max(self._now_revision(), known.revision + 1, above + 1)
        for kind, job in told:
            fact = kind(
                cluster=self._cluster,
                job=job,
                observed_at=known.observed_at,
                revision=revision,
                source=known.source,
            )
            self._facts.append(fact)
            self.remember(replace(known, revision=revision))
            revision += 1

    def tell_gone(self, other: Tracked) -> None:
        """Tell that a job is gone whose id another job has now; only that one is remembered."""
        fact = JobVanished(
            cluster=self._cluster,
            job=replace(other.job, state=JobState.VANISHED),
            observed_at=self._observed_at,
            revision=max(self._now_revision(), other.revision + 1),
            source=Evidence.NONE,
        )
        self._facts.append(fact)

    def settle(self, job_id: JobId) -> None:
        """Ask accounting no more about an ended job."""
        known = self.get(job_id)
        if known is not None and known.ended and not known.settled:
            self.remember(replace(known, settled=True, missing_since=None))

    def _replaced(self, known: Tracked, *, past_runs: tuple[PastRun, ...]) -> Tracked:
        kept = replace(self._known(known.job), past_runs=past_runs)
        self.remember(kept)
        return kept

    def _past_fact(
        self, kind: type[JobStarted | JobEnded], job: Job, past: PastRun, source: Evidence
    ) -> JobEvent:
        return kind(
            cluster=self._cluster,
            job=job,
            observed_at=self._observed_at,
            revision=past.revision,
            source=source,
        )

    def _now_revision(self) -> int:
        return int(self._observed_at.timestamp() * 1_000_000)

    def _known(self, job: Job) -> Tracked:
        known = self.get(job.job_id)
        if known is None:
            raise LookupError(job.job_id)
        return known

    def _tell_progress(self, job: Job, source: Evidence) -> bool:
        """Tell a start and an end that the known job does not have yet; say whether one was."""
        known = self._known(job)
        told = False
        if has_started(job) and not known.has_started:
            self._tell(as_started(job), source, JobStarted)
            told = True
        if job.state.is_terminal:
            self._tell(job, source, JobEnded)
            told = True
        return told

    def _tell_change(self, job: Job, source: Evidence) -> None:
        known = self._known(job)
        if changed := changed_fields(known.job, job):
            self._append(job, source, changed=changed)

    def _found_again(self, job: Job) -> None:
        known = self._known(job)
        if known.missing_since is not None and job.state is not JobState.UNKNOWN:
            self.remember(replace(known, missing_since=None, times_asked=0))

    def _tell(
        self,
        job: Job,
        source: Evidence,
        kind: type[_OncePerRun],
        *,
        run_submitted_at: datetime | None = None,
    ) -> None:
        revision = self._keep(job, source, run_submitted_at)
        self._facts.append(
            kind(
                cluster=self._cluster,
                job=job,
                observed_at=self._observed_at,
                revision=revision,
                source=source,
            )
        )

    def _append(self, job: Job, source: Evidence, *, changed: tuple[str, ...]) -> None:
        revision = self._keep(job, source, None)
        self._facts.append(
            JobChanged(
                cluster=self._cluster,
                job=job,
                observed_at=self._observed_at,
                revision=revision,
                source=source,
                changed=changed,
            )
        )

    def _keep(self, job: Job, source: Evidence, run_submitted_at: datetime | None) -> int:
        """Remember a job as told and give the fact's revision.

        The clock gives revisions that also grow when the memory was lost; counting up from the
        last one keeps them growing when the clock was set back.
        """
        known = self.get(job.job_id)
        now = self._now_revision()
        revision = max(now, known.revision + 1) if known is not None else now
        fresh = run_submitted_at is not None or known is None
        self.remember(
            Tracked(
                job=job,
                revision=revision,
                observed_at=self._observed_at,
                source=source,
                run_submitted_at=(
                    run_submitted_at
                    if run_submitted_at is not None
                    else known.run_submitted_at
                    if known is not None
                    else job.submitted_at
                ),
                missing_since=None
                if fresh or known is None or job.state.is_terminal
                else known.missing_since,
                settled=False if fresh or known is None else known.settled,
                times_asked=0 if fresh or known is None else known.times_asked,
                past_runs=() if fresh or known is None else known.past_runs,
            )
        )
        return revision
