"""The board: jobs that are over and not put away yet, what is pinned to it, and old history.

The projector writes what is said of single jobs, on request (ADR-0028).
"""

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.jobs import TERMINAL_STATES, JobState

CLEAR, MARK, CLEANUP = "board_clear", "board_mark", "history_cleanup"
"""What the projector is asked for; see `subjects.admin_subject`."""

BOARD_DAYS = 7
MOST_BOARD_DAYS = 30
"""What ended longer ago is history alone."""

LEAST_CLEANUP_DAYS = 31
"""The stream of facts keeps 30 days: what is younger would be told again by a rebuild."""

MOST_MARKED = 100
MOST_PINS = 1_000
CLEARED_NAMED = 100
_REASON_CHARS = 2_000


class BoardGroup(StrEnum):
    """How ended jobs are told apart on the board."""

    FAILED = "failed"
    """Over in any other way than the two below, vanished ones included."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def states(self) -> tuple[JobState, ...]:
        """Give the states that it stands for."""
        match self:
            case BoardGroup.COMPLETED:
                return (JobState.COMPLETED,)
            case BoardGroup.CANCELLED:
                return (JobState.CANCELLED,)
            case BoardGroup.FAILED:
                others = TERMINAL_STATES - {JobState.COMPLETED, JobState.CANCELLED}
                return (*sorted(others), JobState.VANISHED)


def states_of(groups: tuple[BoardGroup, ...]) -> tuple[JobState, ...]:
    """Give the states that groups stand for; of none: none."""
    return tuple(state for group in groups for state in group.states)


class Mark(StrEnum):
    """What is said of one job."""

    PINNED = "pinned"
    """Stays on the board, however old, until somebody says otherwise."""

    DISMISSED = "dismissed"
    """Is not shown on the board any more; a later run of the job is."""

    NONE = "none"
    """Neither: it is shown as long as its end is not too long ago."""


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClearRequest(_Request):
    """Which ended jobs are to be put away; an empty list lets everything through."""

    groups: tuple[BoardGroup, ...] = Field(min_length=1)
    clusters: tuple[ClusterName, ...] = ()
    users: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    seen_until: AwareDatetime = Field(description="What was observed later is not meant.")
    over_until: AwareDatetime | None = Field(
        default=None, description="`over_until` of the part before; null at first."
    )


class NamedJob(BaseModel):
    """A job as people name it; its latest submission is meant."""

    model_config = ConfigDict(frozen=True)

    cluster: str
    job_id: str


class ClearPart(BaseModel):
    """What was put away in one turn of the projector."""

    model_config = ConfigDict(frozen=True)

    jobs: tuple[NamedJob, ...]
    over_until: AwareDatetime | None = Field(description="Asks for the part behind; null: none.")


class ClearReport(BaseModel):
    """What was put away."""

    model_config = ConfigDict(frozen=True)

    cleared: int = Field(description="Jobs that were on the board and are not any more.")
    jobs: tuple[NamedJob, ...] = Field(description=f"Their names; the first {CLEARED_NAMED}.")
    complete: bool = Field(description="false: time ran out before the oldest; ask again.")


class MarkRequest(_Request):
    """What is said of which jobs."""

    mark: Mark
    jobs: tuple[NamedJob, ...] = Field(min_length=1, max_length=MOST_MARKED)
    by: str = Field(max_length=200)
    reason: str = Field(default="", max_length=_REASON_CHARS)


class MarkReport(BaseModel):
    """What came of it."""

    model_config = ConfigDict(frozen=True)

    marked: tuple[NamedJob, ...]
    refused: dict[str, str] = Field(
        description="Of each job that was left as it is, as `cluster job`, why."
    )


class CleanupRequest(_Request):
    """Whose old history is to be removed, and how much at a time."""

    before: AwareDatetime
    clusters: tuple[ClusterName, ...] = ()
    users: tuple[str, ...] = ()
    at_most: int = Field(ge=1, le=5_000)


class CleanupReport(BaseModel):
    """What went."""

    model_config = ConfigDict(frozen=True)

    removed: int
