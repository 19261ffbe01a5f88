"""Running jobs with GPUs that are not sampled: told once, with the reason, never as zeros. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.collector.sampling.jobs import SampledJob
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.use import SamplingMissed

MISSED_INTERVALS = 3
_REASON_LIMIT = 500
_Run = tuple[JobId, datetime]


@dataclass(slots=True, kw_only=True)
class GapWatch:
    """When each running job was last sampled, and whether its present gap was told."""

    cluster: ClusterName
    _good_at: dict[_Run, datetime] = field(default_factory=dict[_Run, datetime])
    _told: set[_Run] = field(default_factory=set[_Run])

    def missed(
        self,
        jobs: Sequence[SampledJob],
        *,
        sampled: Mapping[JobId, datetime],
        interval_s: Mapping[JobId, float],
        reasons: Mapping[JobId, str],
        now: datetime,
    ) -> tuple[SamplingMissed, ...]:
        """Give the gaps that have become too long since last time, one for each job.

        Of what was before it saw a job first it knows nothing, so a gap begins there at the
        earliest. The job's start is no help: it is told by the cluster's clock.

        Args:
            jobs: All that run now; others are forgotten.
            sampled: When each was sampled; only new samples.
            interval_s: How often each is to be sampled.
            reasons: Why not, by job.
            now: The moment.
        """
        runs = {(job.job_id, job.started_at): job for job in jobs if job.gpu_count}
        for run in self._good_at.keys() - runs.keys():
            del self._good_at[run]
        self._told &= runs.keys()
        missed: list[SamplingMissed] = []
        for run, job in runs.items():
            if (seen_at := sampled.get(job.job_id)) is not None:
                self._good_at[run] = max(seen_at, self._good_at.get(run, seen_at))
                self._told.discard(run)
            since = self._good_at.setdefault(run, now)
            too_long_s = MISSED_INTERVALS * interval_s.get(job.job_id, 0.0)
            if run not in self._told and (now - since).total_seconds() > too_long_s:
                self._told.add(run)
                missed.append(self._missed(job, since, reasons.get(job.job_id, ""), now))
        return tuple(missed)

    def _missed(
        self, job: SampledJob, since: datetime, reason: str, now: datetime
    ) -> SamplingMissed:
        return SamplingMissed(
            cluster=self.cluster,
            observed_at=now,
            source="none",
            job_id=job.job_id,
            submitted_at=job.submitted_at,
            since_at=since,
            reason=(reason or "No source shows the GPUs of this job.")[:_REASON_LIMIT],
        )
