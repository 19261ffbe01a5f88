"""Which fields are asked of squeue and sacct, in which order; commands and parsers share them.

Only fields that this Slurm knows are asked: an unknown one makes squeue print an empty column
and complain on stderr, and makes sacct fail. Every field of the two constant lists is in Slurm
20.11; the others are asked where the probe has found them.

Source: squeue(1) and sacct(1) of Slurm 22.05 and 24.11; src/squeue/opts.c of 20.11;
docs/slurm-output.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from slurmfleet.slurm.abilities import NOTHING_KNOWN, Abilities

QUEUE_COLUMNS: tuple[str, ...] = (
    "JobArrayID",
    "UserName",
    "Account",
    "Partition",
    "State",
    "tres-alloc",
    "Reason",
)
"""Everybody's jobs, for counts. No free text is among them, so nobody can forge a separator."""

GPU_COLUMNS: tuple[str, ...] = (
    "tres-per-job",
    "tres-per-node",
    "tres-per-task",
    "NumNodes",
    "NumTasks",
)
"""What tells GPUs where tres-alloc does not; behind the others."""

DETAIL_COLUMNS: tuple[str, ...] = (
    "JobArrayID",
    "JobID",
    "UserName",
    "Account",
    "Partition",
    "QOS",
    "State",
    "Reason",
    "SubmitTime",
    "EligibleTime",
    "StartTime",
    "EndTime",
    "TimeLimit",
    "NumCPUs",
    "RestartCnt",
    "exit_code",
    "NodeList",
    "BatchHost",
    "Dependency",
    "NumNodes",
    "NumTasks",
    "tres-alloc",
    "tres-per-job",
    "tres-per-node",
    "tres-per-socket",
    "tres-per-task",
    "ReqNodes",
    "Reservation",
    "Licenses",
    "OverSubscribe",
    "BatchFlag",
    "Requeue",
    "Nice",
    "DeadLine",
)
"""Tracked jobs in full, as far as users cannot put any byte they like into it."""

NEWER_DETAIL_COLUMNS: tuple[str, ...] = ("ExcNodes", "SLUID")
"""ExcNodes came between 22.05 and 24.11, SLUID with 26.05."""

FREE_TEXT_COLUMNS: tuple[str, ...] = (
    "Feature",
    "WorkDir",
    "STDIN",
    "STDOUT",
    "STDERR",
    "Command",
    "Comment",
    "Name",
)
"""What users write themselves, control bytes included; behind what Slurm writes."""

VOLATILE_COLUMNS: tuple[str, ...] = ("PriorityLong",)
"""What moves by itself, of every waiting job at each PriorityCalcPeriod (5 minutes by default) and
by nobody's doing; at the very end of a record, so that the rest can be compared without it."""

ALL_DETAIL_COLUMNS: tuple[str, ...] = (
    *DETAIL_COLUMNS,
    *NEWER_DETAIL_COLUMNS,
    *FREE_TEXT_COLUMNS,
    *VOLATILE_COLUMNS,
)
"""In the order in which they are asked."""

NODE_COLUMNS: tuple[str, ...] = (
    "NodeList",
    "NodeHost",
    "PartitionName",
    "StateLong",
    "StateComplete",
    "CPUsState",
    "Memory",
    "AllocMem",
    "FreeMem",
    "Gres",
    "GresUsed",
    "Features",
    "Reservation",
    "Reason",
)
"""Of which sinfo is asked whether it knows them."""

_ACCOUNTING_FRONT = (
    "JobID",
    "JobIDRaw",
    "User",
    "Account",
    "Partition",
    "QOS",
    "State",
    "ExitCode",
    "Submit",
    "Eligible",
    "Start",
    "End",
    "ElapsedRaw",
    "TimelimitRaw",
    "NNodes",
    "NCPUS",
    "ReqMem",
    "ReqTRES",
    "AllocTRES",
    "NodeList",
    "Reason",
)
_NEWER_ACCOUNTING = ("Restarts", "SLUID")
_ACCOUNTING_TEXT = ("WorkDir", "Comment", "SubmitLine", "JobName")
_NEWER_ACCOUNTING_TEXT = ("StdIn", "StdOut", "StdErr")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one cluster's Slurm is asked, and its answers are read."""

    queue: tuple[str, ...]
    detail: tuple[str, ...]
    accounting: tuple[str, ...]
    slurm: tuple[int, int] | None
    """Year and month of its version: names of files follow it. None where it is not known."""


def dialect_for(abilities: Abilities) -> Dialect:
    """Give how to ask a Slurm of these abilities."""
    told = abilities.queue_fields
    if told is None:
        told = _lower(ALL_DETAIL_COLUMNS) - _lower(NEWER_DETAIL_COLUMNS)
    gpus = GPU_COLUMNS if abilities.counts_gpus is False else ()
    return Dialect(
        queue=(*QUEUE_COLUMNS, *(column for column in gpus if column.lower() in told)),
        detail=tuple(column for column in ALL_DETAIL_COLUMNS if column.lower() in told),
        accounting=_accounting_columns(abilities.accounting_fields or frozenset()),
        slurm=abilities.release,
    )


def _accounting_columns(known: frozenset[str]) -> tuple[str, ...]:
    newer = [name for name in _NEWER_ACCOUNTING if name.lower() in known]
    newer_text = [name for name in _NEWER_ACCOUNTING_TEXT if name.lower() in known]
    return (*_ACCOUNTING_FRONT, *newer, *newer_text, *_ACCOUNTING_TEXT)


def _lower(columns: Iterable[str]) -> frozenset[str]:
    return frozenset(column.lower() for column in columns)


ANY_SLURM = dialect_for(NOTHING_KNOWN)
"""What every Slurm since 20.11 understands."""
