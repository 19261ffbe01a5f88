"""Reading a server's host keys without logging in, for a person to compare and trust.

This is the one place where a key is not verified: it is only looked at, nothing else is sent.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncssh

from slurmfleet.ssh.connect import open_hops
from slurmfleet.ssh.errors import (
    SshConnectionLostError,
    SshError,
    SshProtocolError,
    SshTimeoutError,
)
from slurmfleet.ssh.hostkeys import ShownHostKey, shown_host_key
from slurmfleet.ssh.route import Route, config_paths, nominal_endpoint, resolve, trust_of
from slurmfleet.ssh.target import SshTarget
from slurmfleet.ssh.translate import DRIVER_ERRORS, connect_error
from slurmfleet.timing.budget import Budget, BudgetExceededError

_ALGORITHMS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-256")
"""One question each: a server shows one key per key exchange. What OpenSSH makes by default."""


async def scan_host_key(target: SshTarget, budget: Budget) -> list[ShownHostKey]:
    """List the host keys that a login node shows, in the order Ed25519, ECDSA, RSA.

    Jump hosts on the way are verified and logged in to as ever: trust them first.

    Raises:
        SshError: It cannot be reached, shows no key of these kinds, or a jump host fails.
    """
    try:
        async with budget.enforce():
            route = await resolve(target)
            async with _tunnel(target, route) as tunnel:
                asked = [await _try(target, route, tunnel, name) for name in _ALGORITHMS]
    except BudgetExceededError as exc:
        raise SshTimeoutError(
            nominal_endpoint(target), operation=exc.operation, limit_s=exc.limit_s
        ) from exc
    shown = [one for one in asked if isinstance(one, ShownHostKey)]
    failures = [one for one in asked if isinstance(one, SshError)]
    if not shown and failures:
        raise failures[0]
    if not shown:
        raise SshProtocolError(route.endpoint, "it has no Ed25519, ECDSA or RSA host key")
    return shown


async def _try(
    target: SshTarget, route: Route, tunnel: asyncssh.SSHClientConnection | None, algorithm: str
) -> ShownHostKey | SshError | None:
    """Ask for one kind of key; a broken connection costs only this kind.

    OpenSSH hangs up on a client that wants a kind it does not have, and now and then its reset
    arrives before the message that says why.
    """
    try:
        return await _ask(target, route, tunnel, algorithm)
    except SshConnectionLostError as exc:
        return exc


async def _ask(
    target: SshTarget, route: Route, tunnel: asyncssh.SSHClientConnection | None, algorithm: str
) -> ShownHostKey | None:
    try:
        key = await asyncssh.get_server_host_key(
            target.host,
            route.endpoint.port,
            tunnel=tunnel,
            config=config_paths(target),
            server_host_key_algs=[algorithm],
        )
    except asyncssh.KeyExchangeFailed:
        return None
    except DRIVER_ERRORS as exc:
        raise connect_error(exc, route.endpoint) from exc
    return key and shown_host_key(route.key_name, route.endpoint.port, key)


@asynccontextmanager
async def _tunnel(
    target: SshTarget, route: Route
) -> AsyncGenerator[asyncssh.SSHClientConnection | None, None]:
    async with open_hops(target, route, await trust_of(target)) as hops:
        try:
            yield hops[-1] if hops else None
        finally:
            for one in reversed(hops):
                one.close()
