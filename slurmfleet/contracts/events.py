"""Facts that the fleet's processes tell each other, in the past tense.

Every fact has an id that is computed from its content, so a fact that is told twice has one id.
What happens to a job once per restart (submitted, started, ended, vanished) is known by job,
restart and verb; a change is known by the job's revision.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.jobs import NO_GPUS, Evidence, Job, JobState
from slurmfleet.contracts.nouns import Noun, digest, instant
from slurmfleet.contracts.sample import Sample
from slurmfleet.contracts.sections import SectionOutcome


class LinkState(StrEnum):
    """How the last attempt to reach a cluster's login node went."""

    OK = "ok"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    AUTH_DENIED = "auth_denied"
    """Latched: no further attempt is made until a person acts."""
    NO_MASTER = "no_master"
    """No OpenSSH master of ours is open; only its owner can open one, and the error says how."""
    HOST_KEY_UNKNOWN = "host_key_unknown"
    HOST_KEY_CHANGED = "host_key_changed"
    MISCONFIGURED = "misconfigured"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFact:
    """What every fact about a job carries."""

    noun: ClassVar[Noun] = Noun.JOB
    verb: ClassVar[str]

    cluster: ClusterName
    job: Job
    """The job as it was after the fact."""

    observed_at: datetime
    """When the cluster showed it."""

    revision: int
    """Grows with every fact of a job; the larger one is the newer. Microseconds since 1970."""

    source: Evidence

    @property
    def fact_id(self) -> str:
        """The fact's id: once per job, restart and verb."""
        return digest(self.verb, *_job_identity(self), str(self.job.restart_count))


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSubmitted(JobFact):
    """A job was seen for the first time (or again, after a requeue: then restart_count > 0)."""

    verb: ClassVar[str] = "submitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted(JobFact):
    """Slurm gave the job its nodes."""

    verb: ClassVar[str] = "started"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobChanged(JobFact):
    """Something else about the job changed: its reason, limit, nodes, flags."""

    verb: ClassVar[str] = "changed"

    changed: tuple[str, ...]
    """Names of the fields of `Job` that differ from the fact before, sorted."""

    @property
    def fact_id(self) -> str:
        """The fact's id: once per revision, since a job may change back and forth."""
        return digest(self.verb, *_job_identity(self), str(self.revision))


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnded(JobFact):
    """Slurm says that the job is over; told once per restart."""

    verb: ClassVar[str] = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobVanished(JobFact):
    """The job left the queue and no source tells how it ended; may still end later."""

    verb: ClassVar[str] = "vanished"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionCount:
    """How many jobs of one user in one account are in one state in one partition."""

    partition: str
    account: str = ""
    user: str = ""
    state: JobState
    jobs: int
    gpus: int
    """Allocated, or requested by jobs that wait."""

    gpus_by_type: Mapping[str, int] = field(default_factory=lambda: NO_GPUS)
    """By the type that the jobs hold or name; what names none is not in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollFinished:
    """A look at a cluster is over, well or badly."""

    noun: ClassVar[Noun] = Noun.POLL
    verb: ClassVar[str] = "finished"

    cluster: ClusterName
    started_at: datetime
    finished_at: datetime
    duration_s: float
    link: LinkState
    error: str = ""
    """What went wrong and what mends it; empty when all went well."""

    interval_s: float
    """How long until the next look is due; staleness is measured with it."""

    state_since: datetime
    """Since when the collector remembers; live jobs not told since then are not live."""

    sections: tuple[SectionOutcome, ...] = ()
    population: tuple[PartitionCount, ...] | None = None
    """Counts over everybody's jobs; None when the queue section was not asked or failed."""

    slurm_version: str = ""
    tracked_jobs: int = 0
    """Live jobs of tracked users and accounts."""

    slurm_rpcs: int = 0
    """Requests this look cost the controller or the accounting database."""

    clock_offset_s: float | None = None
    """The login node's clock minus ours; None when it was not told."""

    @property
    def fact_id(self) -> str:
        """The fact's id: once per cluster and start."""
        return digest(f"poll.{self.verb}", self.cluster, instant(self.started_at))


JobEvent = JobSubmitted | JobStarted | JobChanged | JobEnded | JobVanished
"""Any fact about a job."""

Fact = JobEvent | PollFinished | Sample
"""Any fact; `codec` has one protobuf message for each."""

JOB_FACTS: Mapping[str, type[JobFact]] = {
    kind.verb: kind for kind in (JobSubmitted, JobStarted, JobChanged, JobEnded, JobVanished)
}
"""Every kind of job fact by its verb."""


def _job_identity(fact: JobFact) -> tuple[str, str, str]:
    return fact.cluster, fact.job.job_id, instant(fact.job.submitted_at)
