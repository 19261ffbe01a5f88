"""Quotas of file systems."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from slurmfleet.contracts.nouns import Noun
from slurmfleet.contracts.sample import Sample


class QuotaKind(StrEnum):
    """Whose use a quota limits."""

    USER = "user"
    GROUP = "group"
    PROJECT = "project"
    FILESET = "fileset"
    FILE_SYSTEM = "file_system"
    """No quota at all: what the file system as a whole has left (df)."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaSampled(Sample):
    """Use and limits of one owner on one file system."""

    noun: ClassVar[Noun] = Noun.QUOTA

    path: str
    """Under which it was asked."""

    file_system: str = ""
    """Device or mount point, as the command names it."""

    kind: QuotaKind
    owner: str = ""
    """User, group, project id or fileset."""

    used_bytes: int | None = None
    soft_limit_bytes: int | None = None
    """None: no limit."""

    hard_limit_bytes: int | None = None
    bytes_grace_s: int | None = None
    """Time left above the soft limit; 0 when it has passed, None when it does not run."""

    is_over_bytes: bool = False
    files: int | None = None
    soft_limit_files: int | None = None
    hard_limit_files: int | None = None
    files_grace_s: int | None = None
    is_over_files: bool = False

    def _identity(self) -> tuple[str, ...]:
        return self.path, self.file_system, self.kind, self.owner
