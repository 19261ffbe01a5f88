"""Cursors: where a page ended, as an opaque text that goes out and comes back."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from slurmfleet.contracts.ids import ClusterName, JobId, job_id
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.store.matching import storable

_MAX_CHARS = 512
_MAX_SEQ = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlace:
    """A place in a list of jobs by when they were over: behind this one."""

    over_at: datetime
    cluster: ClusterName
    job_id: JobId
    submitted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlace:
    """A place in the list of jobs: behind this one, which need not exist."""

    submitted_at: datetime
    cluster: ClusterName
    job_id: JobId
    is_reading: bool = False
    """A text is searched by reading job after job, since no index found it in time."""


class InvalidCursorError(ProblemError):
    """A text that is no cursor of ours."""

    def __init__(self) -> None:
        """Say what mends it."""
        super().__init__(
            ProblemCode.INVALID_CURSOR,
            "The cursor is not one that this list gave.",
            remedy="Start without a cursor, then pass next_cursor back unchanged.",
        )


def job_cursor(place: JobPlace) -> str:
    """Give the cursor of the page after this place."""
    kind = "r" if place.is_reading else "j"
    return _encode([kind, _moment(place.submitted_at), place.cluster, place.job_id])


def read_job_cursor(cursor: str) -> JobPlace:
    """Give the place after which the page begins.

    Raises:
        InvalidCursorError: It is none of ours.
    """
    match _decode(cursor):
        case ["j" | "r" as kind, str(moment), str(cluster), str(identity)]:
            try:
                submitted_at = datetime.fromisoformat(moment).astimezone(UTC)
                # Where a search has read to is the place of no job.
                key = JobId("") if kind == "r" and not identity else job_id(identity)
                storable(cluster, name="cursor")
            except (ValueError, OverflowError, ProblemError) as exc:
                raise InvalidCursorError from exc
            return JobPlace(
                submitted_at=submitted_at,
                cluster=ClusterName(cluster),
                job_id=key,
                is_reading=kind == "r",
            )
        case _:
            raise InvalidCursorError


def run_cursor(place: RunPlace) -> str:
    """Give the cursor of the page after this place."""
    moments = [_moment(place.over_at), _moment(place.submitted_at)]
    return _encode(["o", *moments, place.cluster, place.job_id])


def read_run_cursor(cursor: str) -> RunPlace:
    """Give the place after which the page begins.

    Raises:
        InvalidCursorError: It is none of ours.
    """
    match _decode(cursor):
        case ["o", str(over), str(submitted), str(cluster), str(identity)]:
            try:
                return RunPlace(
                    over_at=datetime.fromisoformat(over).astimezone(UTC),
                    submitted_at=datetime.fromisoformat(submitted).astimezone(UTC),
                    cluster=ClusterName(storable(cluster, name="cursor")),
                    job_id=job_id(identity),
                )
            except (ValueError, OverflowError, ProblemError) as exc:
                raise InvalidCursorError from exc
        case _:
            raise InvalidCursorError


def event_cursor(event_seq: int) -> str:
    """Give the cursor of the page after this event."""
    return _encode(["e", event_seq])


def read_event_cursor(cursor: str) -> int:
    """Give the event after which the page begins.

    Raises:
        InvalidCursorError: It is none of ours.
    """
    match _decode(cursor):
        case ["e", int(event_seq)] if 0 <= event_seq <= _MAX_SEQ:
            return event_seq
        case _:
            raise InvalidCursorError


def audit_cursor(audit_seq: int) -> str:
    """Give the cursor of the page after this record, which goes back in time."""
    return _encode(["a", audit_seq])


def read_audit_cursor(cursor: str) -> int:
    """Give the record before which the page begins.

    Raises:
        InvalidCursorError: It is none of ours.
    """
    match _decode(cursor):
        case ["a", int(audit_seq)] if 0 <= audit_seq <= _MAX_SEQ:
            return audit_seq
        case _:
            raise InvalidCursorError


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _encode(parts: list[str | int]) -> str:
    text = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str) -> list[object]:
    if len(cursor) > _MAX_CHARS:
        raise InvalidCursorError
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        parts: object = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as exc:
        raise InvalidCursorError from exc
    if not isinstance(parts, list):
        raise InvalidCursorError
    return cast("list[object]", parts)
