"""Job states: a base state, and the flags that Slurm puts beside or in front of it.

squeue's text shows one word. Where a flag is set it hides the base state, so a base is inferred
from what the flag means; the flag itself is kept. The choice that matters most: COMPLETING alone
is RUNNING, because the job still holds nodes and nothing tells yet how it ended.

Source: squeue(1), "JOB STATE CODES"; https://slurm.schedmd.com/job_state_codes.html;
src/common/slurm_protocol_defs.c, job_state_string (Slurm 22.05 to 25.05).
"""

import re

from slurmfleet.contracts.jobs import JobState
from slurmfleet.contracts.remembering import remembers_short_texts
from slurmfleet.slurm.errors import MalformedValueError

_WORD = re.compile(r"[A-Z][A-Z_]*")
_CANCELLED_BY = re.compile(r"CANCELLED by \d+", re.ASCII)

_BASE_BEHIND_FLAG = {
    "COMPLETING": JobState.RUNNING,
    "CONFIGURING": JobState.RUNNING,
    "POWER_UP_NODE": JobState.RUNNING,
    "RESIZING": JobState.RUNNING,
    "SIGNALING": JobState.RUNNING,
    "STAGE_OUT": JobState.RUNNING,
    "STOPPED": JobState.RUNNING,
    "UPDATE_DB": JobState.RUNNING,
    "EXPEDITING": JobState.PENDING,
    "REQUEUED": JobState.PENDING,
    "REQUEUE_FED": JobState.PENDING,
    "REQUEUE_HOLD": JobState.PENDING,
    "RESV_DEL_HOLD": JobState.PENDING,
    "SPECIAL_EXIT": JobState.PENDING,
    # A federated sibling that runs elsewhere has neither ended nor is it waiting here.
    "REVOKED": JobState.UNKNOWN,
    "LAUNCH_FAILED": JobState.UNKNOWN,
    "RECONFIG_FAIL": JobState.UNKNOWN,
}
_OURS = frozenset({JobState.VANISHED, JobState.REQUEUED})
_BASE_WORDS = {str(state): state for state in JobState if state not in _OURS}


@remembers_short_texts(1024)
def parse_state(text: str) -> tuple[JobState, tuple[str, ...]]:
    """Give base state and flags, sorted, of Slurm's state text.

    Reads `RUNNING`, `CANCELLED by 2001`, `CANCELLED+` (cut by a narrow column), flags alone, and
    several words joined by `+` or `,`. An unknown word gives UNKNOWN with that word as a flag.

    Raises:
        MalformedValueError: It is no state at all.
    """
    if base := _BASE_WORDS.get(text):
        return base, ()
    if _CANCELLED_BY.fullmatch(text):
        return JobState.CANCELLED, ()
    if text.endswith("+"):
        text = _completed_word(text[:-1])
    words = text.replace(",", "+").split("+")
    if not all(_WORD.fullmatch(word) for word in words):
        raise MalformedValueError("not a job state", text)
    bases = [_BASE_WORDS[word] for word in words if word in _BASE_WORDS]
    flags = tuple(sorted(set(words) - _BASE_WORDS.keys()))
    if bases:
        return bases[0], flags
    behind = {_BASE_BEHIND_FLAG.get(flag, JobState.UNKNOWN) for flag in flags}
    return (behind.pop() if len(behind) == 1 else _of_mixed_flags(flags)), flags


def _completed_word(stump: str) -> str:
    """Give the only word that begins like a cut one; the stump itself if there is no such word."""
    known = [
        word for word in (*_BASE_WORDS, *_BASE_BEHIND_FLAG) if stump and word.startswith(stump)
    ]
    return known[0] if len(known) == 1 else stump


def _of_mixed_flags(flags: tuple[str, ...]) -> JobState:
    """Judge flags that contradict each other; REQUEUED with COMPLETING still holds nodes."""
    return JobState.RUNNING if "COMPLETING" in flags else JobState.UNKNOWN


def end_reason(reason: str) -> str:
    """Give a reason if it tells why a job ended, and nothing if it told why it waited.

    Accounting keeps the last pending reason of a job that has ended.

    Source: docs/slurm-output.md, "Other fields" (22.05); job_reason_codes.html of Slurm 24.11.
    """
    return reason if reason.partition(":")[0] in _END_REASONS else ""


_END_REASONS = frozenset(
    {
        "BadConstraints",
        "BootFailure",
        "DeadLine",
        "DependencyNeverSatisfied",
        "FAIL_DOWN_NODE",
        "FAIL_BOOT",
        "JobLaunchFailure",
        "NodeDown",
        "NonZeroExitCode",
        "OutOfMemory",
        "Prolog",
        "RaisedSignal",
        "SystemFailure",
        "TimeLimit",
        "InactiveLimit",
    }
)
