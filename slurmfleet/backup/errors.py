"""What can go wrong with a backup.

BackupError
├── ShelfError           the folder cannot be written: full, missing, forbidden
├── ShelfBusyError       another backup is being written there
├── DamagedBackupError   a file that is no backup, or not as it was written
└── NewerBackupError     a file that a later version wrote
"""

import errno
from pathlib import Path


class BackupError(Exception):
    """A backup could not be taken or read; says why and what mends it."""

    def __init__(self, detail: str, *, remedy: str = "") -> None:
        """Keep what is wrong and what mends it."""
        super().__init__(f"{detail} {remedy}".strip())
        self.detail = detail
        self.remedy = remedy


class ShelfError(BackupError):
    """The folder of the backups cannot be written."""


class ShelfBusyError(BackupError):
    """Another backup is being written to the same folder."""


class DamagedBackupError(BackupError):
    """A file that is no backup, or not as it was written."""

    def __init__(self, file: Path, what: str) -> None:
        """Name the file and what is wrong with it."""
        super().__init__(
            f"{file} is damaged: {what}.",
            remedy="Use another backup; `slurmfleet backup list` shows them.",
        )


class NewerBackupError(BackupError):
    """A file that a later version of slurmfleet wrote."""


def shelf_error(exc: OSError, folder: Path) -> ShelfError:
    """Say what is wrong with the folder."""
    if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ShelfError(
            f"There is no space left in {folder}; the unfinished backup was removed.",
            remedy="Free some space, keep fewer backups (--keep), or choose another place (--to).",
        )
    return ShelfError(
        f"No backup can be written to {folder}: {exc.strerror}.",
        remedy="Correct the folder or its permissions, or choose another place (--to).",
    )
