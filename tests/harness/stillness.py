"""A stack that tells nothing for a while, so that what is in its store can be compared."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from slurmfleet.bus.nats import open_nats_bus
from slurmfleet.contracts.streams import PROJECTOR
from slurmfleet.timing.clock import SystemClock
from tests.harness.stack import Stack

_LIMIT_S = 60


@contextmanager
def standing_still(stack: Stack) -> Iterator[None]:
    """Stop the collector while the body runs; all that it told before is in the store by then."""
    pid = stack.pid("collector")
    os.kill(pid, signal.SIGSTOP)
    try:
        asyncio.run(_until_projected(stack))
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def _until_projected(stack: Stack) -> None:
    """Wait until the projector has acknowledged every fact that there is."""
    clock = SystemClock()
    async with (
        asyncio.timeout(_LIMIT_S),
        open_nats_bus(stack.bus_options("stillness"), clock) as bus,
    ):
        projector = await bus.consumer(PROJECTOR)
        while await projector.pending():
            await clock.sleep(0.1)
