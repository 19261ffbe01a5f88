"""Proves the audit: the chain in the store, and its end against what the bus has noted."""

from dataclasses import dataclass

from slurmfleet.bus.errors import KeyNotFoundError
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.audit import AUDIT_END, NotedEnd
from slurmfleet.contracts.streams import ACCESS
from slurmfleet.registry.registry import bus_problems
from slurmfleet.store.read.audit import ChainCheck
from slurmfleet.store.read.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """What the check of a part of the chain found."""

    ok: bool
    checked: int
    """Records that were read and are right."""

    last_seq: int
    last_hash: str
    """Of the last record that is right, in hexadecimal."""

    next_first: int | None
    """Where to go on; null at the end of the chain, and where it is broken."""

    noted_seq: int
    """The last record that the bus knows to have been written."""

    problem: str
    """What is wrong; empty for nothing."""


async def verify_chain(reader: Reader, bus: Bus, *, first: int, limit: int) -> ChainReport:
    """Check records from a number on.

    Raises:
        ProblemError: The store or the bus does not answer.
    """
    # Before the records: what is written meanwhile is behind it.
    noted = await _noted(bus)
    check = await reader.check_chain(first, limit=limit)
    problem = check.problem or _wrong_end(check, noted)
    return ChainReport(
        ok=not problem,
        checked=check.checked,
        last_seq=check.last_seq,
        last_hash=check.last_hash,
        next_first=None if problem or check.is_end else check.last_seq + 1,
        noted_seq=noted.seq,
        problem=problem,
    )


def _wrong_end(check: ChainCheck, noted: NotedEnd) -> str:
    if check.is_end and check.last_seq < noted.seq:
        return (
            f"The chain ends with record {check.last_seq}, and {noted.seq} were written:"
            " the newest are gone."
        )
    if check.last_seq == noted.seq and noted.seq and check.last_hash != noted.hash:
        return f"Record {noted.seq} is not the one that was written."
    return ""


async def _noted(bus: Bus) -> NotedEnd:
    try:
        with bus_problems():
            entry = await bus.kv_get(ACCESS.name, AUDIT_END)
    except KeyNotFoundError:
        return NotedEnd()
    return NotedEnd.model_validate_json(entry.value)
