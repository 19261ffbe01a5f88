"""The folder in which backups lie: names, order, which are kept, what an interrupted one leaves."""

import fcntl
import os
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from slurmfleet.backup.errors import ShelfBusyError, shelf_error

_NAME = re.compile(r"slurmfleet-(?P<moment>\d{8}T\d{6}Z)\.backup\.zip")
_MOMENT = "%Y%m%dT%H%M%SZ"
_DRAFT = ".unfinished-"
_PRIVATE_DIR = 0o700


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """One finished backup."""

    file: Path
    taken_at: datetime
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """One folder of backups."""

    folder: Path

    def backups(self) -> Sequence[Shelved]:
        """Give the finished backups, newest first; other files are left out."""
        try:
            files = list(self.folder.iterdir())
        except FileNotFoundError:
            return []
        found = [
            Shelved(file=file, taken_at=moment, size_bytes=file.stat().st_size)
            for file in files
            if (moment := _moment(file.name)) is not None
        ]
        return sorted(found, key=lambda one: one.taken_at, reverse=True)

    @contextmanager
    def writing(self, moment: datetime) -> Generator["Draft"]:
        """Give a draft while the body writes it; what the body does not finish is removed.

        Raises:
            ShelfError: The folder cannot be written.
            ShelfBusyError: Another backup is being written there.
        """
        try:
            self.folder.mkdir(mode=_PRIVATE_DIR, parents=True, exist_ok=True)
            with self._alone():
                self._clear()
                draft = Draft(shelf=self, moment=moment)
                try:
                    yield draft
                finally:
                    draft.file.unlink(missing_ok=True)
        except OSError as exc:
            raise shelf_error(exc, self.folder) from exc

    def forget(self, *, keep: int) -> Sequence[Path]:
        """Remove all but the newest so many; give what was removed."""
        old = [one.file for one in self.backups()[keep:]]
        for file in old:
            file.unlink(missing_ok=True)
        return old

    @contextmanager
    def _alone(self) -> Generator[None]:
        """Hold the folder; the kernel lets go of it when the process dies."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise ShelfBusyError(
                    f"Another backup is being written to {self.folder}.",
                    remedy="Wait until it is done.",
                ) from exc
            yield
        finally:
            os.close(descriptor)

    def _clear(self) -> None:
        """Remove what interrupted backups left; nobody else writes here now."""
        for file in self.folder.glob(f"{_DRAFT}*"):
            file.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A backup that is being written."""

    shelf: Shelf
    moment: datetime

    @property
    def file(self) -> Path:
        """Give where it is written."""
        return self.shelf.folder / f"{_DRAFT}{self._name}"

    def finish(self) -> Path:
        """Give the draft its final name, once it is on disk; give its path."""
        final = self.shelf.folder / self._name
        _sync(self.file)
        self.file.rename(final)
        _sync(self.shelf.folder)
        return final

    @property
    def _name(self) -> str:
        return f"slurmfleet-{self.moment.astimezone(UTC).strftime(_MOMENT)}.backup.zip"


def _moment(name: str) -> datetime | None:
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        return datetime.strptime(match["moment"], _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return None


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
