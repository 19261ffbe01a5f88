"""Reservations as `scontrol -a -o show reservation` lists them: what is kept from whom, and when.

A reservation holds whole nodes or some cores of each. Only nodes that are held whole carry the flag
RESERVED; a reservation of cores is told by `CoreCnt=`, and since 24.11 by groups in the middle of
the record: `Flags=   NodeName=sxm03 CoreIDs=0-14,16-30 TRES=cpu=60,gres/gpu=2`.

Source: scontrol(1), "RESERVATIONS"; seen on 22.05.8, 24.11.5 and 26.05.5 with reservations of
nodes, cores, GPUs and for maintenance; recordings `reservations`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from slurmfleet.slurm.assignments import Records, listed, needed_word, read_records, words_of
from slurmfleet.slurm.errors import MalformedValueError
from slurmfleet.slurm.hostlist import expand_hostlist
from slurmfleet.slurm.quantities import parse_count, parse_time
from slurmfleet.slurm.tres import parse_tres

_GROUP = re.compile(r"\bNodeName=(\S+) CoreIDs=(\S+)")
_MORE = ("Groups", "QOS", "AllowedPartitions")
_CORES = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a reservation keeps of one node."""

    cpus: int
    gpus: Mapping[str, int]
    """By type; what names no type is under ""."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """One reservation."""

    name: str
    starts_at: datetime | None
    """None where the time was not told in seconds since 1970."""

    ends_at: datetime | None
    said_active: bool
    """Whether Slurm called it active when it was asked."""

    floats: bool
    """TIME_FLOAT: its start is always ahead of now, so it never begins."""

    held: Mapping[str, Held]
    """By node; empty for reservations of licences and the like."""

    users: tuple[str, ...]
    """Who may use it, or with a `-` before each name who may not; empty: not asked for."""

    accounts: tuple[str, ...]
    asks_more: bool
    """Whether it also asks for a group, a QOS or a partition (AllowedPartitions, 26.05)."""

    def is_active(self, now: datetime) -> bool:
        """Tell whether it holds its nodes at a moment; by Slurm's word where times are missing."""
        if self.floats:
            return False
        if self.starts_at is None or self.ends_at is None:
            return self.said_active
        return self.starts_at <= now < self.ends_at

    def is_ahead(self, now: datetime) -> bool:
        """Tell whether it begins after a moment."""
        return not self.floats and self.starts_at is not None and self.starts_at > now

    def admits(self, user: str, accounts: Collection[str]) -> bool:
        """Tell whether a user with these accounts may use it, as far as can be known.

        Each list that is given must agree. Who is in a group and which QOS a job would have is not
        known here: what asks for such is taken as somebody else's.
        """
        if not (self.users or self.accounts) or self.asks_more:
            return False
        return _agrees(self.users, (user,)) and _agrees(self.accounts, accounts)


def _agrees(names: tuple[str, ...], ours: Collection[str]) -> bool:
    if not names:
        return True
    denied = {name[1:] for name in names if name.startswith("-")}
    if denied:
        return any(name not in denied for name in ours)
    return any(name in names for name in ours)


def parse_reservations(text: str) -> Records[Reservation]:
    """Read the reservations; none is what most clusters have."""
    return read_records(text, "ReservationName", _reservation)


def _reservation(line: str) -> Reservation:
    words = words_of(line)
    flags = listed(words.get("Flags", ""))
    return Reservation(
        name=needed_word(words, "ReservationName", line),
        starts_at=_moment(words.get("StartTime", "")),
        ends_at=_moment(words.get("EndTime", "")),
        said_active=words.get("State") == "ACTIVE",
        floats="TIME_FLOAT" in flags,
        held=_held(words, line),
        users=listed(words.get("Users", "")),
        accounts=listed(words.get("Accounts", "")),
        asks_more=any(listed(words.get(key, "")) for key in _MORE),
    )


def _moment(text: str) -> datetime | None:
    """Give the moment of seconds since 1970; None for a local time without its zone."""
    try:
        return parse_time(text)
    except MalformedValueError:
        return None


def _held(words: Mapping[str, str], line: str) -> dict[str, Held]:
    """Spread what is reserved over the nodes: by their cores where told, else evenly."""
    names = expand_hostlist(words.get("Nodes", ""))
    if not names:
        return {}
    tres = parse_tres(words.get("TRES", ""))
    cores = {
        node: _core_count(ids)
        for group, ids in _GROUP.findall(line)
        for node in expand_hostlist(group)
    }
    all_cores = sum(cores.values()) or parse_count(words.get("CoreCnt", ""))
    # Without a TRES cpu= (before 20.11) a core is taken for one CPU: too little, never too much.
    cpus = tres.cpu_count or all_cores
    gpus = {kind: -(-count // len(names)) for kind, count in tres.all_gpus.items()}
    return {
        name: Held(
            cpus=-(-cpus * cores.get(name, 0) // all_cores) if cores else -(-cpus // len(names)),
            gpus=gpus,
        )
        for name in names
    }


def _core_count(ids: str) -> int:
    """Count the cores of `0-14,16-30`."""
    count = 0
    for part in ids.split(","):
        match = _CORES.fullmatch(part)
        if match is None:
            raise MalformedValueError("not a list of cores", ids)
        count += int(match[2] or match[1]) - int(match[1]) + 1
    return count
