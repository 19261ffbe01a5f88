"""The steps of a connection test, as each transport takes them; pure.

Our own SSH reaches a server, checks its host key and logs in. A master was logged in by its owner,
whose ssh has checked the host key. On the login node itself there is nothing to reach.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from slurmfleet.contracts.commands import Step
from slurmfleet.contracts.registry import Transport
from slurmfleet.ssh.errors import HostKeyError, SshAuthDeniedError, SshError, SshNoShellError

_STEPS: Mapping[Transport, Sequence[str]] = MappingProxyType(
    {
        Transport.ASYNCSSH: ("reach", "host key", "login"),
        Transport.MASTER: ("master",),
        Transport.LOCAL: ("local",),
    }
)
_SHELL = "shell"
"""Told only where it fails: Slurm cannot answer without one."""

_FAILS_AT: Sequence[tuple[type[SshError], str]] = (
    (HostKeyError, "host key"),
    (SshAuthDeniedError, "login"),
    (SshNoShellError, _SHELL),
)


def steps_taken(transport: Transport, *, host: str, user: str = "") -> tuple[Step, ...]:
    """Give the steps of a test that reached the login node; an empty user was not told."""
    login = f"as {user}" if user else ""
    details = {
        "reach": host,
        "host key": "verified",
        "login": login,
        "master": f"open to {host} {login}".strip(),
        "local": f"commands run on this machine {login}".strip(),
    }
    return tuple(Step(name=name, ok=True, detail=details[name]) for name in _STEPS[transport])


def steps_up_to(transport: Transport, error: SshError) -> tuple[Step, ...]:
    """Give the steps up to the one that failed."""
    names = (*_STEPS[transport], _SHELL)
    named = next((name for kind, name in _FAILS_AT if isinstance(error, kind)), names[0])
    at = names.index(named) if named in names else 0
    well = tuple(Step(name=name, ok=True, detail="") for name in names[:at])
    return (*well, Step(name=names[at], ok=False, detail=error.problem, remedy=error.remedy))
