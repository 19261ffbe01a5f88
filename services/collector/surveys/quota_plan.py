"""Which quotas are asked of which file system, and what an answer says; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from slurmfleet.contracts.quotas import QuotaKind
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.filesystems.commands import (
    lfs_project_command,
    lfs_quota_command,
    mmlsattr_command,
    mmlsquota_command,
    quota_command,
)
from slurmfleet.filesystems.df import Mount
from slurmfleet.filesystems.errors import MalformedUsageError
from slurmfleet.filesystems.lfs import parse_lfs_project, parse_lfs_quota
from slurmfleet.filesystems.mmlsquota import parse_fileset, parse_mmlsquota
from slurmfleet.filesystems.patience import patiently
from slurmfleet.filesystems.quota import parse_quota
from slurmfleet.filesystems.usage import Report, Usage
from slurmfleet.slurm.commands import Section
from slurmfleet.slurm.faults import Fault, FaultKind, find_fault
from slurmfleet.slurm.frames import SectionOutput

LUSTRE = "lustre"
GPFS = "gpfs"
HANGS = frozenset({FaultKind.TIMED_OUT, FaultKind.INCOMPLETE})

_NO_QUOTA_WORDS = ("no quota enabled", "quotas are not enabled", "quota management is not enabled")
_BELONGING = frozenset({"lfs", "mmlsquota"})
"""What has to be there where its file system is; a site without `quota` has no quotas to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Whose quotas are asked for, and where they are at home."""

    user: str
    group: str
    """The primary one; empty when it is not known."""

    home: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One command about one owner."""

    name: str
    """Of its section."""

    argv: tuple[str, ...]
    kind: QuotaKind
    owner: str = ""
    """Empty where the answer names it."""

    @property
    def source(self) -> str:
        """The program that tells it."""
        return self.argv[0]

    def section(self, limit_s: float) -> Section:
        """Give the section that asks it."""
        return Section(name=self.name, argv=patiently(self.argv), limit_s=limit_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the answer to one question gave."""

    usages: tuple[Usage, ...]
    bad: tuple[MalformedUsageError, ...]
    outcome: SectionOutcome
    hangs: bool
    has_quotas: bool
    """Whether it is worth to ask again soon: the program is there, and quotas are on."""


def quota_questions(mount: Mount, path: str, who: Who, place: str) -> tuple[Question, ...]:
    """Give the questions for the file system under a path.

    Args:
        mount: What is mounted there.
        path: Under which it is asked.
        who: Whose quotas.
        place: The Lustre project or GPFS fileset of the path; empty when there is none.
    """
    if mount.type == LUSTRE:
        owners = _owners(who, QuotaKind.PROJECT, place)
        return tuple(
            Question(name=kind, argv=lfs_quota_command(kind, owner, path), kind=kind, owner=owner)
            for kind, owner in owners
        )
    if mount.type == GPFS:
        return tuple(
            Question(
                name=kind, argv=mmlsquota_command(kind, owner, mount.device), kind=kind, owner=owner
            )
            for kind, owner in _owners(who, QuotaKind.FILESET, place)
        )
    return tuple(
        Question(name=kind, argv=quota_command(kind, mount.mount_point), kind=kind)
        for kind in (QuotaKind.USER, QuotaKind.GROUP)
    )


def _owners(who: Who, kind: QuotaKind, place: str) -> Sequence[tuple[QuotaKind, str]]:
    owners = ((QuotaKind.USER, who.user), (QuotaKind.GROUP, who.group), (kind, place))
    return [(kind, owner) for kind, owner in owners if owner]


def place_question(mount: Mount, path: str) -> Question | None:
    """Give the question for the project or fileset of a path; None where there is none."""
    if mount.type == LUSTRE:
        return Question(name="place", argv=lfs_project_command(path), kind=QuotaKind.PROJECT)
    if mount.type == GPFS:
        return Question(name="place", argv=mmlsattr_command(path), kind=QuotaKind.FILESET)
    return None


def read_place(question: Question, output: SectionOutput | None) -> str:
    """Give a path's project or fileset; empty where it has none or the site does not tell.

    Lustre before 2.10 knows no projects, and GPFS may keep attributes to administrators.
    """
    if output is None or find_fault(output) is not None:
        return ""
    if question.kind is QuotaKind.FILESET:
        return parse_fileset(output.stdout)
    try:
        project = parse_lfs_project(output.stdout)
    except MalformedUsageError:
        return ""
    return "" if project is None else str(project)


def read_quota(
    question: Question, output: SectionOutput | None, *, remote_epoch_s: int, place: str
) -> Told:
    """Give what the answer to a question says.

    Rows count even where the program failed: `lfs` fails when one of many servers is down, `quota`
    when a limit is passed.
    """
    fault = find_fault(output)
    report = _parsed(question, output.stdout if output else "", remote_epoch_s)
    usages = _of_place(question, report.usages, place)
    absent = fault is not None and not usages and _has_none(question, fault)
    if absent or (fault is not None and usages and question.source == "quota"):
        fault = None
    error = (fault.words or fault.explanation) if fault else ""
    if not error and report.bad and not usages:
        error = str(report.bad[0])
    return Told(
        usages=usages,
        bad=report.bad,
        outcome=SectionOutcome(
            name=SectionName.QUOTA,
            ok=not error,
            exit_status=output.exit_status if output else None,
            error=error,
            rows=len(usages),
            bad_rows=len(report.bad),
        ),
        hangs=fault is not None and fault.kind in HANGS,
        has_quotas=not absent,
    )


def _parsed(question: Question, text: str, remote_epoch_s: int) -> Report:
    match question.source:
        case "lfs":
            return parse_lfs_quota(text)
        case "mmlsquota":
            return parse_mmlsquota(text)
        case _:
            return parse_quota(text, now_epoch_s=remote_epoch_s)


def _of_place(question: Question, usages: Sequence[Usage], place: str) -> tuple[Usage, ...]:
    """Leave out a user's quotas in other filesets than the path's own, where that is known."""
    if question.source != "mmlsquota" or not place:
        return tuple(usages)
    here = [one for one in usages if one.file_system.partition(":")[2] in {"", place}]
    return tuple(here or usages)


def _has_none(question: Question, fault: Fault) -> bool:
    """Whether a failure says that there are no quotas, rather than that they cannot be told."""
    if fault.kind is FaultKind.COMMAND_MISSING:
        return question.source not in _BELONGING
    words = fault.words.lower()
    return any(one in words for one in _NO_QUOTA_WORDS)
