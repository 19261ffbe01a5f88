"""Stops a stack from another terminal, and whatever a killed supervisor left behind."""

import signal
from collections.abc import Callable
from dataclasses import dataclass

from slurmfleet.cli.errors import FailedError
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.lock import is_held
from slurmfleet.cli.stack.procs import ProcessId, end_all, is_alive, send
from slurmfleet.cli.stack.record import RunningStack, read_running
from slurmfleet.timing.clock import Clock

STOP_LIMIT_S = 60.0
_GRACE_S = 5.0
_POLL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """What was found and ended."""

    ran: bool
    """Whether a supervisor was there; leftovers alone do not count."""

    ended: int
    """Processes that were running before and are not any more."""


async def stop_stack(layout: Layout, *, clock: Clock, say: Callable[[str], None]) -> Stopped:
    """Stop the stack below a data directory; force it after `STOP_LIMIT_S`.

    Raises:
        FailedError: A supervisor runs, and nobody has written down which.
    """
    running = read_running(layout)
    if not layout.run_dir.exists() or not is_held(layout):
        return await _end_leftovers(running, layout, clock)
    if running is None or not is_alive(running.supervisor):
        raise FailedError(
            "slurmfleet is just starting or just ending.", remedy="Try again in a moment."
        )
    before = [running.supervisor, *_alive(running.children)]
    send(running.supervisor, signal.SIGTERM)
    await _wait_ended(running, clock, say)
    if is_alive(running.supervisor):
        say("it does not end by itself; ending it by force")
        await end_all([running.supervisor, *running.children], clock=clock, grace_s=_GRACE_S)
    return Stopped(ran=True, ended=len(before) - len(_alive(before)))


async def _wait_ended(running: RunningStack, clock: Clock, say: Callable[[str], None]) -> None:
    """Wait for the end, and tell which parts are gone."""
    deadline_s = clock.monotonic_s() + STOP_LIMIT_S
    left = list(running.children)
    while is_alive(running.supervisor) and clock.monotonic_s() < deadline_s:
        for child in [one for one in left if not is_alive(one)]:
            left.remove(child)
            say(f"{child.name} stopped")
        await clock.sleep(_POLL_S)


async def _end_leftovers(running: RunningStack | None, layout: Layout, clock: Clock) -> Stopped:
    left = _alive(running.children) if running is not None else []
    await end_all(left, clock=clock, grace_s=_GRACE_S)
    if running is not None:
        layout.record_file.unlink(missing_ok=True)
    return Stopped(ran=False, ended=len(left))


def _alive(processes: tuple[ProcessId, ...] | list[ProcessId]) -> list[ProcessId]:
    return [process for process in processes if is_alive(process)]
