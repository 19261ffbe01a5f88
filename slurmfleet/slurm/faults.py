"""Why a section failed, read from its exit status and Slurm's words on stderr.

Source: docs/slurm-output.md; outages of Slurm 22.05.8 and 24.11.5 (controller killed and hanging,
accounting killed, munge stopped); src/common/slurm_errno.c (20.11 to 25.11);
timeout(1), bash(1) for 124, 126, 127 and 137.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from slurmfleet.slurm.frames import SectionOutput

WORDS_LIMIT = 500


class FaultKind(StrEnum):
    """What kind of failure it is."""

    CONTROLLER_DOWN = "controller_down"
    CONTROLLER_TIMEOUT = "controller_timeout"
    ACCOUNTING_DOWN = "accounting_down"
    ACCOUNTING_ABSENT = "accounting_absent"
    RATE_LIMITED = "rate_limited"
    AUTH_ERROR = "auth_error"
    PERMISSION_DENIED = "permission_denied"
    VERSION_MISMATCH = "version_mismatch"
    COMMAND_MISSING = "command_missing"
    TIMED_OUT = "timed_out"
    INVALID_USER = "invalid_user"
    INVALID_JOB = "invalid_job"
    INVALID_FORMAT = "invalid_format"
    INCOMPLETE = "incomplete"
    """Its end never arrived: the connection was lost, or the script was ended."""
    UNKNOWN = "unknown"


EXPLANATIONS = {
    FaultKind.CONTROLLER_DOWN: "Slurm's controller (slurmctld) does not answer.",
    FaultKind.CONTROLLER_TIMEOUT: "Slurm's controller (slurmctld) took too long to answer.",
    FaultKind.ACCOUNTING_DOWN: "Slurm's accounting database (slurmdbd) does not answer.",
    FaultKind.ACCOUNTING_ABSENT: "This cluster keeps no accounting database.",
    FaultKind.RATE_LIMITED: "Slurm's controller limits how often it may be asked.",
    FaultKind.AUTH_ERROR: "Slurm could not prove who we are; munge may be down on the login node.",
    FaultKind.PERMISSION_DENIED: "Slurm does not let this user see that.",
    FaultKind.VERSION_MISMATCH: "The login node's Slurm commands do not fit its controller.",
    FaultKind.COMMAND_MISSING: "The login node has no such command on its PATH.",
    FaultKind.TIMED_OUT: "The command did not end within its limit and was stopped.",
    FaultKind.INVALID_USER: "Slurm does not know one of the users that were asked for.",
    FaultKind.INVALID_JOB: "Slurm does not know the job that was asked for.",
    FaultKind.INVALID_FORMAT: "This version of Slurm does not know one of the fields asked for.",
    FaultKind.INCOMPLETE: "The command's output was cut short.",
    FaultKind.UNKNOWN: "The command failed.",
}
"""One sentence for people per kind."""

_BY_STATUS = {
    124: FaultKind.TIMED_OUT,
    126: FaultKind.COMMAND_MISSING,
    127: FaultKind.COMMAND_MISSING,
    137: FaultKind.TIMED_OUT,
}
_BY_WORDS = (
    # A stopped munged makes sacct say both this and "Problem talking to the database".
    (
        FaultKind.AUTH_ERROR,
        r"authentication (?:error|credential)|munge (?:en|de)code failed|(?:expired|replayed) cred",
    ),
    (FaultKind.RATE_LIMITED, r"rate[- ]?limit"),
    (FaultKind.ACCOUNTING_ABSENT, r"accounting storage is disabled|supported accounting_storage"),
    (FaultKind.ACCOUNTING_DOWN, r"problem talking to the database|slurmdbd|sending persistinit"),
    (FaultKind.INVALID_USER, r"invalid user"),
    (FaultKind.INVALID_JOB, r"invalid job id"),
    (FaultKind.INVALID_FORMAT, r"invalid (?:job format|field requested)|unknown field"),
    (
        FaultKind.VERSION_MISMATCH,
        r"incompatible versions|protocol version|header lengths are longer",
    ),
    (FaultKind.PERMISSION_DENIED, r"access/permission denied"),
    (FaultKind.CONTROLLER_TIMEOUT, r"socket timed out|zero bytes were transmitted"),
    (
        FaultKind.CONTROLLER_DOWN,
        r"unable to contact slurm controller|in standby mode|(?:send|receive|connection) failure",
    ),
)
_PATTERNS = tuple((kind, re.compile(words, re.IGNORECASE)) for kind, words in _BY_WORDS)

_TOLD_WITH_STATUS_0 = frozenset(
    {FaultKind.INVALID_USER, FaultKind.INVALID_FORMAT, FaultKind.ACCOUNTING_DOWN}
)
"""What Slurm reports on stderr and yet exits with 0; other words are then mere warnings."""

_TOLD_AS_ERROR_WITH_STATUS_0 = frozenset(
    {FaultKind.CONTROLLER_DOWN, FaultKind.CONTROLLER_TIMEOUT, FaultKind.AUTH_ERROR}
)
"""The same, if the word "error" stands before it; a backup that was tried is told as a warning."""

_ERROR = re.compile(r"\berror\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a section failed."""

    kind: FaultKind
    words: str
    """What Slurm said, at most 500 characters; may be empty."""

    rows_hold: bool = False
    """Whether the rows that came are true nevertheless: squeue leaves out an unknown user and
    lists the known ones."""

    @property
    def explanation(self) -> str:
        """Give one sentence for people."""
        return EXPLANATIONS[self.kind]


def find_fault(output: SectionOutput | None) -> Fault | None:
    """Give why a section failed; None when it did not. No output at all is incomplete."""
    if output is None or output.exit_status is None:
        words = output.stderr.strip() if output else ""
        return Fault(kind=FaultKind.INCOMPLETE, words=words[:WORDS_LIMIT])
    words = output.stderr.strip()[:WORDS_LIMIT]
    said = next((kind for kind, pattern in _PATTERNS if pattern.search(words)), None)
    if output.exit_status == 0:
        is_error = said in _TOLD_AS_ERROR_WITH_STATUS_0 and _ERROR.search(words) is not None
        if said is None or not (is_error or said in _TOLD_WITH_STATUS_0):
            return None
        return Fault(kind=said, words=words, rows_hold=said is FaultKind.INVALID_USER)
    kind = _BY_STATUS.get(output.exit_status) or said or FaultKind.UNKNOWN
    return Fault(kind=kind, words=words)
