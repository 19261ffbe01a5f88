"""What can keep a process from starting.

ProcessError
├── PortTakenError     another program listens where this one should
├── UnsafeBindingError reachable from elsewhere without a token (slurmfleet.access raises it)
└── UnsafeIssuerError  an issuer whose tokens prove nothing (slurmfleet.access raises it)
"""

from collections.abc import Iterator
from typing import cast


class ProcessError(Exception):
    """A process cannot start; the message names the mend."""


class PortTakenError(ProcessError):
    """Another program listens on the port."""

    def __init__(self, host: str, port: int, *, setting: str) -> None:
        """Name the address and the setting that moves it."""
        super().__init__(
            f"Port {port} on {host} is taken by another program. "
            f"Stop it, or choose another port: {setting}={port + 10}"
        )
        self.host = host
        self.port = port


def leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """Give the exceptions inside nested groups, in order."""
    for inner in group.exceptions:
        if isinstance(inner, BaseExceptionGroup):
            yield from leaves(cast("BaseExceptionGroup[BaseException]", inner))
        else:
            yield inner
