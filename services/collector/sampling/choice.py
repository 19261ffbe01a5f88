"""Which source is asked about which job: the ladder, and when a rung is left and tried again. Pure.

Rungs are asked in the site's order. What one tells of a job is not asked of the next; what it
lacks is. A rung that fails is left alone for longer and longer; one that shows nothing of a job
is not asked about that job for a while where asking has a price. Both are tried again, so that a
Prometheus that comes back is used and never waited for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.collector.sampling.jobs import SampledJob
from services.collector.sampling.providers import Need
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.registry import SampleProvider

FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 600.0

PATIENCE = 3
"""Askings that show nothing of a job before it is left out for a while."""

REST_S: Mapping[SampleProvider, float] = {
    SampleProvider.SSTAT: 600.0,
    SampleProvider.SIDECAR: 120.0,
}
"""For how long a job is left out where asking costs something for each job."""


Want = tuple[JobId, Need]
"""One thing that one job is to be sampled for."""


@dataclass(slots=True, kw_only=True)
class _Rung:
    failures: int = 0
    paused_until_s: float = 0.0
    blanks: dict[Want, int] = field(default_factory=dict[Want, int])
    rests_until_s: dict[Want, float] = field(default_factory=dict[Want, float])


def needs_of(job: SampledJob) -> frozenset[Need]:
    """Give what a job is to be sampled for."""
    return frozenset({Need.GPU, Need.LOAD} if job.gpu_count else {Need.LOAD})


class Coverage:
    """Which jobs' needs are met at one asking, and by whom."""

    def __init__(self) -> None:
        """Begin with nothing met."""
        self._by: dict[Want, SampleProvider] = {}

    def meet(self, job_id: JobId, need: Need, by: SampleProvider) -> bool:
        """Say that a source tells this of a job; False when another one did so already."""
        return self._by.setdefault((job_id, need), by) is by

    def by(self, job_id: JobId, need: Need) -> SampleProvider | None:
        """Give who tells this of a job."""
        return self._by.get((job_id, need))

    def lacking(self, job: SampledJob, needs: Iterable[Need]) -> frozenset[Need]:
        """Give which of these needs of the job are not met."""
        wanted = needs_of(job) & frozenset(needs)
        return frozenset(need for need in wanted if (job.job_id, need) not in self._by)


class Ladder:
    """What was learnt of each rung."""

    def __init__(self, rungs: Sequence[SampleProvider]) -> None:
        """Have these rungs; all are tried at first."""
        self._rungs = {rung: _Rung() for rung in rungs}

    def is_paused(self, rung: SampleProvider, now_s: float) -> bool:
        """Say whether a rung has failed and is left alone."""
        return now_s < self._rungs[rung].paused_until_s

    def jobs_for(
        self,
        rung: SampleProvider,
        jobs: Sequence[SampledJob],
        coverage: Coverage,
        *,
        sees: frozenset[Need],
        now_s: float,
    ) -> tuple[SampledJob, ...]:
        """Give the jobs that a rung is asked about now."""
        if self.is_paused(rung, now_s):
            return ()
        rests = self._rungs[rung].rests_until_s
        return tuple(
            job
            for job in jobs
            if any(
                now_s >= rests.get((job.job_id, need), now_s)
                for need in coverage.lacking(job, sees)
            )
        )

    def failed(self, rung: SampleProvider, now_s: float) -> None:
        """Note that a rung could not be asked; its jobs fall to the next."""
        state = self._rungs[rung]
        state.failures += 1
        pause_s = min(FIRST_PAUSE_S * 2 ** (state.failures - 1), LONGEST_PAUSE_S)
        state.paused_until_s = now_s + pause_s

    def answered(
        self,
        rung: SampleProvider,
        *,
        shown: Iterable[Want],
        blank: Iterable[Want],
        now_s: float,
    ) -> None:
        """Note what a rung showed of the jobs it was asked about, and what it did not."""
        state = self._rungs[rung]
        state.failures = 0
        for want in shown:
            state.blanks.pop(want, None)
            state.rests_until_s.pop(want, None)
        for want in blank:
            state.blanks[want] = state.blanks.get(want, 0) + 1
            if state.blanks[want] >= PATIENCE and (rest_s := REST_S.get(rung)):
                state.rests_until_s[want] = now_s + rest_s

    def forget(self, live: frozenset[JobId]) -> None:
        """Forget jobs that do not run any more."""
        for state in self._rungs.values():
            for known in (state.blanks, state.rests_until_s):
                for want in tuple(known):
                    if want[0] not in live:
                        del known[want]
