"""Where a target really leads: ssh_config read, trust read, nothing connected yet."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from slurmfleet.ssh.errors import SshConfigError, SshTimeoutError
from slurmfleet.ssh.hostkeys import HostKeyTrust, read_trust
from slurmfleet.ssh.target import DEFAULT_PORT, Endpoint, Hop, SshTarget, parse_hops
from slurmfleet.timing.budget import Budget, BudgetExceededError


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A target after ssh_config has had its say."""

    endpoint: Endpoint
    key_name: str
    """The name under which its host key is filed: `HostKeyAlias`, else the host."""

    hops: tuple[Hop, ...]
    """Servers to go through, the nearest first."""


def nominal_endpoint(target: SshTarget) -> Endpoint:
    """Name a target as it is written, before ssh_config has been read."""
    return Endpoint(
        cluster=target.cluster,
        host=target.host,
        port=target.port or DEFAULT_PORT,
        user=target.user or "",
    )


async def resolve(target: SshTarget) -> Route:
    """Find host, port, user and jumps.

    Raises:
        SshConfigError: ssh_config or the jump cannot be read.
    """
    try:
        options = await asyncio.to_thread(
            asyncssh.SSHClientConnectionOptions,
            config=config_paths(target),
            host=target.host,
            port=target.port or (),
            username=target.user or (),
            client_keys=None,  # keys are loaded when they are needed
            x509_trusted_certs=[],
            x509_trusted_cert_paths=[],
        )
        jump = target.jump or (options.tunnel if isinstance(options.tunnel, str) else "")
        hops = parse_hops(jump) if jump else ()
    except (OSError, ValueError) as exc:
        raise SshConfigError(nominal_endpoint(target), str(exc)) from exc
    endpoint = Endpoint(
        cluster=target.cluster,
        host=options.host,
        port=options.port,
        user=options.username,
    )
    return Route(endpoint=endpoint, key_name=options.host_key_alias or options.host, hops=hops)


async def trust_of(target: SshTarget) -> HostKeyTrust:
    """Read which host keys are trusted on the way to a target.

    Raises:
        SshConfigError: A pinned line or a known_hosts file cannot be read.
    """
    try:
        return await asyncio.to_thread(
            read_trust, target.pinned_host_keys, target.known_hosts_files
        )
    except (OSError, ValueError) as exc:
        raise SshConfigError(nominal_endpoint(target), str(exc)) from exc


def config_paths(target: SshTarget) -> list[Path] | None:
    """List the ssh_config files that exist; None keeps asyncssh from reading its default."""
    paths = [path.expanduser() for path in target.config_files]
    return [path for path in paths if path.exists()] or None


@asynccontextmanager
async def limited(target: SshTarget, operation: str, limit_s: float) -> AsyncGenerator[None, None]:
    """Run the body within a limit.

    Raises:
        SshTimeoutError: The limit passed.
    """
    try:
        async with Budget(operation=operation, limit_s=limit_s).enforce():
            yield
    except BudgetExceededError as exc:
        raise SshTimeoutError(
            nominal_endpoint(target), operation=operation, limit_s=limit_s
        ) from exc
