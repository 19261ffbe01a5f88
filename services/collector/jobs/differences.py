"""What about a job has changed since it was last told; pure."""

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, timedelta
from operator import attrgetter

from slurmfleet.contracts.jobs import Job

_COMPARED = tuple(
    field.name for field in fields(Job) if field.name not in {"priority", "expected_start_at"}
)
"""A waiting job's priority and expected start move with every look; that is no news by itself."""

_compared_values: Callable[[Job], tuple[object, ...]] = attrgetter(*_COMPARED)
"""All of them at once; the comparison of two whole tuples runs without Python's byte code."""

_NOTICEABLE = timedelta(minutes=10)
"""By how much an estimated start must move to be news; backfill moves it a little all the time."""


def changed_fields(before: Job, after: Job) -> tuple[str, ...]:
    """Give the names of the fields whose change is worth telling, sorted."""
    if before is after:
        return ()
    changed: list[str] = []
    old, new = _compared_values(before), _compared_values(after)
    if old != new:
        pairs = zip(_COMPARED, old, new, strict=True)
        changed = [name for name, was, now in pairs if was != now]
    if _moved(before.expected_start_at, after.expected_start_at):
        changed.append("expected_start_at")
    return tuple(sorted(changed))


def _moved(before: datetime | None, after: datetime | None) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(after - before) >= _NOTICEABLE
