"""Node states: a base and flags, and what they mean for somebody who wants the node now.

scontrol writes `MIXED+DRAIN+NOT_RESPONDING`; before 21.08, and in sinfo, a mark behind the base
stands for a flag (`DOWN*+DRAIN`, `idle~`, `mixed-`) and some words stand for several (`DRAINING`,
`MAINT`). All of them are understood everywhere. A word that nobody knows yet is no promise: such a
node is not counted as one that may be had.

Source: sinfo(1), "NODE STATE CODES", of 22.05, 24.11 and 26.05; src/common/slurm_protocol_defs.c,
node_states, node_state_flags and node_state_string (20.11 to 26.05).
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from slurmfleet.contracts.remembering import remembers_short_texts
from slurmfleet.slurm.errors import MalformedValueError


class NodeBase(StrEnum):
    """How much of a node is taken."""

    IDLE = "idle"
    MIXED = "mixed"
    ALLOCATED = "allocated"


class Bar(IntEnum):
    """Why nobody gets more of a node for the time being; of several, the highest counts."""

    NONE = 0
    PLANNED = 1
    """The backfill scheduler keeps it for a job of higher priority."""
    RESERVED = 2
    """An active reservation holds it, for maintenance or for somebody."""
    TAKEN = 3
    """A job keeps others off it: an exclusive topology, network counters."""
    POWER = 4
    """Off, or on its way down or up: a job that gets it waits until it has booted."""
    DRAIN = 5
    """Administrators take it out of service."""
    UNKNOWN = 6
    DOWN = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """A node's state, judged."""

    base: NodeBase
    """IDLE where the text names none, as in `DRAINED`."""

    bar: Bar
    words: tuple[str, ...]
    """Base and flags in Slurm's words, marks spelt out."""

    @property
    def is_busy(self) -> bool:
        """Whether jobs are on it."""
        return self.base is not NodeBase.IDLE or "COMPLETING" in self.words


_BASES = {base.name: base for base in NodeBase}
_MARKS = {
    "*": "NOT_RESPONDING",
    "~": "POWERED_DOWN",
    "#": "POWERING_UP",
    "!": "POWER_DOWN",
    "%": "POWERING_DOWN",
    "$": "MAINTENANCE",
    "@": "REBOOT_REQUESTED",
    "^": "REBOOT_ISSUED",
    "-": "PLANNED",
}
_SEVERAL = {
    "DRAINED": ("IDLE", "DRAIN"),
    "DRAINING": ("MIXED", "DRAIN"),
    "FAILING": ("MIXED", "FAIL"),
    "MAINT": ("IDLE", "MAINTENANCE"),
    "REBOOT": ("IDLE", "REBOOT_ISSUED"),
    "INVAL": ("IDLE", "INVALID_REG"),
    "NO_RESPOND": ("IDLE", "NOT_RESPONDING"),
    "POWER": ("POWERED_DOWN",),  # scontrol before 21.08
    "CANCEL_REBOOT": ("REBOOT_CANCEL",),
    "RES": ("RESERVED",),
}
"""One word for several; those that name a base hold only where no base stands beside them."""

_BARS = {
    # Bases.
    "IDLE": Bar.NONE,
    "MIXED": Bar.NONE,
    "ALLOCATED": Bar.NONE,
    "DOWN": Bar.DOWN,
    "ERROR": Bar.DOWN,
    "UNKNOWN": Bar.DOWN,  # the controller has just started and has not heard of it
    "FUTURE": Bar.DOWN,  # not there yet
    "INVALID": Bar.DOWN,
    # Where it is from; they say nothing about now.
    "CLOUD": Bar.NONE,
    "DYNAMIC_FUTURE": Bar.NONE,
    "DYNAMIC_NORM": Bar.NONE,
    "EXTERNAL": Bar.NONE,
    # It lasts seconds, and a node that stays so is drained by Slurm itself ("Kill task failed").
    "COMPLETING": Bar.NONE,
    "NOT_RESPONDING": Bar.DOWN,
    "INVALID_REG": Bar.DOWN,
    "DRAIN": Bar.DRAIN,
    "POWER_DRAIN": Bar.DRAIN,
    "FAIL": Bar.DRAIN,
    # What somebody asked for and the controller has not done yet: a DRAIN beside it still holds.
    "UNDRAIN": Bar.NONE,
    "RESUME": Bar.NONE,
    "REBOOT_CANCEL": Bar.NONE,
    "POWER_UP": Bar.POWER,
    "POWER_DOWN": Bar.POWER,
    "POWERED_DOWN": Bar.POWER,
    "POWERING_DOWN": Bar.POWER,
    "POWERING_UP": Bar.POWER,
    "REBOOT_ISSUED": Bar.POWER,
    # It boots as soon as it is idle and takes jobs until then (`reboot ASAP` drains it as well).
    "REBOOT_REQUESTED": Bar.NONE,
    "MAINTENANCE": Bar.RESERVED,
    "RESERVED": Bar.RESERVED,
    "PLANNED": Bar.PLANNED,
    "BLOCKED": Bar.TAKEN,
    "PERFCTRS": Bar.TAKEN,
}
"""Every base and flag of 20.11 to 26.05 by its consequence."""

_BAR_WHEN_IDLE = {"REBOOT_REQUESTED": Bar.POWER}


@remembers_short_texts(1024)
def parse_node_state(text: str) -> NodeState:
    """Judge a state as scontrol or sinfo writes it, in either case.

    Raises:
        MalformedValueError: There is nothing but marks.
    """
    words = _words(text)
    if not words:
        raise MalformedValueError("not a node's state", text)
    base = next((_BASES[word] for word in words if word in _BASES), None)
    if base is None:
        base = NodeBase.MIXED if "COMPLETING" in words else NodeBase.IDLE
    bars = [_BARS.get(word, Bar.UNKNOWN) for word in words]
    if base is NodeBase.IDLE:
        bars += [_BAR_WHEN_IDLE[word] for word in words if word in _BAR_WHEN_IDLE]
    return NodeState(base=base, bar=max(bars), words=words)


def _words(text: str) -> tuple[str, ...]:
    """Give base and flags, marks and joint words spelt out, each once."""
    found: dict[str, None] = {}
    for part in text.upper().split("+"):
        stem = part.rstrip("".join(_MARKS))
        for word in _SEVERAL.get(stem, (stem,) if stem else ()):
            if not (word in _BASES and _BASES.keys() & found.keys()):
                found[word] = None
        for mark in part[len(stem) :]:
            found[_MARKS[mark]] = None
    if found and text.endswith("+"):  # `ALLOCATED+` of sinfo: some of its jobs are completing
        found["COMPLETING"] = None
    return tuple(found)
