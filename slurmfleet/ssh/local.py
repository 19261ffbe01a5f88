"""No SSH at all: we are on the login node, so commands are programs right here."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from slurmfleet.ssh.child import Child, open_child
from slurmfleet.ssh.duplex import STOP_GRACE_S, Use
from slurmfleet.ssh.errors import SshNoShellError
from slurmfleet.ssh.program import ProgramLink
from slurmfleet.ssh.route import nominal_endpoint
from slurmfleet.ssh.target import SshTarget
from slurmfleet.timing.clock import Clock

_SHELL = "/bin/sh"
"""Not the login shell: its dotfiles have made our environment already, or a login script does."""


class LocalDoor:
    """Starts commands with `/bin/sh`, each in a process group that is killed whole."""

    def __init__(self, target: SshTarget, *, environment: Mapping[str, str] | None) -> None:
        """Describe it; `environment` is all that commands see, None what this process has."""
        self._endpoint = nominal_endpoint(target)
        self._environment = environment

    @property
    def connections_opened(self) -> int:
        """One: this machine."""
        return 1

    def reset(self) -> None:
        """Nothing was learnt."""

    @asynccontextmanager
    async def open(
        self, command: str, use: Use, children: asyncio.TaskGroup
    ) -> AsyncGenerator[Child]:
        """Start a command.

        Raises:
            SshNoShellError: There is no shell, or no process may be started.
        """
        opened = open_child(
            (_SHELL, "-c", command),
            endpoint=self._endpoint,
            environment=self._environment,
            children=children,
            grace_s=STOP_GRACE_S if use is Use.STREAM else 0.0,
        )
        try:
            child = await opened.__aenter__()
        except OSError as exc:
            raise SshNoShellError(self._endpoint, exit_status=None, said=str(exc)) from exc
        try:
            yield child
        finally:
            await opened.__aexit__(None, None, None)


def local_link(
    target: SshTarget, *, clock: Clock, environment: Mapping[str, str] | None = None
) -> ProgramLink:
    """Give a link to the machine that we are on.

    Args:
        target: Its cluster and host are for messages; nothing is connected.
        clock: For durations.
        environment: All that commands see; None: what this process has.
    """
    # A bash that stays open would spare nothing here: there are no dotfiles and no login.
    door = LocalDoor(target, environment=environment)
    return ProgramLink(target, door, clock=clock, keeps_shell=False, is_bounded=False)
