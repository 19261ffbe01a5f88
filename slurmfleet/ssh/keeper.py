"""The one connection of a link: made when needed, shared, remembered when it was denied."""

import asyncio
import random
from typing import Final

from slurmfleet.ssh.connect import Login, open_login
from slurmfleet.ssh.errors import (
    SshAuthDeniedError,
    SshBusyError,
    SshConnectionLostError,
    SshError,
)
from slurmfleet.ssh.route import nominal_endpoint
from slurmfleet.ssh.target import Endpoint, SshTarget
from slurmfleet.timing.clock import Clock

_LONGEST_PEACE_S: Final = 60.0
"""A server that drops logins is left in peace for 1 s, then twice as long each time, up to this."""


class LoginKeeper:
    """Gives the connection of one link; all who wait for it share one attempt."""

    def __init__(self, target: SshTarget, *, clock: Clock) -> None:
        """Describe it; nothing is connected before `ready`."""
        self._target = target
        self._clock = clock
        self._children: asyncio.TaskGroup | None = None
        self._login: Login | None = None
        self._attempt: asyncio.Future[Login] | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._denial: SshAuthDeniedError | None = None
        self._drop: SshBusyError | None = None
        self._drops = 0
        self._peace_until_s = 0.0
        self._is_closing = False
        self.connections_opened = 0
        """Successful logins so far."""

    @property
    def is_connected(self) -> bool:
        """Whether the next command needs no new connection."""
        return self._login is not None and not self._login.connection.is_closed()

    @property
    def is_denied(self) -> bool:
        """Whether a denied login is remembered."""
        return self._denial is not None

    @property
    def endpoint(self) -> Endpoint:
        """Where it leads, as precisely as is known."""
        return self._login.endpoint if self._login is not None else nominal_endpoint(self._target)

    def open(self, children: asyncio.TaskGroup) -> None:
        """Be ready; attempts run in this group, so that no caller's end stops one."""
        self._children = children

    def reset(self) -> None:
        """Forget a denied login and a server that wanted peace."""
        self._denial = self._drop = None
        self._drops = 0

    async def close(self) -> None:
        """Hang up, and connect no more."""
        self._is_closing = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._login is not None:
            await self._login.close()

    async def ready(self) -> Login:
        """Give the connection, made anew if need be.

        Raises:
            SshError: It cannot be made, was denied before, or the server is left in peace.
        """
        if self._denial is not None:
            raise SshAuthDeniedError(
                self._denial.endpoint, self._denial.detail, latched=True
            ) from self._denial
        if self._login is not None and self.is_connected:
            return self._login
        if self._is_closing or self._children is None:
            raise SshConnectionLostError(self.endpoint, "the link is not open")
        if self._attempt is None:
            self._leave_in_peace()
            self._attempt = asyncio.get_running_loop().create_future()
            self._connecting = self._children.create_task(
                self._connect(self._attempt), name=f"ssh connection to {self._target.cluster}"
            )
        return await asyncio.shield(self._attempt)

    def _leave_in_peace(self) -> None:
        left_s = self._peace_until_s - self._clock.monotonic_s()
        if self._drop is not None and left_s > 0:
            raise SshBusyError(
                self._drop.endpoint, self._drop.detail, wait_s=max(left_s, 1.0)
            ) from self._drop

    async def _connect(self, attempt: asyncio.Future[Login]) -> None:
        failure: SshError = SshConnectionLostError(self.endpoint, "the link was closed")
        try:
            self._login = await open_login(self._target)
            self.connections_opened += 1
            self.reset()
            attempt.set_result(self._login)
        except SshError as exc:
            failure = exc
            self._note(exc)
        finally:
            self._attempt = None
            if not attempt.done():
                attempt.set_exception(failure)
                attempt.exception()  # all who waited may have given up: that is no bug

    def _note(self, failure: SshError) -> None:
        match failure:
            case SshAuthDeniedError():
                self._denial = failure
            case SshBusyError():
                peace_s = min(2.0**self._drops, _LONGEST_PEACE_S)
                self._drop, self._drops = failure, self._drops + 1
                self._peace_until_s = self._clock.monotonic_s() + peace_s * random.uniform(1, 1.5)  # noqa: S311 nothing secret about it
            case _:
                self._drop = None
