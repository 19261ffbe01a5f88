"""The file of a backup: whatever happened to it is noticed."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from slurmfleet.backup.archive import ArchiveWriter, open_archive
from slurmfleet.backup.errors import DamagedBackupError, NewerBackupError
from slurmfleet.backup.manifest import (
    MANIFEST,
    REGISTRY,
    KeptKeys,
    KeptRegistry,
    KeptTable,
    Manifest,
)

ROWS = [b"1\tone\n", b"2\ttwo\\nlines\n3\t\\N\n"]


async def blocks() -> AsyncIterator[bytes]:
    for block in ROWS:
        yield block


async def an_archive(file: Path, *, version: int = 1) -> Manifest:
    with ArchiveWriter(file) as writer:
        table, rows = await writer.add("tables/jobs.copy", blocks())
        registry = writer.add_document(REGISTRY, KeptKeys(keys=()))
        manifest = Manifest(
            format=version,
            slurmfleet_version="0",
            taken_at=datetime(2026, 3, 1, tzinfo=UTC),
            edition="plain",
            migrations={1: "a"},
            sequences={},
            tables=(KeptTable(**table.model_dump(), name="jobs", columns=("a", "b"), rows=rows),),
            registry=KeptRegistry(**registry.model_dump(), bucket="b", keys=0, revision=0),
            waiting_messages=0,
        )
        writer.add_document(MANIFEST, manifest)
    return manifest


def verify(file: Path) -> None:
    with open_archive(file) as archive:
        list(archive.verify())


async def test_what_was_written_is_read(tmp_path: Path):
    file = tmp_path / "one.zip"
    manifest = await an_archive(file)

    with open_archive(file) as archive:
        (table,) = archive.manifest.tables
        assert archive.manifest == manifest
        assert b"".join(archive.blocks(table)) == b"".join(ROWS)
        assert table.rows == 3
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_file_that_was_cut_is_refused(tmp_path: Path):
    file = tmp_path / "one.zip"
    await an_archive(file)
    whole = file.read_bytes()

    for length in range(0, len(whole), 7):
        file.write_bytes(whole[:length])
        with pytest.raises(DamagedBackupError):
            verify(file)


async def test_a_changed_byte_changes_nothing_or_is_refused(tmp_path: Path):
    """Each byte in turn; some say when a member was written, which nobody reads."""
    file = tmp_path / "one.zip"
    manifest = await an_archive(file)
    whole = file.read_bytes()
    draw = random.Random(7)  # noqa: S311 no secret
    refused = 0

    for place in range(len(whole)):
        spoiled = bytearray(whole)
        spoiled[place] ^= draw.randrange(1, 256)
        file.write_bytes(spoiled)
        try:
            with open_archive(file) as archive:
                read = [b"".join(archive.blocks(one)) for one in archive.manifest.tables]
                list(archive.verify())
                assert (archive.manifest, read) == (manifest, [b"".join(ROWS)])
        except DamagedBackupError:
            refused += 1

    assert refused > len(whole) / 2


async def test_a_file_of_a_later_version_says_so(tmp_path: Path):
    file = tmp_path / "one.zip"
    await an_archive(file, version=2)

    with pytest.raises(NewerBackupError, match="format 2, and this version reads 1"):
        verify(file)


async def test_a_body_that_fails_leaves_no_archive(tmp_path: Path):
    file = tmp_path / "one.zip"

    async def fail() -> None:
        with ArchiveWriter(file) as writer:
            await writer.add("tables/jobs.copy", blocks())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    with pytest.raises(DamagedBackupError, match="its end is missing"):
        verify(file)
