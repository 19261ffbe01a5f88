"""Bringing a backup back into an empty database and an empty registry."""

from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from pydantic import ValidationError

from slurmfleet.backup.archive import ArchiveReader, open_archive
from slurmfleet.backup.errors import BackupError, DamagedBackupError
from slurmfleet.backup.manifest import KeptKeys, Manifest
from slurmfleet.backup.taking import Progress, Step
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.streams import BUCKETS, STREAMS
from slurmfleet.contracts.streams import REGISTRY as BUCKET
from slurmfleet.store.copying import open_target, require_empty, require_known


class NotEmptyPlaceError(BackupError):
    """There is something already where the backup was to go."""


def check_backup(file: Path, on_progress: Progress = lambda _: None) -> Manifest:
    """Read a whole backup, as restoring would, and see that this version can restore it.

    Raises:
        BackupError: In every kind of its tree.
        UnknownSchemaError: Another version of slurmfleet wrote it.
        OSError: It cannot be opened.
    """
    with open_archive(file) as archive:
        manifest = archive.manifest
        require_known(manifest.migrations)
        total = sum(table.size_bytes for table in manifest.tables) or 1
        done = 0.0
        for kept in archive.verify():
            done += kept.size_bytes
            on_progress(Step(what=f"checking {kept.member}", done=done, total=total))
        _keys(archive)
        return manifest


async def restore_backup(
    file: Path, *, dsn: str, bus: Bus, on_progress: Progress = lambda _: None
) -> Manifest:
    """Bring a backup back; nothing is changed unless all of it is sound and the place is empty.

    Args:
        file: The backup.
        dsn: The owner of an empty database.
        bus: A bus whose registry is empty.
        on_progress: Told what is being done.

    Raises:
        BackupError: In every kind of its tree.
        StoreError, BusError: The store or the registry could not be written. The tables were
            filled as a whole or not at all; a database that has its schema now is to be dropped
            before the next try.
        OSError: The file cannot be opened.
    """
    check_backup(file, on_progress)
    await bus.prepare(streams=STREAMS, buckets=BUCKETS)
    if entries := await bus.kv_entries(BUCKET.name):
        raise NotEmptyPlaceError(
            f"The registry has {len(entries)} entries already, {entries[0].key} among them.",
            remedy="Restore into a new bus: an empty data directory or a new volume.",
        )
    await require_empty(dsn)
    with open_archive(file) as archive:
        manifest = archive.manifest
        async with open_target(dsn, manifest.migrations, manifest.sequences) as target:
            done, total = 0, manifest.rows or 1
            for table in manifest.tables:
                on_progress(Step(what=table.name, done=done, total=total))
                await target.write(table.name, table.columns, _asynchronous(archive.blocks(table)))
                done += table.rows
        for one in _keys(archive).keys:
            await bus.kv_create(BUCKET.name, one.key, b64decode(one.value))
    return manifest


def _keys(archive: ArchiveReader) -> KeptKeys:
    body = archive.document(archive.manifest.registry)
    try:
        return KeptKeys.model_validate_json(body)
    except ValidationError as exc:
        raise DamagedBackupError(archive.file, "its registry cannot be read") from exc


async def _asynchronous(blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block
