"""Amounts of trackable resources by name: limits of associations and QOS, and what was used.

`cpu=12,mem=64G,gres/gpu=6,gres/gpu:h100=4,fs/disk=1T,license/ansys=5,billing=1000`.

Source: sacctmgr(1) GrpTRES, MaxTRESPU; sshare(1) TRESRunMins; slurm.conf(5)
AccountingStorageTRES; seen on Slurm 22.05.8, 24.11.5 and 26.05.5.
"""

import re
from collections.abc import Mapping

from slurmfleet.contracts.remembering import remembers_short_texts
from slurmfleet.slurm.errors import MalformedValueError
from slurmfleet.slurm.quantities import parse_amount, parse_memory_mib

NO_TRES: Mapping[str, int] = {}
CPU = "cpu"
MEMORY = "mem"
NODE = "node"
GPU = "gres/gpu"
GPU_TYPE_PREFIX = "gres/gpu:"

_EMPTY = frozenset({"", "N/A", "(null)", "None", "none"})
_NO_LIMIT = frozenset({"-1", "N", "UNLIMITED", "INFINITE"})
_LARGEST = 2**63 - 1
_NUMBER = re.compile(r"\d{1,20}", re.ASCII)


@remembers_short_texts(4096)
def parse_tres_amounts(text: str) -> Mapping[str, int]:
    """Read amounts by TRES name, `mem` in MiB; names that have no limit are left out.

    Raises:
        MalformedValueError: An item is not `name=amount`, or an amount is no number.
    """
    return _amounts(text, memory_is_mib=True)


@remembers_short_texts(4096)
def parse_tres_minutes(text: str) -> Mapping[str, int]:
    """Read amounts over time by TRES name, `mem` a bare number of MiB minutes.

    Raises:
        MalformedValueError: An item is not `name=amount`, or an amount is no number.
    """
    return _amounts(text, memory_is_mib=False)


def _amounts(text: str, *, memory_is_mib: bool) -> Mapping[str, int]:
    if text in _EMPTY:
        return NO_TRES
    amounts: dict[str, int] = {}
    for item in text.split(","):
        name, equals, amount = item.rpartition("=")
        if not (name and equals and amount):
            raise MalformedValueError("not a TRES string", text)
        if amount not in _NO_LIMIT:
            amounts[name] = min(_amount(name, amount, memory_is_mib=memory_is_mib), _LARGEST)
    return amounts


def _amount(name: str, amount: str, *, memory_is_mib: bool) -> int:
    # Minutes and seconds of memory of a large site have more digits than any count.
    if _NUMBER.fullmatch(amount):
        return int(amount)
    if name == "mem" and memory_is_mib:
        return parse_memory_mib(amount) or 0
    return parse_amount(amount)


def without_zeros(amounts: Mapping[str, int]) -> Mapping[str, int]:
    """Leave out what is 0: programs that tell use name every TRES of the site."""
    return {name: amount for name, amount in amounts.items() if amount}


def gpu_amounts(amounts: Mapping[str, int]) -> tuple[int | None, Mapping[str, int]]:
    """Give the amount for GPUs of any type, None where it is not told, and those by type."""
    by_type = {
        name.removeprefix(GPU_TYPE_PREFIX): amount
        for name, amount in amounts.items()
        if name.startswith(GPU_TYPE_PREFIX)
    }
    return amounts.get(GPU), by_type
