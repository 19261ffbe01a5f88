"""Taking a backup: one moment of the store, and the registry as it is."""

from base64 import b64encode
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from slurmfleet.backup.archive import ArchiveWriter, open_archive
from slurmfleet.backup.manifest import (
    MANIFEST,
    REGISTRY,
    KeptKey,
    KeptKeys,
    KeptRegistry,
    KeptTable,
    Manifest,
)
from slurmfleet.backup.shelf import Shelf
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.streams import PROJECTOR
from slurmfleet.contracts.streams import REGISTRY as BUCKET
from slurmfleet.store.copying import Source, Table, open_source
from slurmfleet.timing.clock import Clock

CATCH_UP_S = 20.0
"""How long a backup waits until the tables hold all that the stream has."""

_LOOK_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is being done, for a progress bar."""

    what: str
    done: float
    """Of `total`; tables by their expected rows, and checking them by as much again."""

    total: float


Progress = Callable[[Step], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A finished backup."""

    file: Path
    size_bytes: int
    manifest: Manifest
    removed: tuple[Path, ...]
    """Older backups beyond the number that is kept."""


async def take_backup(
    *,
    dsn: str,
    bus: Bus,
    shelf: Shelf,
    keep: int,
    clock: Clock,
    on_progress: Progress = lambda _: None,
    catch_up_s: float = CATCH_UP_S,
) -> Taken:
    """Take a backup, read it again, and only then give it its name.

    Args:
        dsn: The owner of the database.
        bus: Has the registry.
        shelf: Where it is to lie.
        keep: How many backups stay there, this one included.
        clock: Names it.
        on_progress: Told what is being done.
        catch_up_s: How long to wait for facts that are on their way into the tables.

    Raises:
        BackupError: In every kind of its tree.
        StoreError, BusError: The store or the registry could not be read.
    """
    waiting = await _caught_up(bus, clock, catch_up_s)
    with shelf.writing(clock.now()) as draft:
        manifest = await _write(
            draft.file, dsn=dsn, bus=bus, clock=clock, waiting=waiting, on_progress=on_progress
        )
        _verify(draft.file, on_progress)
        file = draft.finish()
    return Taken(
        file=file,
        size_bytes=file.stat().st_size,
        manifest=manifest,
        removed=tuple(shelf.forget(keep=keep)),
    )


async def _write(
    file: Path, *, dsn: str, bus: Bus, clock: Clock, waiting: int, on_progress: Progress
) -> Manifest:
    with ArchiveWriter(file) as writer:
        # The registry first: a document that comes in between is then in the tables alone, and
        # the projector marks it as removed; the other way round it would be lost to them.
        registry = await _write_registry(writer, bus)
        async with open_source(dsn) as source:
            taken_at = clock.now()
            tables = await _write_tables(writer, source, on_progress)
            manifest = Manifest(
                slurmfleet_version=version("slurmfleet"),
                taken_at=taken_at,
                edition=source.edition,
                migrations=dict(source.checksums),
                sequences=dict(source.sequences),
                tables=tables,
                registry=registry,
                waiting_messages=waiting,
            )
        writer.add_document(MANIFEST, manifest)
    return manifest


async def _write_tables(
    writer: ArchiveWriter, source: Source, on_progress: Progress
) -> tuple[KeptTable, ...]:
    kept: list[KeptTable] = []
    total = 2 * (sum(table.expected_rows for table in source.tables) or 1)
    done = 0.0
    for table in source.tables:
        # Closed here and now: a copy that is left in the middle keeps its connection for ever.
        async with aclosing(_told(source, table, on_progress, done, total)) as told:
            part, rows = await writer.add(f"tables/{table.name}.copy", told)
        kept.append(
            KeptTable(**part.model_dump(), name=table.name, columns=tuple(table.columns), rows=rows)
        )
        done += table.expected_rows
    return tuple(kept)


async def _told(
    source: Source, table: Table, on_progress: Progress, done: float, total: float
) -> AsyncGenerator[bytes]:
    rows = 0
    async for block in source.read(table):
        rows += block.count(b"\n")
        on_progress(Step(what=table.name, done=done + min(rows, table.expected_rows), total=total))
        yield block


async def _write_registry(writer: ArchiveWriter, bus: Bus) -> KeptRegistry:
    entries = await bus.kv_entries(BUCKET.name)
    keys = KeptKeys(
        keys=tuple(
            KeptKey(
                key=entry.key,
                value=b64encode(entry.value).decode(),
                revision=entry.revision,
                written_at=entry.written_at,
            )
            for entry in entries
        )
    )
    kept = writer.add_document(REGISTRY, keys)
    newest = max((entry.revision for entry in entries), default=0)
    return KeptRegistry(**kept.model_dump(), bucket=BUCKET.name, keys=len(entries), revision=newest)


def _verify(file: Path, on_progress: Progress) -> None:
    """Read what was written, as restoring would."""
    with open_archive(file) as archive:
        total = sum(table.size_bytes for table in archive.manifest.tables) or 1
        done = 0.0
        for kept in archive.verify():
            done += kept.size_bytes
            on_progress(Step(what=f"checking {kept.member}", done=total + done, total=2 * total))


async def _caught_up(bus: Bus, clock: Clock, limit_s: float) -> int:
    """Wait until the tables hold what the stream has; give how many messages they lack."""
    consumer = await bus.consumer(PROJECTOR)
    deadline_s = clock.monotonic_s() + limit_s
    while (waiting := await consumer.pending()) and clock.monotonic_s() < deadline_s:
        await clock.sleep(_LOOK_S)
    return waiting
