"""What a command asks of Slurm's daemons: how many requests (RPCs) it makes.

Counted with `sdiag`, "statistics by user", on Slurm 22.05.8 and 24.11.5, the same on both: squeue
also asks for the federation, and for one user for the partitions; `scontrol show node` also asks
for the partitions. Commands about accounting ask slurmdbd, which counts as well.

Source: docs/slurm-output.md, "Requests"; sdiag(1).
"""

from collections.abc import Sequence

_FREE_PROGRAMS = frozenset(
    {"bash", "date", "df", "id", "lfs", "mmlsquota", "printenv", "quota", "stat"}
)
"""They ask nothing of Slurm; `bash` runs those of file systems with patience."""

_FREE_OPTIONS = frozenset(
    {"--version", "-V", "-e", "--help", "--helpformat", "--helpFormat", "--json=list"}
)
_SCONTROL = {"node": 2, "nodes": 2, "config": 2}


def requests_of(argv: Sequence[str]) -> int:
    """Give how many requests a command makes, as far as its arguments tell."""
    program, *arguments = argv
    if program in _FREE_PROGRAMS or _FREE_OPTIONS.intersection(arguments):
        return 0
    match program:
        case "squeue":
            users = arguments[arguments.index("-u") + 1] if "-u" in arguments else ""
            is_of_one = "--me" in arguments or (users and "," not in users)
            return 3 if is_of_one else 2
        case "sinfo":
            return 2
        case "scontrol":
            return _SCONTROL.get(arguments[-1] if arguments else "", 1)
        case _:
            return 1
