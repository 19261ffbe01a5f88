"""One path of one cluster, asked once: what is mounted there, and whose quotas it keeps."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.collector.desk import Answer, Desk
from services.collector.surveys.quota_plan import (
    HANGS,
    Question,
    Who,
    place_question,
    quota_questions,
    read_place,
    read_quota,
)
from slurmfleet.contracts.quotas import QuotaKind, QuotaSampled
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.filesystems.commands import df_command
from slurmfleet.filesystems.df import Mount, parse_df
from slurmfleet.filesystems.errors import MalformedUsageError
from slurmfleet.filesystems.usage import Usage
from slurmfleet.slurm.commands import Section
from slurmfleet.slurm.errors import LINE_LIMIT
from slurmfleet.slurm.faults import find_fault
from slurmfleet.slurm.frames import KILL_AFTER_S
from slurmfleet.slurm.records import BadRow

TRIP_MARGIN_S = 10.0
"""What a round trip may take beyond its sections: to connect and to wait for a channel."""

LONGEST_REST_S = 21_600.0
"""A path that hangs is asked four times a day at least: somebody may have mended it."""

RELEARN_S = 86_400.0
"""How long it is believed that a file system has no quotas, or in which project a path is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long the commands of a visit may take."""

    df_s: float
    quota_s: float


@dataclass(slots=True, kw_only=True)
class Remembered:
    """What is remembered of one path between two askings."""

    hung: int = 0
    """How often in a row it did not answer."""

    rests_until_s: float = 0.0
    mount_point: str = ""
    learnt_s: float = 0.0
    place: str | None = None
    """Its project or fileset; None before it was asked for."""

    without: set[str] = field(default_factory=set[str])
    """Questions that this file system has no answer to."""

    def forget(self, mount: Mount, now_s: float) -> None:
        """Learn anew what may have changed."""
        if mount.mount_point != self.mount_point or now_s - self.learnt_s >= RELEARN_S:
            self.mount_point, self.learnt_s = mount.mount_point, now_s
            self.place, self.without = None, set()

    def rest(self, now_s: float, interval_s: float) -> None:
        """Note that it hangs: it rests for 2, 4, 8, … intervals, six hours at most."""
        self.hung += 1
        self.rests_until_s = now_s + min(interval_s * 2.0 ** min(self.hung, 16), LONGEST_REST_S)


@dataclass(slots=True, kw_only=True)
class Found:
    """What one asking has found so far."""

    facts: list[QuotaSampled] = field(default_factory=list[QuotaSampled])
    sections: list[SectionOutcome] = field(default_factory=list[SectionOutcome])
    bad: list[BadRow] = field(default_factory=list[BadRow])

    def fail(self, error: str, exit_status: int | None = None) -> None:
        """Add a section that gave nothing."""
        self.sections.append(
            SectionOutcome(
                name=SectionName.QUOTA, ok=False, exit_status=exit_status, error=error[:LINE_LIMIT]
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One path, asked once."""

    desk: Desk
    path: str
    who: Who
    known: Remembered
    found: Found
    limits: Limits

    async def ask(self) -> bool:
        """Ask, and add to what was found; give whether the path hangs."""
        asked = Question(name="df", argv=df_command(self.path), kind=QuotaKind.FILE_SYSTEM)
        answer = await trip(self.desk, [asked.section(self.limits.df_s)])
        output = answer.frames.sections.get(asked.name)
        if fault := find_fault(output):
            words = fault.words or fault.explanation
            self.found.fail(f"{self.path}: {words}", output.exit_status if output else None)
            return fault.kind in HANGS
        try:
            mount = parse_df(output.stdout if output else "")
        except MalformedUsageError as exc:
            self.found.fail(str(exc))
            return False
        self.found.sections.append(
            SectionOutcome(name=SectionName.QUOTA, ok=True, exit_status=0, rows=1)
        )
        self._keep(answer, asked, mount, [mount.usage])
        self.known.forget(mount, self.desk.clock.monotonic_s())
        return await self._ask_quotas(mount)

    async def _ask_quotas(self, mount: Mount) -> bool:
        place = self.known.place = await self._place(mount)
        questions = [
            one
            for one in quota_questions(mount, self.path, self.who, place)
            if one.name not in self.known.without
        ]
        if not questions:
            return False
        answer = await trip(self.desk, [one.section(self.limits.quota_s) for one in questions])
        now_epoch_s = answer.frames.remote_epoch_s or int(answer.observed_at.timestamp())
        hangs = False
        for question in questions:
            output = answer.frames.sections.get(question.name)
            told = read_quota(question, output, remote_epoch_s=now_epoch_s, place=place)
            hangs = hangs or told.hangs
            if not told.has_quotas:
                self.known.without.add(question.name)
            self.found.sections.append(told.outcome)
            self.found.bad += [
                BadRow(line=one.line, error=str(one)[:LINE_LIMIT]) for one in told.bad
            ]
            self._keep(answer, question, mount, told.usages)
        return hangs

    async def _place(self, mount: Mount) -> str:
        """Give the project or fileset of the path; asked for once a day."""
        question = place_question(mount, self.path)
        if question is None:
            return ""
        if self.known.place is not None:
            return self.known.place
        answer = await trip(self.desk, [question.section(self.limits.quota_s)])
        return read_place(question, answer.frames.sections.get(question.name))

    def _keep(
        self, answer: Answer, question: Question, mount: Mount, usages: Sequence[Usage]
    ) -> None:
        """Add facts; `lfs` names a file system as it was asked for it, so its mount point does."""
        by_lfs = question.source == "lfs"
        self.found.facts += [
            QuotaSampled(
                cluster=self.desk.config.name,
                observed_at=answer.observed_at,
                source=question.source,
                path=self.path,
                file_system=mount.mount_point if by_lfs else usage.file_system,
                kind=question.kind,
                owner=usage.owner or question.owner,
                used_bytes=usage.space.used,
                soft_limit_bytes=usage.space.soft_limit,
                hard_limit_bytes=usage.space.hard_limit,
                bytes_grace_s=usage.space.grace_s,
                is_over_bytes=usage.space.is_over,
                files=usage.files.used,
                soft_limit_files=usage.files.soft_limit,
                hard_limit_files=usage.files.hard_limit,
                files_grace_s=usage.files.grace_s,
                is_over_files=usage.files.is_over,
            )
            for usage in usages
        ]


async def trip(desk: Desk, sections: Sequence[Section]) -> Answer:
    """Run sections in one round trip that ends soon after the last of them.

    Raises:
        SshError: The login node cannot be reached, or the round trip did not end.
        IncompleteAnswerError: It did not run to the first section.
    """
    limit_s = sum(section.limit_s + KILL_AFTER_S for section in sections) + TRIP_MARGIN_S
    return await desk.ask(lambda _: sections, limit_s=limit_s)
