"""Actions on jobs: what a cluster's collector is asked to do, and what came of it, job by job."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from slurmfleet.contracts.ids import job_id

ACTED_AT_ONCE = 50
"""Jobs in one request to a collector: one script, some seconds of Slurm's time."""

MOST_JOBS = 1_000
"""Jobs in one action of somebody's."""

MOST_GRACE_S = 20.0


class JobAct(StrEnum):
    """What can be done to a job."""

    CANCEL = "cancel"
    HOLD = "hold"
    RELEASE = "release"
    REQUEUE = "requeue"


class Signal(StrEnum):
    """Signals that a job may be sent before it is cancelled, or instead."""

    TERM = "TERM"
    INT = "INT"
    HUP = "HUP"
    QUIT = "QUIT"
    USR1 = "USR1"
    USR2 = "USR2"


class ActWord(StrEnum):
    """What came of an action on one job."""

    DONE = "done"
    """Slurm has taken it."""
    SIGNALLED = "signalled"
    """It was sent the signal, and nothing else was asked for."""
    ALREADY_OVER = "already_over"
    """It had ended before: nothing was to be done."""
    NOT_FOUND = "not_found"
    DENIED = "denied"
    """Slurm does not let our login do it."""
    NOT_POSSIBLE = "not_possible"
    """Slurm refuses it for the state in which the job is."""
    CHANGED = "changed"
    """Another job has the id by now: nothing was done."""
    UNREACHABLE = "unreachable"
    """The cluster could not be asked: nothing was done."""
    UNKNOWN = "unknown"
    """No answer came: it may or may not have been done."""

    @property
    def is_ok(self) -> bool:
        """Whether what was wanted is so."""
        return self in {ActWord.DONE, ActWord.SIGNALLED, ActWord.ALREADY_OVER}


class ActTarget(BaseModel):
    """One job; Slurm recycles ids, so it is named by its submission too."""

    model_config = ConfigDict(frozen=True)

    job_id: Annotated[str, AfterValidator(job_id)]
    submitted_at: AwareDatetime


class ActRequest(BaseModel):
    """What a collector is asked to do."""

    model_config = ConfigDict(frozen=True)

    act: JobAct
    jobs: tuple[ActTarget, ...] = Field(min_length=1, max_length=ACTED_AT_ONCE)
    signal: Signal | None = Field(default=None, description="Of a cancellation: sent first.")
    grace_s: float | None = Field(
        default=None,
        ge=0,
        le=MOST_GRACE_S,
        description="Seconds from the signal to the cancellation; null: the signal is all.",
    )


class ActOutcome(BaseModel):
    """What came of it for one job."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    word: ActWord
    detail: str = Field(default="", description="In Slurm's words, or ours.")
    state_after: str = Field(
        default="", description="What the queue says of it right afterwards; empty if nothing."
    )


class ActReport(BaseModel):
    """What came of it for each job, in the order in which they were named."""

    model_config = ConfigDict(frozen=True)

    outcomes: tuple[ActOutcome, ...]
