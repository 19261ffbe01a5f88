"""The file of a backup: a zip archive whose last member is the manifest.

A zip's list of members stands at its end, so a file that was cut is noticed at once; the manifest
has a checksum for each member. Anybody can look into it with common tools.
"""

import hashlib
import os
import struct
import zipfile
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path
from types import TracebackType
from typing import Self
from zlib import error as ZlibError  # noqa: N812 zlib has no better name for it

from pydantic import BaseModel, ValidationError

from slurmfleet.backup.errors import DamagedBackupError, NewerBackupError
from slurmfleet.backup.manifest import FORMAT, MANIFEST, Kept, Manifest

_LEVEL = 4
"""Of deflate: measured on job rows, half the time of 6 for 8 % more bytes."""

_BLOCK_BYTES = 1024 * 1024

_BROKEN = (
    zipfile.BadZipFile,
    ZlibError,
    LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What zipfile raises over a damaged file, found by changing each byte of one in turn; a changed
flag or number makes it look for a password, another way of compression, a place before the start.
"""


class ArchiveWriter:
    """Writes the members one after another; a context manager that ends the archive.

    A body that fails leaves a file that no reader takes for an archive.
    """

    def __init__(self, file: Path) -> None:
        """Begin the archive in a file that does not exist, readable by its owner alone.

        Raises:
            OSError: It cannot be made.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.fdopen(os.open(file, flags, 0o600), "w+b")
        self._zip = zipfile.ZipFile(
            self._file, "w", compression=zipfile.ZIP_DEFLATED, compresslevel=_LEVEL
        )

    def __enter__(self) -> Self:
        """Give the writer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write the list of members, unless the body failed."""
        with self._file:
            if kind is None:
                self._zip.close()
            else:
                self._zip.fp = None  # else it would write its list when it is collected

    async def add(self, member: str, blocks: AsyncIterator[bytes]) -> tuple[Kept, int]:
        """Write a member; give what it became and how many newlines are in it."""
        digest, size_bytes, lines = hashlib.sha256(), 0, 0
        with self._zip.open(member, "w", force_zip64=True) as target:
            async for block in blocks:
                target.write(block)
                digest.update(block)
                size_bytes += len(block)
                lines += block.count(b"\n")
        return Kept(member=member, size_bytes=size_bytes, sha256=digest.hexdigest()), lines

    def add_document(self, member: str, document: BaseModel) -> Kept:
        """Write a JSON document as a member."""
        body = document.model_dump_json(indent=2).encode()
        self._zip.writestr(member, body)
        return Kept(member=member, size_bytes=len(body), sha256=hashlib.sha256(body).hexdigest())


class ArchiveReader:
    """Reads an archive; whatever is not as it was written is an error."""

    def __init__(self, file: Path, archive: zipfile.ZipFile) -> None:
        """Read the manifest.

        Raises:
            DamagedBackupError, NewerBackupError: It cannot be used.
        """
        self.file = file
        self._zip = archive
        self.manifest = self._manifest()

    def blocks(self, kept: Kept) -> Iterator[bytes]:
        """Give a member in blocks; an error at its end if it is not as it was written."""
        digest = hashlib.sha256()
        with _damage(self.file, kept.member), self._zip.open(kept.member) as source:
            while block := source.read(_BLOCK_BYTES):
                digest.update(block)
                yield block
        if digest.hexdigest() != kept.sha256:
            raise DamagedBackupError(self.file, f"{kept.member} has another checksum")

    def document(self, kept: Kept) -> bytes:
        """Give a small member as a whole."""
        return b"".join(self.blocks(kept))

    def verify(self) -> Iterator[Kept]:
        """Read every member; give each that is as it was written.

        Raises:
            DamagedBackupError: One is not.
        """
        manifest = self.manifest
        for kept in (*manifest.tables, manifest.registry):
            for _ in self.blocks(kept):
                pass
            yield kept

    def _manifest(self) -> Manifest:
        with _damage(self.file, MANIFEST):
            body = self._zip.read(MANIFEST)
        try:
            told = _Format.model_validate_json(body).format
            if told > FORMAT:
                raise NewerBackupError(
                    f"{self.file} has format {told}, and this version reads {FORMAT}.",
                    remedy="Restore it with the version of slurmfleet that wrote it, or a newer.",
                )
            return Manifest.model_validate_json(body)
        except ValidationError as exc:
            raise DamagedBackupError(self.file, f"{MANIFEST} cannot be read") from exc


class _Format(BaseModel):
    format: int


@contextmanager
def open_archive(file: Path) -> Generator[ArchiveReader]:
    """Open a backup.

    Raises:
        DamagedBackupError, NewerBackupError: It cannot be used.
        OSError: It cannot be opened.
    """
    with file.open("rb") as raw:
        try:
            archive = zipfile.ZipFile(raw)
        except _BROKEN as exc:
            raise DamagedBackupError(file, "it is no archive, or its end is missing") from exc
        with archive:
            yield ArchiveReader(file, archive)


@contextmanager
def _damage(file: Path, member: str) -> Generator[None]:
    """Say what zipfile says of a damaged member."""
    try:
        yield
    except KeyError as exc:
        raise DamagedBackupError(file, f"{member} is missing") from exc
    except _BROKEN as exc:
        raise DamagedBackupError(file, f"{member} cannot be read ({exc})") from exc
