"""Rebuilding tables from the stream: what is asked, and how it goes (ADR-0020)."""

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

VERB = "rebuild"
"""What the projector is asked for; see `subjects.admin_subject`."""

REPORT_KEY = "rebuild"
"""Of the bucket WORK: the report of the last rebuild, whoever made it."""


class Projection(StrEnum):
    """What can be rebuilt."""

    JOBS = "jobs"
    """The tables `jobs`, `job_events` and `ended_runs`, and from them the use of each day."""


class RebuildRequest(BaseModel):
    """What is to be rebuilt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    projection: Projection
    prune: bool = Field(
        strict=True,
        default=False,
        description="Remove rows that nothing in the stream explains, though it should have them.",
    )


class Phase(StrEnum):
    """How far a rebuild is."""

    READING = "reading"
    """The stream is read into tables of its own."""
    CORRECTING = "correcting"
    """Rows that differ are corrected, some at a time."""
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Corrected(BaseModel):
    """What was found in one table, and done about it; rows."""

    model_config = ConfigDict(frozen=True)

    table: str
    checked: int = Field(default=0, description="What the stream tells.")
    mended: int = Field(default=0, description="Differed from what the stream tells.")
    added: int = Field(default=0, description="Were missing.")
    kept: int = Field(default=0, description="Older than the stream, so left as they are.")
    unexplained: int = Field(
        default=0, description="Not as old as the stream, and yet nothing in it tells of them."
    )
    removed: int = Field(default=0, description="Of the unexplained ones, with --prune.")


class RebuildReport(BaseModel):
    """How a rebuild goes, or went."""

    model_config = ConfigDict(frozen=True)

    projection: Projection
    prune: bool
    phase: Phase
    started_at: AwareDatetime
    reported_at: AwareDatetime = Field(
        description="Renewed every few seconds while it goes on; what is older has died."
    )
    finished_at: AwareDatetime | None = None
    done: int = Field(default=0, description="Messages read, or rows compared.")
    total: int = Field(default=0, description="Of so many; more may come meanwhile.")
    facts: int = Field(default=0, description="Facts that were read.")
    unusable: int = Field(default=0, description="Messages that could not be read.")
    lost_messages: int = Field(
        default=0, description="Messages that the stream is known to have lost; see `doctor`."
    )
    tables: tuple[Corrected, ...] = ()
    error: str = ""

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more will come of it."""
        return self.phase in {Phase.DONE, Phase.FAILED}
