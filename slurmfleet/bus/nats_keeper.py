"""Keeps a connection to the bus: dials, waits for the break, dials again, for ever."""

import asyncio
import random
from dataclasses import dataclass, field

import structlog

from slurmfleet.bus.errors import BusClosedError, BusError, BusTimeoutError, BusUnavailableError
from slurmfleet.bus.limits import within
from slurmfleet.bus.nats_dial import NatsLogin, dial
from slurmfleet.bus.nats_link import Link
from slurmfleet.timing.clock import Clock

log = structlog.get_logger(__name__)

_FIRST_DELAY_S = 0.1
_JITTER = random.SystemRandom()


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsOptions:
    """Where the bus is and how patiently it is reached."""

    servers: tuple[str, ...]
    """`nats://127.0.0.1:4222`; several of one cluster."""

    name: str
    """Who we are, for the server's monitoring: "collector"."""

    login: NatsLogin = field(default_factory=NatsLogin)
    fail_fast: bool = False
    """Raise if the first attempt to connect fails, instead of trying in the background."""

    connect_timeout_s: float = 2.0
    max_delay_s: float = 5.0
    """Longest pause between two attempts."""

    close_limit_s: float = 2.0


class Keeper:
    """The connection of the moment, or the reason why there is none."""

    def __init__(self, options: NatsOptions, clock: Clock) -> None:
        """Take where to connect to; `run` or `connect_once` does it."""
        self._options = options
        self._clock = clock
        self._current: Link | None = None
        self._connected = asyncio.Event()
        self._failure: BusError | None = None
        self._closed = False

    @property
    def current(self) -> Link | None:
        """Give the connection, None if there is none that works."""
        link = self._current
        return link if link is not None and not link.closed.is_set() else None

    async def link(self, operation: str, limit_s: float) -> Link:
        """Give the connection, waiting for one up to `limit_s`.

        Raises:
            BusClosedError: The bus was closed.
            BusAuthError: The server does not know our login.
            BusUnavailableError: No server was reached in time.
        """
        if self._closed:
            raise BusClosedError(operation, "the bus was closed")
        if link := self.current:
            return link
        try:
            async with within(operation, limit_s):
                return await self.live_link()
        except BusTimeoutError as exc:
            if self._failure is not None:
                raise type(self._failure)(operation, str(self._failure)) from exc
            raise BusUnavailableError(operation, f"no connection within {limit_s:g} s") from exc

    async def live_link(self) -> Link:
        """Give the connection, waiting for one as long as it takes."""
        while (link := self.current) is None:
            self._connected.clear()
            await self._connected.wait()
        return link

    async def connect_once(self) -> None:
        """Connect, or raise why not."""
        options = self._options
        self._current = await dial(
            servers=options.servers,
            name=options.name,
            login=options.login,
            connect_timeout_s=options.connect_timeout_s,
        )
        self._failure = None
        self._connected.set()

    async def run(self) -> None:
        """Keep a connection until cancelled."""
        delay_s, failed = _FIRST_DELAY_S, 0
        while True:
            try:
                if self.current is None:
                    await self.connect_once()
            except BusError as exc:
                if type(exc) is not type(self._failure):
                    log.warning("bus cannot be reached", error=str(exc))
                self._failure = exc
                failed += 1
                await self._clock.sleep(delay_s * _JITTER.uniform(0.5, 1))
                delay_s = min(delay_s * 2, self._options.max_delay_s)
                continue
            log.info("bus connected", name=self._options.name, failed_attempts=failed)
            delay_s, failed = _FIRST_DELAY_S, 0
            await (await self.live_link()).until_closed()
            log.warning("bus connection lost", name=self._options.name)
            await self._forget()

    async def close(self) -> None:
        """Close the connection; whatever is asked afterwards raises BusClosedError."""
        self._closed = True
        if link := self.current:
            await link.close(self._options.close_limit_s)
        await self._forget()

    async def _forget(self) -> None:
        """Make sure that a broken connection holds no socket."""
        broken, self._current = self._current, None
        if broken is not None:
            await broken.close(self._options.close_limit_s)
