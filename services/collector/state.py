"""What a collector keeps on disk for one cluster: memory and outbox in one SQLite file.

Both are written in one transaction, so that a kill at any moment either loses a look as a whole,
to be made again, or keeps its facts until the bus has acknowledged them.
"""

import json
import sqlite3
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from services.collector.tracked import Memory, Tracked
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.job_codec import job_from_bytes, job_to_bytes
from slurmfleet.contracts.jobs import Evidence

SCHEMA_VERSION = 1
KEPT_AFTER_END = timedelta(hours=6)
"""How long an ended job is remembered; longer than any sane MinJobAge (300 s by default)."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tracked (
    job_id TEXT PRIMARY KEY,
    job BLOB NOT NULL,
    revision INTEGER NOT NULL,
    observed_at TEXT NOT NULL,
    source TEXT NOT NULL,
    run_submitted_at TEXT NOT NULL,
    missing_since TEXT,
    settled INTEGER NOT NULL,
    times_asked INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL
);
"""


class StateFileError(Exception):
    """The state file cannot be used; the message names the mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A message that waits for the bus."""

    place: int
    message: Message


class StateFile:
    """The SQLite file of one cluster; one process holds it at a time (its lock says so)."""

    def __init__(self, path: Path) -> None:
        """Name the file; `open` makes it."""
        self._path = path
        self._db: sqlite3.Connection | None = None
        # Watch and publisher call from worker threads; a transaction belongs to one of them.
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Open the file, making it if need be.

        Raises:
            StateFileError: It is damaged, locked, of a newer version, or the disk is full.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(self._path, check_same_thread=False, timeout=2)
            self._prepare(self._db)
        except (sqlite3.Error, OSError) as exc:
            raise StateFileError(
                f"{self._path} cannot be used ({exc}). If it is damaged, move it away: the "
                f"collector then starts afresh and tells every live job again."
            ) from exc
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def state_since(self, now: datetime) -> datetime:
        """Give when this file began to remember; `now` for a new one."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO meta VALUES ('state_since', ?) ON CONFLICT DO NOTHING",
                (now.isoformat(),),
            )
            row = db.execute("SELECT value FROM meta WHERE name = 'state_since'")
            return datetime.fromisoformat(str(row.fetchone()[0]))

    def load(self) -> dict[JobId, Tracked]:
        """Give everything that is remembered."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT job, revision, observed_at, source, run_submitted_at, missing_since,"
                " settled, times_asked FROM tracked"
            )
            entries = (_tracked(row) for row in rows)
            return {entry.job.job_id: entry for entry in entries}

    def commit(
        self, remembered: Memory, messages: Sequence[Message], *, forget: Sequence[JobId] = ()
    ) -> None:
        """Keep memory and messages, all or nothing, safe against power loss.

        Raises:
            StateFileError: The disk is full or broken; nothing was kept.
        """
        try:
            with self._transaction() as db:
                db.executemany(
                    "INSERT OR REPLACE INTO tracked VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [_row(job_id, entry) for job_id, entry in remembered.items()],
                )
                db.executemany("DELETE FROM tracked WHERE job_id = ?", [(one,) for one in forget])
                db.executemany(
                    "INSERT INTO outbox (subject, headers, body) VALUES (?, ?, ?)",
                    [(one.subject, json.dumps(dict(one.headers)), one.body) for one in messages],
                )
        except sqlite3.Error as exc:
            raise StateFileError(
                f"{self._path} cannot be written ({exc}). Free disk space."
            ) from exc

    def queued(self, limit: int) -> list[Queued]:
        """Give the oldest messages that wait, in the order in which they shall go out."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT place, subject, headers, body FROM outbox ORDER BY place LIMIT ?", (limit,)
            ).fetchall()
        return [
            Queued(
                place=place,
                message=Message(subject=subject, headers=json.loads(headers), body=body),
            )
            for place, subject, headers, body in rows
        ]

    def sent(self, places: Sequence[int]) -> None:
        """Drop messages that the bus has acknowledged."""
        with self._transaction() as db:
            db.executemany("DELETE FROM outbox WHERE place = ?", [(place,) for place in places])

    def outbox_size(self) -> int:
        """Give how many messages wait."""
        with self._transaction() as db:
            return int(db.execute("SELECT count(*) FROM outbox").fetchone()[0])

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            if self._db is None:
                raise StateFileError(f"{self._path} is not open.")
            with self._db as db:
                yield db

    def _prepare(self, db: sqlite3.Connection) -> None:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA_VERSION:
            raise StateFileError(
                f"{self._path} was written by a newer slurmfleet (version {version}). Update."
            )
        db.executescript(_SCHEMA)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def forgettable(memory: Memory, now: datetime) -> list[JobId]:
    """Give the jobs that need not be remembered any more; tasks stay while their array lives."""
    live_arrays = {
        known.job.array_job_id for known in memory.values() if known.is_array and not known.ended
    }
    return [
        job_id
        for job_id, known in memory.items()
        if known.ended
        and (known.settled or known.is_array)
        and now - known.observed_at > KEPT_AFTER_END
        and (known.is_array or known.job.array_job_id not in live_arrays)
    ]


_Row = tuple[str, bytes, int, str, str, str, str | None, int, int]


def _row(job_id: JobId, entry: Tracked) -> _Row:
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
    )


def _tracked(row: Sequence[object]) -> Tracked:
    values: Mapping[str, object] = dict(
        zip(
            ("job", "revision", "observed_at", "source", "run", "missing", "settled", "asked"),
            row,
            strict=True,
        )
    )
    return Tracked(
        job=job_from_bytes(bytes(values["job"])),  # pyright: ignore[reportArgumentType] sqlite3 gives bytes for a BLOB
        revision=int(str(values["revision"])),
        observed_at=_moment(values["observed_at"]),
        source=Evidence(str(values["source"])),
        run_submitted_at=_moment(values["run"]),
        missing_since=_moment(values["missing"]) if values["missing"] is not None else None,
        settled=bool(values["settled"]),
        times_asked=int(str(values["asked"])),
    )


def _moment(text: object) -> datetime:
    return datetime.fromisoformat(str(text)).astimezone(UTC)
