"""Cursors: where a page ended, as an opaque text that goes out and comes back."""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import cast

from slurmfleet.contracts.ids import ClusterName, JobKey, job_id
from slurmfleet.contracts.problems import ProblemCode, ProblemError

_MAX_CHARS = 512
_MAX_SEQ = 2**63 - 1


class InvalidCursorError(ProblemError):
    """A text that is no cursor of ours."""

    def __init__(self) -> None:
        """Say what mends it."""
        super().__init__(
            ProblemCode.INVALID_CURSOR,
            "The cursor is not one that this list gave.",
            remedy="Start without a cursor, then pass next_cursor back unchanged.",
        )


def job_cursor(key: JobKey) -> str:
    """Give the cursor of the page after this job."""
    moment = key.submitted_at.astimezone(UTC).isoformat(timespec="microseconds")
    return _encode(["j", moment, key.cluster, key.job_id])


def read_job_cursor(cursor: str) -> JobKey:
    """Give the job after which the page begins.

    Raises:
        InvalidCursorError: It is none of ours.
    """
    match _decode(cursor):
        case ["j", str(moment), str(cluster), str(identity)]:
            try:
                submitted_at = datetime.fromisoformat(moment).astimezone(UTC)
                key = job_id(identity)
            except (ValueError, OverflowError, ProblemError) as exc:
                raise InvalidCursorError from exc
            return JobKey(cluster=ClusterName(cluster), job_id=key, submitted_at=submitted_at)
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
