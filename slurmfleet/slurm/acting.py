"""Commands that change a job, and what their answers mean; pure.

scancel without `-v` says nothing of a job that is not there, and ends with 0. With it, the error
stands on stderr and the status is still 0, so the words count before the status.

Source: scancel(1), scontrol(1); tried on Slurm 22.05.8, 24.11.5 and 26.05.5 (docs/slurm-output.md).
"""

import re
from collections.abc import Mapping, Sequence

from slurmfleet.contracts.actions import ActOutcome, ActWord, JobAct, Signal
from slurmfleet.contracts.ids import JobId, job_id
from slurmfleet.contracts.problems import ProblemError
from slurmfleet.slurm.commands import Section
from slurmfleet.slurm.errors import UnsafeArgumentError
from slurmfleet.slurm.frames import Frames, SectionOutput

ACT_LIMIT_S = 15.0
"""For one job; a controller that is down costs 9 s, and is asked whether it is up first."""

PING = "ping"
AFTER = "after"
_CELLS = 3
"""Id, state and reason."""

_TIMED_OUT = frozenset({124, 137})
_MOST_SAID = 300

_WORDS: tuple[tuple[re.Pattern[str], ActWord], ...] = (
    (re.compile(r"invalid job id", re.IGNORECASE), ActWord.NOT_FOUND),
    (re.compile(r"already (?:completing|completed|finished)", re.IGNORECASE), ActWord.ALREADY_OVER),
    (re.compile(r"access/permission denied|invalid user id", re.IGNORECASE), ActWord.DENIED),
    (
        re.compile(r"unable to contact|connection refused|timed out|transport", re.IGNORECASE),
        ActWord.UNKNOWN,
    ),
)
_CHATTER = re.compile(r"scancel: (?!error)")
"""With a signal, `-v` also tells which plugins were loaded."""

_PREFIX = re.compile(r"^(?:scancel: error|slurm_\w+ error): ?")
_OVER = frozenset(
    {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY"}
    | {"PREEMPTED", "REVOKED", "TIMEOUT"}
)
_HELD_IN_VAIN = frozenset({"RUNNING", "COMPLETING", "SUSPENDED", "CONFIGURING", "STOPPED"})


def ping_section() -> Section:
    """Ask whether the controller is up; takes 0.2 s where squeue takes ten to fail."""
    return Section(name=PING, argv=("scontrol", "ping"), limit_s=ACT_LIMIT_S)


def is_up(output: SectionOutput | None) -> bool:
    """Whether one of the controllers is up."""
    return output is not None and " is UP" in output.stdout


def act_sections(
    act: JobAct, jobs: Sequence[JobId], *, signal: Signal | None = None
) -> tuple[Section, ...]:
    """Give one command for each job, and one that looks at them afterwards.

    Raises:
        UnsafeArgumentError: One is no job's id.
    """
    names = [_checked(one) for one in jobs]
    acts = tuple(
        Section(name=_section(place), argv=_argv(act, name, signal), limit_s=ACT_LIMIT_S)
        for place, name in enumerate(names)
    )
    after = Section(
        name=AFTER,
        argv=(
            *("squeue", "-h", "-a", "-t", "all", "-j", ",".join(dict.fromkeys(names))),
            *("-O", "JobArrayID:|,State:|,Reason:|"),
        ),
        limit_s=ACT_LIMIT_S,
    )
    return (*acts, after)


def outcomes(act: JobAct, jobs: Sequence[JobId], frames: Frames) -> tuple[ActOutcome, ...]:
    """Say what came of each job's command, in the order of the jobs."""
    after = states_after(frames.sections.get(AFTER))
    told: list[ActOutcome] = []
    for place, name in enumerate(jobs):
        word, said = _word(frames.sections.get(_section(place)))
        state, _, reason = after.get(name, "").partition(" ")
        if word is ActWord.NOT_FOUND and state in _OVER:
            # So says scancel where a job that has ended is to be sent a signal.
            word = ActWord.ALREADY_OVER
        if word is ActWord.ALREADY_OVER and act is not JobAct.CANCEL:
            word = ActWord.NOT_POSSIBLE
        if act is JobAct.HOLD and word is ActWord.DONE and state in _HELD_IN_VAIN:
            # Slurm takes the command and sets its priority to 0, which keeps nothing from running.
            word = ActWord.NOT_POSSIBLE
            said = "It runs: a hold keeps a job that waits from starting."
        shown = f"{state} ({reason})" if reason not in ("", "None") else state
        told.append(ActOutcome(job_id=name, word=word, detail=said, state_after=shown))
    return tuple(told)


def states_after(output: SectionOutput | None) -> Mapping[str, str]:
    """Give state and reason by id, as far as the queue shows them."""
    if output is None or output.exit_status != 0:
        return {}
    found: dict[str, str] = {}
    # Row by row and no further than the reason: what is no row of ours is not kept in pieces.
    for row in output.stdout.splitlines():
        name, *told = row.split("|", _CELLS)
        if len(told) >= _CELLS - 1:
            found[name.strip()] = f"{told[0].strip()} {told[1].strip()}"
    return found


def _argv(act: JobAct, name: str, signal: Signal | None) -> tuple[str, ...]:
    if act is not JobAct.CANCEL:
        return ("scontrol", act.value, name)
    if signal is not None:
        # To the batch script and to every step: a job without a script has steps alone.
        return ("scancel", "-v", "--full", f"--signal={signal}", name)
    return ("scancel", "-v", name)


def _word(output: SectionOutput | None) -> tuple[ActWord, str]:
    """Say what a command's answer means."""
    if output is None or not output.complete:
        return ActWord.UNKNOWN, "No answer came from the login node."
    if output.exit_status in _TIMED_OUT:
        return ActWord.UNKNOWN, "Slurm did not answer in time."
    said = _said(output.stderr)
    for pattern, word in _WORDS:
        if pattern.search(said):
            return word, said
    if output.exit_status != 0 or said:
        return ActWord.NOT_POSSIBLE, said or f"It ended with status {output.exit_status}."
    return ActWord.DONE, ""


def _said(stderr: str) -> str:
    """Give what a command complains of, each complaint once."""
    lines = [line.strip() for line in stderr.split("\n")]
    complaints = [_PREFIX.sub("", one) for one in lines if one and not _CHATTER.match(one)]
    return "; ".join(dict.fromkeys(complaints))[:_MOST_SAID]


def _section(place: int) -> str:
    return f"act-{place}"


def _checked(name: JobId) -> str:
    try:
        return job_id(name)
    except ProblemError as exc:
        raise UnsafeArgumentError("a job id", name) from exc
