"""One round trip to a login node: the composite command of a look, or the probe before it."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.collector.reading import Asked, Reading, read_frames
from services.collector.tracked import Memory
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.sections import SectionName
from slurmfleet.slurm.commands import (
    Section,
    accounting_sections,
    detail_accounts_section,
    detail_section,
    probe_sections,
    queue_section,
)
from slurmfleet.slurm.frames import Frames, composite, parse_frames
from slurmfleet.slurm.probe import Probe, parse_probe
from slurmfleet.slurm.records import separators_for
from slurmfleet.ssh.link import SshLink

_NONCE_BYTES = 16


class IncompleteAnswerError(Exception):
    """The login node ran the script, and its answer cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What one look wants to know."""

    users: Sequence[str]
    accounts: Sequence[str]
    queue: bool
    """Whether to count everybody's jobs too."""

    jobs: frozenset[JobId]
    """Jobs to ask accounting about; empty: it is not asked."""

    section_limit_s: float


async def ask_probe(link: SshLink, *, limit_s: float) -> tuple[Probe, int | None]:
    """Ask once per connection, in a login shell, who we are and which Slurm this is.

    Returns:
        The answers, and the login node's clock in seconds since 1970 if it was told.

    Raises:
        SshError: The login node cannot be reached.
        IncompleteAnswerError: There is no bash, or no squeue on the login shell's PATH.
    """
    frames = await run_sections(
        link, probe_sections(), {}, limit_s=limit_s, interpreter="bash -l -s"
    )
    probe = parse_probe(frames)
    if not probe.slurm_version:
        said = frames.sections.get("probe_version")
        raise IncompleteAnswerError(
            "squeue did not tell its version in a login shell of the login node "
            f"({(said.stderr.strip() if said else '')[:200] or 'no answer'}). "
            "Make Slurm's commands available there, for example in ~/.bash_profile."
        )
    return probe, frames.remote_epoch_s


async def ask_slurm(
    link: SshLink,
    probe: Probe,
    question: Question,
    memory: Memory,
    *,
    limit_s: float,
    now: Callable[[], datetime],
) -> Reading:
    """Ask everything a look wants to know in one round trip.

    Raises:
        SshError: The login node cannot be reached.
        IncompleteAnswerError: The script did not run to its first section.
    """
    nonce = secrets.token_hex(_NONCE_BYTES)
    separators = separators_for(nonce)
    limit = question.section_limit_s
    sections: list[Section] = []
    if question.users:
        sections.append(detail_section(question.users, separators, limit_s=limit))
    if question.accounts:
        sections.append(detail_accounts_section(question.accounts, separators, limit_s=limit))
    sections += accounting_sections(
        (memory[job_id].job.raw_id for job_id in question.jobs),
        separators,
        with_restarts=probe.has_restarts,
        limit_s=limit,
    )
    if question.queue:
        sections.append(queue_section(limit_s=limit))
    frames = await run_sections(link, sections, probe.environment, limit_s=limit_s, nonce=nonce)
    asked = Asked(
        names=tuple(section.name for section in sections),
        separators=separators,
        with_restarts=probe.has_restarts,
        jobs=question.jobs,
    )
    return read_frames(frames, asked, observed_at=now())


def rpcs(reading: Reading) -> dict[str, int]:
    """Count the requests that a look made of Slurm, by command."""
    counts = {"squeue": 0, "sacct": 0}
    for section in reading.sections:
        counts["sacct" if section.name is SectionName.ACCOUNTING else "squeue"] += 1
    return counts


async def run_sections(
    link: SshLink,
    sections: Sequence[Section],
    environment: Mapping[str, str],
    *,
    limit_s: float,
    nonce: str = "",
    interpreter: str = "bash -s",
) -> Frames:
    """Run sections in one round trip and give their frames.

    Args:
        link: To the login node.
        sections: What to run, one after the other.
        environment: What a login shell had set there.
        limit_s: For the whole round trip.
        nonce: Fresh, where the caller needs it for separators too.
        interpreter: What runs the script; a login shell where its environment is to be learnt.

    Raises:
        SshError: The login node cannot be reached.
        IncompleteAnswerError: The script did not run to its first section.
    """
    nonce = nonce or secrets.token_hex(_NONCE_BYTES)
    script = composite(sections, nonce, environment)
    result = await link.run(interpreter, stdin=script.encode(), limit_s=limit_s)
    frames = parse_frames(result.stdout, nonce)
    if not frames.sections:
        said = result.stderr.decode("utf-8", "replace").strip()[:200]
        raise IncompleteAnswerError(
            f"The login node did not run the script (exit status {result.exit_status}"
            f"{': ' + said if said else ''}). It needs bash, and a login shell that starts it."
        )
    return frames
