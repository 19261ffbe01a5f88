"""What a look asks in its one round trip, and what the probe before it asks."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.collector.jobs.coverage import Coverage
from services.collector.looks.reading import Asked, Reading, read_frames
from services.collector.round_trip import NONCE_BYTES, IncompleteAnswerError, run_sections
from slurmfleet.slurm.columns import Dialect
from slurmfleet.slurm.commands import (
    Section,
    detail_accounts_section,
    detail_section,
    probe_sections,
    queue_section,
)
from slurmfleet.slurm.probe import Probe, parse_probe
from slurmfleet.slurm.records import NO_RECORDS, Records, Separators, separators_for
from slurmfleet.ssh.lanes import Lane
from slurmfleet.ssh.port import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What one look wants to know."""

    users: Sequence[str]
    accounts: Sequence[str]
    queue: bool
    """Whether to count everybody's jobs too."""

    followed: Coverage
    section_limit_s: float

    def sections(self, separators: Separators, dialect: Dialect) -> tuple[Section, ...]:
        """Give what is run."""
        limit_s = self.section_limit_s
        sections: list[Section] = []
        if self.users:
            sections.append(detail_section(self.users, separators, dialect, limit_s=limit_s))
        if self.accounts:
            sections.append(
                detail_accounts_section(self.accounts, separators, dialect, limit_s=limit_s)
            )
        if self.queue:
            sections.append(queue_section(dialect, limit_s=limit_s))
        return tuple(sections)


async def ask_probe(
    link: Link, *, limit_s: float, lane: Lane = Lane.WATCH
) -> tuple[Probe, int | None]:
    """Ask once per connection, in a login shell, who we are and which Slurm this is.

    Returns:
        The answers, and the login node's clock in seconds since 1970 if it was told.

    Raises:
        SshError: The login node cannot be reached.
        IncompleteAnswerError: There is no bash, or no squeue on the login shell's PATH.
    """
    frames = await run_sections(link, probe_sections(), {}, limit_s=limit_s, login=True, lane=lane)
    probe = parse_probe(frames)
    if not probe.slurm_version:
        said = frames.sections.get("probe_version")
        raise IncompleteAnswerError(
            "squeue did not tell its version in a login shell of the login node "
            f"({(said.stderr.strip() if said else '')[:200] or 'no answer'}). "
            "Make Slurm's commands available there, for example in ~/.bash_profile."
        )
    return probe, frames.remote_epoch_s


async def ask_queue(
    link: Link,
    probe: Probe,
    question: Question,
    *,
    limit_s: float,
    now: Callable[[], datetime],
    known: Records = NO_RECORDS,
) -> Reading:
    """Ask everything a look wants to know in one round trip.

    Raises:
        SshError: The login node cannot be reached.
        IncompleteAnswerError: The script did not run to its first section.
    """
    nonce = secrets.token_hex(NONCE_BYTES)
    separators = separators_for(nonce)
    sections = question.sections(separators, probe.dialect)
    frames = await run_sections(link, sections, probe.environment, limit_s=limit_s, nonce=nonce)
    asked = Asked(
        names=tuple(section.name for section in sections),
        separators=separators,
        dialect=probe.dialect,
        covered=Coverage.of(question.users, question.accounts),
        followed=question.followed,
        known=known,
    )
    observed_at = now()
    # A large queue takes seconds to read; the other clusters' loops go on meanwhile.
    return await asyncio.to_thread(read_frames, frames, asked, observed_at=observed_at)
