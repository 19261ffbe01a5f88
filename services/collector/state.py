"""What a collector keeps on disk for one cluster: memory and outbox in one SQLite file.

Both are written in one transaction, so that a kill at any moment either loses a look as a whole,
to be made again, or keeps its facts until the bus has acknowledged them.
"""

import json
import sqlite3
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from services.collector.jobs.tracked import Memory, Tracked, group_of, known_groups
from services.collector.state_damage import check, is_damage, move_aside, salvage_outbox
from services.collector.state_rows import from_row, moment, to_row
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.job_codec import UndecodableJobError
from slurmfleet.slurm.records import BadRow
from slurmfleet.telemetry import metrics
from slurmfleet.telemetry.logs import logger

SCHEMA_VERSION = 2
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
    times_asked INTEGER NOT NULL,
    past_runs TEXT NOT NULL DEFAULT '[]'
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS bad_rows (
    section TEXT NOT NULL,
    line TEXT NOT NULL,
    error TEXT NOT NULL,
    first_seen_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (section, line)
) WITHOUT ROWID;
"""

_UPGRADES = {1: "ALTER TABLE tracked ADD COLUMN past_runs TEXT NOT NULL DEFAULT '[]';"}
"""From each older version to the next; what is remembered stays."""

KEPT_BAD_ROWS = 200


class StateFileError(Exception):
    """The state file cannot be used; the message names the mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A message that waits for the bus."""

    place: int
    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRow:
    """A line of Slurm's that could not be understood, and how often it came."""

    section: str
    line: str
    error: str
    first_seen_at: datetime
    last_seen_at: datetime
    times: int


class StateFile:
    """The SQLite file of one cluster; one process holds it at a time (its lock says so)."""

    def __init__(self, path: Path) -> None:
        """Name the file; `open` makes it."""
        self._path = path
        self._db: sqlite3.Connection | None = None
        # Watch and publisher call from worker threads; a transaction belongs to one of them.
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Open the file, making it if need be; a damaged one is moved aside.

        Raises:
            StateFileError: It is locked, of a newer version, or the disk is full.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                self._open()
            except sqlite3.DatabaseError as exc:
                if not is_damage(exc):
                    raise
                self._begin_afresh(str(exc))
        except (sqlite3.Error, OSError) as exc:
            self._close()
            raise StateFileError(f"{self._path} cannot be used ({exc}).") from exc
        return self

    def _open(self) -> None:
        self._db = sqlite3.connect(self._path, check_same_thread=False, timeout=2)
        check(self._db)
        self._prepare(self._db)

    def _begin_afresh(self, why: str) -> None:
        """Move a damaged file aside and begin a new one with what waited in the old."""
        self._close()
        aside = move_aside(self._path)
        waiting = salvage_outbox(aside)
        self._open()
        with self._transaction() as db:
            db.executemany("INSERT INTO outbox VALUES (?, ?, ?, ?)", waiting)
        cluster = self._path.stem
        logger().error(
            "state file damaged, beginning afresh",
            cluster=cluster,
            error=why,
            aside=str(aside),
            messages_saved=len(waiting),
        )

    def _close(self) -> None:
        # Who was cancelled leaves their transaction to its thread; SQLite crashes the process if
        # the file is closed under it.
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._close()

    def state_since(self, now: datetime) -> datetime:
        """Give when this file began to remember; `now` for a new one."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO meta VALUES ('state_since', ?) ON CONFLICT DO NOTHING",
                (now.isoformat(),),
            )
            row = db.execute("SELECT value FROM meta WHERE name = 'state_since'")
            return datetime.fromisoformat(str(row.fetchone()[0]))

    def accounted_until(self) -> datetime | None:
        """Give up to when accounting has told what ended; None where it was never asked."""
        with self._transaction() as db:
            row = db.execute("SELECT value FROM meta WHERE name = 'accounted_until'").fetchone()
        return datetime.fromisoformat(str(row[0])) if row is not None else None

    def set_accounted_until(self, moment: datetime) -> None:
        """Remember up to when accounting has told what ended."""
        with self._transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO meta VALUES ('accounted_until', ?)", (moment.isoformat(),)
            )

    def keep_bad_rows(self, section: str, rows: Sequence[BadRow], now: datetime) -> None:
        """Keep lines that could not be understood, the newest 200, each with a count."""
        if not rows:
            return
        values = [(section, one.line, one.error, now.isoformat()) for one in rows[:KEPT_BAD_ROWS]]
        with self._transaction() as db:
            db.executemany(
                "INSERT INTO bad_rows VALUES (?1, ?2, ?3, ?4, ?4, 1) ON CONFLICT DO UPDATE"
                " SET last_seen_at = ?4, error = ?3, times = times + 1",
                values,
            )
            db.execute(
                "DELETE FROM bad_rows WHERE (section, line) NOT IN"
                " (SELECT section, line FROM bad_rows ORDER BY last_seen_at DESC LIMIT ?)",
                (KEPT_BAD_ROWS,),
            )

    def bad_rows(self) -> list[KeptRow]:
        """Give the lines that could not be understood, the newest first."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT section, line, error, first_seen_at, last_seen_at, times FROM bad_rows"
                " ORDER BY last_seen_at DESC"
            ).fetchall()
        return [
            KeptRow(
                section=section,
                line=line,
                error=error,
                first_seen_at=moment(first),
                last_seen_at=moment(last),
                times=times,
            )
            for section, line, error, first, last, times in rows
        ]

    def load(self) -> dict[JobId, Tracked]:
        """Give everything that is remembered and can be read."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT job, revision, observed_at, source, run_submitted_at, missing_since,"
                " settled, times_asked, past_runs FROM tracked"
            )
            entries = [entry for row in rows if (entry := self._remembered(row)) is not None]
        return {entry.job.job_id: entry for entry in entries}

    def _remembered(self, row: Sequence[object]) -> Tracked | None:
        """Read a row; one that cannot be read is told, and its job is met as if for the first time.

        SQLite keeps no checksums: a flipped byte inside a value passes every check of the file.
        """
        try:
            return from_row(row)
        except (ValueError, UndecodableJobError) as exc:
            cluster = self._path.stem
            metrics.STATE_ROWS_DAMAGED.labels(cluster=cluster).inc()
            logger().error("remembered job unreadable", cluster=cluster, error=str(exc))
            return None

    def commit(
        self, remembered: Memory, messages: Iterable[Message], *, forget: Sequence[JobId] = ()
    ) -> None:
        """Keep memory and messages, all or nothing, safe against power loss.

        Whatever is raised while messages are made leaves nothing behind, either.

        Raises:
            StateFileError: The disk is full or broken; nothing was kept.
        """
        try:
            with self._transaction() as db:
                db.executemany(
                    "INSERT OR REPLACE INTO tracked VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (to_row(job_id, entry) for job_id, entry in remembered.items()),
                )
                db.executemany("DELETE FROM tracked WHERE job_id = ?", [(one,) for one in forget])
                db.executemany(
                    "INSERT INTO outbox (subject, headers, body) VALUES (?, ?, ?)",
                    ((one.subject, json.dumps(dict(one.headers)), one.body) for one in messages),
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
        for older in range(version or SCHEMA_VERSION, SCHEMA_VERSION):  # a new file has version 0
            db.executescript(_UPGRADES[older])
        db.executescript(_SCHEMA)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def forgettable(memory: Memory, now: datetime) -> list[JobId]:
    """Give the jobs that need not be remembered any more; tasks stay while their array lives."""
    old = now - KEPT_AFTER_END
    aged = [(job_id, known) for job_id, known in memory.items() if known.observed_at < old]
    live_groups = {one for one in known_groups(memory) if not memory[one].is_over} if aged else ()
    return [
        job_id
        for job_id, known in aged
        if known.is_over
        and (known.is_group or not _is_asked_about(known))
        and not known.past_runs
        and group_of(known.job) not in live_groups
    ]


def _is_asked_about(known: Tracked) -> bool:
    """Whether accounting may still say something about a job that is over."""
    return not known.settled if known.ended else known.missing_since is not None
