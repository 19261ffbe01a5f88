"""A connection beside the watch's, open while somebody uses it and a little longer."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from slurmfleet.ssh.port import Link
from slurmfleet.timing.clock import Clock

KEPT_S = 60.0
"""Who runs one script often runs another; a login for each would be unkind to the login node."""


class SpareLink:
    """One link, entered on first use and left when nobody has used it for a while."""

    def __init__(self, make: Callable[[], Link], *, clock: Clock, kept_s: float = KEPT_S) -> None:
        """Describe it; `run` keeps it, and `use` waits for that.

        Args:
            make: Gives a link that has not been entered.
            clock: For the time that it is kept.
            kept_s: How long it stays after its last use.
        """
        self._make = make
        self._clock = clock
        self._kept_s = kept_s
        self._users = 0
        self._uses = 0
        self._wanted = asyncio.Event()
        self._open: asyncio.Future[Link] | None = None

    async def run(self) -> None:
        """Open and close it for ever. One task enters and leaves: a link has tasks of its own."""
        while True:
            await self._wanted.wait()
            async with self._make() as link:
                try:
                    self._opened().set_result(link)
                    await self._until_unused()
                finally:
                    # Before it is left: who comes from now on waits for the next one.
                    self._open = None
                    self._wanted.clear()

    @asynccontextmanager
    async def use(self) -> AsyncGenerator[Link]:
        """Give the link while the body runs; commands on it have limits of their own."""
        self._users += 1
        self._uses += 1
        self._wanted.set()
        try:
            yield await asyncio.shield(self._opened())
        finally:
            self._users -= 1

    def _opened(self) -> asyncio.Future[Link]:
        if self._open is None:
            self._open = asyncio.get_running_loop().create_future()
        return self._open

    async def _until_unused(self) -> None:
        seen = -1
        while self._users or seen != self._uses:
            seen = self._uses
            await self._clock.sleep(self._kept_s)
