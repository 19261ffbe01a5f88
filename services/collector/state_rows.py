"""What is remembered of a job, as a row of the state file; pure."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from services.collector.jobs.tracked import PastRun, Tracked
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.job_codec import job_from_bytes, job_to_bytes
from slurmfleet.contracts.jobs import Evidence

Row = tuple[str, bytes, int, str, str, str, str | None, int, int, str]


def to_row(job_id: JobId, entry: Tracked) -> Row:
    """Give what is written of one remembered job."""
    return (
        job_id,
        job_to_bytes(entry.job),
        entry.revision,
        entry.observed_at.isoformat(),
        entry.source,
        entry.run_submitted_at.isoformat(),
        entry.missing_since.isoformat() if entry.missing_since else None,
        int(entry.settled),
        entry.times_asked,
        json.dumps([_past_row(past) for past in entry.past_runs]),
    )


def _past_row(past: PastRun) -> dict[str, str | int]:
    return {
        "job": b64encode(job_to_bytes(past.job)).decode(),
        "run": past.run_submitted_at.isoformat(),
        "next": past.next_submitted_at.isoformat(),
        "revision": past.revision,
        "noticed": past.noticed_at.isoformat(),
        "asked": past.times_asked,
    }


def _past_run(row: Mapping[str, object]) -> PastRun:
    return PastRun(
        job=job_from_bytes(b64decode(str(row["job"]))),
        run_submitted_at=moment(row["run"]),
        next_submitted_at=moment(row["next"]),
        revision=int(str(row["revision"])),
        noticed_at=moment(row["noticed"]),
        times_asked=int(str(row["asked"])),
    )


_LOADED = (
    "job",
    "revision",
    "observed_at",
    "source",
    "run",
    "missing",
    "settled",
    "asked",
    "past_runs",
)


def from_row(row: Sequence[object]) -> Tracked:
    """Read one remembered job.

    Raises:
        ValueError: A value is none that was ever written.
        UndecodableJobError: The job itself is none.
    """
    values: Mapping[str, object] = dict(
        zip(
            _LOADED,
            row,
            strict=True,
        )
    )
    return Tracked(
        job=job_from_bytes(bytes(values["job"])),  # pyright: ignore[reportArgumentType] sqlite3 gives bytes for a BLOB
        revision=int(str(values["revision"])),
        observed_at=moment(values["observed_at"]),
        source=Evidence(str(values["source"])),
        run_submitted_at=moment(values["run"]),
        missing_since=moment(values["missing"]) if values["missing"] is not None else None,
        settled=bool(values["settled"]),
        times_asked=int(str(values["asked"])),
        past_runs=tuple(_past_run(past) for past in json.loads(str(values["past_runs"]))),
    )


def moment(text: object) -> datetime:
    """Read a moment."""
    return datetime.fromisoformat(str(text)).astimezone(UTC)
