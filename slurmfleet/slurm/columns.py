"""Which fields are asked of squeue and sacct, in which order; commands and parsers share them.

An unknown field is dropped by squeue with exit status 0, so parsers count fields.

Source: squeue(1) and sacct(1) of Slurm 22.05 and 24.11; docs/slurm-output.md.
"""

QUEUE_COLUMNS: tuple[str, ...] = (
    "JobArrayID",
    "UserName",
    "Account",
    "Partition",
    "State",
    "tres-alloc",
)
"""Everybody's jobs, for counts. No free text is among them, so nobody can forge a separator."""

DETAIL_COLUMNS: tuple[str, ...] = (
    "JobArrayID",
    "JobID",
    "ArrayJobID",
    "ArrayTaskID",
    "HetJobID",
    "HetJobOffset",
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
    "NumNodes",
    "NumCPUs",
    "MinMemory",
    "tres-alloc",
    "PriorityLong",
    "RestartCnt",
    "exit_code",
    "NodeList",
    "Dependency",
    "WorkDir",
    "STDOUT",
    "STDERR",
    "Command",
    "Comment",
    "Name",
)
"""Tracked jobs in full; free text last."""

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
_ACCOUNTING_TEXT = ("WorkDir", "Comment", "SubmitLine", "JobName")


def accounting_columns(*, with_restarts: bool) -> tuple[str, ...]:
    """Give sacct's fields; an unknown one is fatal there, and 22.05 does not know Restarts."""
    restarts = ("Restarts",) if with_restarts else ()
    return (*_ACCOUNTING_FRONT, *restarts, *_ACCOUNTING_TEXT)
