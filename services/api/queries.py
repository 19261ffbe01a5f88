"""Query parameters become values; what is unknown, empty or out of range is refused by name.

A parameter that is misspelt, empty or given twice must never be dropped in silence: the answer
would hold more than was asked for and look right.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Annotated, TypeVar

from fastapi import Request
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from slurmfleet.contracts.events import JOB_FACTS
from slurmfleet.contracts.ids import ClusterName, JobId, cluster_name, job_id
from slurmfleet.contracts.jobs import JobState
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.store.read.events import EventFilter
from slurmfleet.store.read.jobs import JobFilter
from slurmfleet.store.read.usage import UsageBy, UsageFilter

Value = TypeVar("Value")

_MAX_VALUES = 100
_NUMBER = re.compile(r"[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?")
_LOST_PLUS = re.compile(r" (\d\d:?\d\d)$")


def _split(values: Sequence[str]) -> list[str]:
    """Take lists apart: `a,b` and a repeated parameter mean the same."""
    parts = [part.strip() for value in values for part in value.split(",")]
    if not all(parts):
        raise ValueError("a value is empty; leave the parameter out to let everything through")
    if len(parts) > _MAX_VALUES:
        raise ValueError(f"more than {_MAX_VALUES} values")
    return parts


def _each(read: Callable[[str], Value]) -> Callable[[list[str]], list[Value]]:
    return lambda parts: [read(part) for part in parts]


def _state(word: str) -> JobState:
    try:
        return JobState(word.upper())
    except ValueError:
        allowed = ", ".join(JobState)
        raise ValueError(f"{word[:40]!r} is no job state; known are {allowed}") from None


def _verb(word: str) -> str:
    if word.lower() not in JOB_FACTS:
        raise ValueError(f"{word[:40]!r} is no verb; known are {', '.join(JOB_FACTS)}")
    return word.lower()


def _group(word: str) -> UsageBy:
    try:
        return UsageBy(word.lower())
    except ValueError:
        allowed = ", ".join(UsageBy)
        raise ValueError(f"{word[:40]!r} is no group; known are {allowed}") from None


def _written_out(value: object) -> object:
    """Repair `+00:00`, in which a URL's plus has become a space; refuse a bare number.

    Pydantic would take one as seconds, or milliseconds, since 1970, by its size.
    """
    bare = isinstance(value, str) and _NUMBER.fullmatch(value.strip())
    if bare or isinstance(value, int | float):
        raise ValueError("a number is no moment; write 2026-11-20T09:30:00Z")
    return _LOST_PLUS.sub(r"+\1", value) if isinstance(value, str) else value


Words = Annotated[list[str], AfterValidator(_split)]
ClusterNames = Annotated[Words, AfterValidator(_each(cluster_name))]
States = Annotated[Words, AfterValidator(_each(_state))]
Verbs = Annotated[Words, AfterValidator(_each(_verb))]
Groups = Annotated[Words, AfterValidator(_each(_group))]
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
Day = Annotated[date, BeforeValidator(_written_out)]
Cursor = Annotated[str, Field(max_length=512)]
NOTHING: list[str] = []
BY_DAY: list[str] = [UsageBy.DAY]


class NoQuery(BaseModel):
    """A path that takes no parameters."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid")

    cursor: Cursor | None = Field(default=None, description="`next_cursor` of the page before.")
    limit: int = Field(default=100, ge=1, le=1_000, description="Items on a page.")


class JobQuery(PageQuery):
    """Which jobs; lists with commas, every condition must hold."""

    cluster: ClusterNames = Field(default=NOTHING, description="Names of clusters.")
    user: Words = Field(default=NOTHING, description="Login names of owners.")
    account: Words = Field(default=NOTHING, description="Slurm accounts.")
    project: Words = Field(default=NOTHING, description="Projects.")
    partition: Words = Field(default=NOTHING, description="Partitions.")
    state: States = Field(default=NOTHING, description="Slurm states, in any case.")
    q: str | None = Field(
        default=None, min_length=1, max_length=200, description="Text in the name or the id."
    )
    since: Moment | None = Field(default=None, description="Submitted then or later; ISO 8601.")
    until: Moment | None = Field(default=None, description="Submitted before; ISO 8601.")
    live: bool | None = Field(
        default=None, description="true: pending or running. false: over. Absent: both."
    )

    def as_filter(self) -> JobFilter:
        """Give the reader's filter."""
        return JobFilter(
            clusters=tuple(ClusterName(name) for name in self.cluster),
            users=tuple(self.user),
            accounts=tuple(self.account),
            projects=tuple(self.project),
            partitions=tuple(self.partition),
            states=tuple(JobState(state) for state in self.state),
            q=self.q or "",
            since=self.since,
            until=self.until,
            live=self.live,
        )


class UsageQuery(BaseModel):
    """What of the use, and how it is added up; every condition must hold."""

    model_config = ConfigDict(extra="forbid")

    since: Day | None = Field(
        default=None, description="First day, in UTC; absent: 13 days before today."
    )
    until: Day | None = Field(
        default=None, description="First day after the last, in UTC; absent: tomorrow."
    )
    by: Groups = Field(
        default=BY_DAY,
        description="What rows are told apart by: day, cluster, user, account, project, partition.",
    )
    cluster: ClusterNames = Field(default=NOTHING, description="Names of clusters.")
    user: Words = Field(default=NOTHING, description="Login names of owners.")
    account: Words = Field(default=NOTHING, description="Slurm accounts.")
    project: Words = Field(default=NOTHING, description="Projects.")
    partition: Words = Field(default=NOTHING, description="Partitions.")

    def as_filter(self, today: date) -> UsageFilter:
        """Give the reader's filter.

        Args:
            today: In UTC.
        """
        until = self.until or today + timedelta(days=1)
        return UsageFilter(
            since=self.since or until - timedelta(days=14),
            until=until,
            by=tuple(UsageBy(one) for one in self.by),
            clusters=tuple(ClusterName(name) for name in self.cluster),
            users=tuple(self.user),
            accounts=tuple(self.account),
            projects=tuple(self.project),
            partitions=tuple(self.partition),
        )


class EventQuery(BaseModel):
    """Which events, and from where on."""

    model_config = ConfigDict(extra="forbid")

    cluster: ClusterNames = Field(default=NOTHING, description="Names of clusters.")
    user: Words = Field(default=NOTHING, description="Login names of owners.")
    account: Words = Field(default=NOTHING, description="Slurm accounts.")
    verb: Verbs = Field(
        default=NOTHING, description="submitted, started, changed, ended, vanished."
    )
    job: Annotated[str, AfterValidator(job_id)] | None = Field(
        default=None, description="One job id, as in 4711, 4711_3 or 4711+1."
    )
    after: int | None = Field(
        default=None,
        ge=0,
        le=2**63 - 1,
        description="The last `event_seq` already seen; 0 for all that is kept. Absent: new ones.",
    )
    wait_s: float = Field(
        default=0, ge=0, le=60, description="JSON only: wait so long for the first new event."
    )
    limit: int = Field(default=100, ge=1, le=1_000, description="JSON only: events in an answer.")

    def as_filter(self) -> EventFilter:
        """Give the reader's filter."""
        return EventFilter(
            clusters=tuple(ClusterName(name) for name in self.cluster),
            users=tuple(self.user),
            accounts=tuple(self.account),
            verbs=tuple(self.verb),
            job_id=JobId(self.job or ""),
        )


LIST_PARAMETERS = frozenset({"cluster", "user", "account", "partition", "state", "verb"})


def refuse_repeated(request: Request) -> None:
    """Refuse a parameter that takes one value and was given several.

    Raises:
        ProblemError: It was.
    """
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if given.count(name) > 1 and name not in LIST_PARAMETERS:
            raise ProblemError(
                ProblemCode.INVALID_PARAMETER,
                f"The parameter {name[:40]!r} is given {given.count(name)} times.",
                remedy="Give it once.",
            )
