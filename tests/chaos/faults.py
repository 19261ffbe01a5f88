"""What can be done to a stack: each fault begins, lasts, and is ended; some end by themselves."""

import os
import random
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import blocks, clocks, disks
from tests.harness.stack import Stack

PARTS = ("bus", "store", "projector", "collector", "api", "mcp")
LONGEST_STOP_S = 20.0
_MINUTE_S = 60


@dataclass(kw_only=True)
class Target:
    """The stack that is hurt, and what was prepared for hurting it."""

    stack: Stack
    disks: Mapping[str, disks.Disk]
    clock: clocks.StepClock
    outage_s: float
    """How long an outage of the bus lasts."""

    damaged: list[str] = field(default_factory=list[str])
    """What was destroyed for good, in words; must be reported by the stack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault, ready to happen."""

    kind: str
    what: str
    """With its victim and its length, for the report."""

    lasts_s: float
    begin: Callable[[Target], Callable[[], None]]
    """Does it; gives what ends it."""

    advances: int = 1
    """How often the cluster's time moves meanwhile."""

    excludes: frozenset[str] = frozenset()
    """Kinds that cannot happen at the same time."""


Make = Callable[[random.Random, Target], Fault]


def kill(draw: random.Random, _: Target) -> Fault:
    victim = draw.choice(PARTS)

    def begin(target: Target) -> Callable[[], None]:
        with suppress(ProcessLookupError, StopIteration):
            target.stack.kill(victim)
        return _nothing

    return Fault(kind="kill", what=f"kill -9 {victim}", lasts_s=0, begin=begin)


def kill_backend(draw: random.Random, _: Target) -> Fault:
    """Kill one of PostgreSQL's children: it throws all sessions out and recovers."""
    place = draw.random()

    def begin(target: Target) -> Callable[[], None]:
        with suppress(OSError, StopIteration):
            if children := _children(target.stack.pid("store")):
                os.kill(children[int(place * len(children))], signal.SIGKILL)
        return _nothing

    return Fault(kind="kill backend", what="kill -9 a PostgreSQL backend", lasts_s=0, begin=begin)


def stop(draw: random.Random, _: Target) -> Fault:
    """Freeze a part; PostgreSQL with all its backends."""
    victim, lasts_s = draw.choice(PARTS), draw.uniform(1, LONGEST_STOP_S)

    def begin(target: Target) -> Callable[[], None]:
        frozen: list[int] = []
        with suppress(OSError, StopIteration):
            top = target.stack.pid(victim)
            for pid in (top, *_children(top)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
                    frozen.append(pid)

        def end() -> None:
            for pid in frozen:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

        return end

    return Fault(
        kind="stop", what=f"SIGSTOP {victim} {lasts_s:.0f} s", lasts_s=lasts_s, begin=begin
    )


def restart_store(draw: random.Random, _: Target) -> Fault:
    name, how = draw.choice((("fast", signal.SIGINT), ("immediate", signal.SIGQUIT)))

    def begin(target: Target) -> Callable[[], None]:
        with suppress(ProcessLookupError, StopIteration):
            os.kill(target.stack.pid("store"), how)
        return _nothing

    return Fault(
        kind="restart store", what=f"{name} shutdown of PostgreSQL", lasts_s=0, begin=begin
    )


def full_disk(draw: random.Random, _: Target) -> Fault:
    victims = draw.choice((("store",), ("bus",), ("collector",), ("store", "bus", "collector")))
    lasts_s = draw.uniform(3, 10)

    def begin(target: Target) -> Callable[[], None]:
        full = [target.disks[one] for one in victims]
        for disk in full:
            disk.fill()

        def end() -> None:
            for disk in full:
                disk.free()

        return end

    what = f"full disk of {' and '.join(victims)} {lasts_s:.0f} s"
    return Fault(kind="full disk", what=what, lasts_s=lasts_s, begin=begin)


def bus_outage(_: random.Random, target: Target) -> Fault:
    """Kill nats-server and hold its port, so that it cannot come back."""

    def begin(target: Target) -> Callable[[], None]:
        port = int(target.stack.record()["ports"]["bus"])
        with suppress(ProcessLookupError, StopIteration):
            target.stack.kill("bus")
        return _hold(port)

    what = f"no bus for {target.outage_s:.0f} s"
    return Fault(
        kind="bus outage",
        what=what,
        lasts_s=target.outage_s,
        begin=begin,
        advances=3,
        excludes=frozenset({"flip"}),
    )


def clock_step(draw: random.Random, _: Target) -> Fault:
    offset_s = draw.choice((-1, 1)) * draw.randint(2, 300) * _MINUTE_S
    lasts_s = draw.uniform(3, 8)

    def begin(target: Target) -> Callable[[], None]:
        target.clock.set(offset_s)
        return lambda: target.clock.set(0)

    what = f"clock {offset_s // _MINUTE_S:+d} min and back after {lasts_s:.0f} s"
    return Fault(kind="clock step", what=what, lasts_s=lasts_s, begin=begin)


def flip(draw: random.Random, _: Target) -> Fault:
    """Flip a byte of the stream; with the server crashed, stopped, or running."""
    how = draw.choice(("crashed", "stopped", "running"))
    place = draw.random()

    def begin(target: Target) -> Callable[[], None]:
        told = blocks.flip(target.stack, how=how, place=place)
        if told:
            target.damaged.append(told)
        return _nothing

    return Fault(
        kind="flip",
        what=f"flipped byte in a stream block, bus {how}",
        lasts_s=0,
        begin=begin,
        excludes=frozenset({"bus outage", "full disk"}),
    )


KINDS: Mapping[str, Make] = {
    "kill": kill,
    "kill backend": kill_backend,
    "stop": stop,
    "restart store": restart_store,
    "full disk": full_disk,
    "bus outage": bus_outage,
    "clock step": clock_step,
    "flip": flip,
}
WEIGHTS = {"kill": 5, "stop": 5, "kill backend": 2, "restart store": 2, "full disk": 2}
"""How often a kind is drawn, against one of the others."""

_SECOND_FAULT = 0.3


def not_here() -> dict[str, str]:
    """Give the kinds that this machine does not allow, and why."""
    reasons = {"full disk": disks.why_no_disks(), "clock step": clocks.why_no_clocks()}
    return {kind: why for kind, why in reasons.items() if why}


def drawn(draw: random.Random, target: Target, kinds: list[str], *, first: str = "") -> list[Fault]:
    """Draw one fault or two that overlap; `first` is the kind of the first."""
    weights = [WEIGHTS.get(kind, 1) for kind in kinds]
    one = KINDS[first or draw.choices(kinds, weights)[0]](draw, target)
    faults = [one]
    if draw.random() < _SECOND_FAULT:
        other = KINDS[draw.choices(kinds, weights)[0]](draw, target)
        if (
            other.kind != one.kind
            and other.kind not in one.excludes
            and one.kind not in other.excludes
        ):
            faults.append(other)
    return faults


def _hold(port: int) -> Callable[[], None]:
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    deadline_s = time.monotonic() + 3
    while True:
        try:
            holder.bind(("127.0.0.1", port))
            # Only a socket that listens keeps another one from the port.
            holder.listen(1)
            break
        except OSError:
            if time.monotonic() > deadline_s:
                holder.close()
                raise
            time.sleep(0.01)
    return holder.close


def _nothing() -> None:
    """End what has ended by itself."""


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(one) for task in tasks for one in task.read_text().split()]
