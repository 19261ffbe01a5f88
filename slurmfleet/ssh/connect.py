"""Opening one verified, logged-in connection, through jump hosts where needed.

Every server on the way is verified by the same trust. What ssh_config says is taken for names,
users, keys and jumps; whatever could weaken the check of host keys, ask a person for a secret or
lend our agent to the far side is set here and cannot be changed from there.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import asyncssh

from slurmfleet.ssh.errors import (
    HostKeyChangedError,
    HostKeyUnknownError,
    SshBusyError,
    SshConnectionLostError,
    SshError,
)
from slurmfleet.ssh.hostkeys import HostKeyTrust, HostKeyVerdict, shown_host_key
from slurmfleet.ssh.keys import offered_keys
from slurmfleet.ssh.route import Route, config_paths, limited, resolve, trust_of
from slurmfleet.ssh.target import Endpoint, SshTarget
from slurmfleet.ssh.translate import DRIVER_ERRORS, connect_error

_CLOSE_LIMIT_S = 2.0

_FIXED: dict[str, object] = {
    "gss_kex": False,  # it would take Kerberos' word in place of the host key
    "x509_trusted_certs": [],  # else ~/.ssh/ca-bundle.crt could vouch for a host
    "x509_trusted_cert_paths": [],
    "host_based_auth": False,
    "password_auth": False,
    "kbdint_auth": False,
    "preferred_auth": ["gssapi-with-mic", "publickey"],
    "pkcs11_provider": None,
    "agent_forwarding": False,
    "x11_forwarding": False,
    "request_pty": False,
    "command": None,
    "compression_algs": None,  # zlib lowers a pull from 200 MB/s to 25 (measured on loopback)
    "connect_timeout": None,  # the budget covers this and the next
    "login_timeout": 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """An open connection and the jump hosts that carry it."""

    endpoint: Endpoint
    connection: asyncssh.SSHClientConnection
    hops: tuple[asyncssh.SSHClientConnection, ...]
    """The nearest first."""

    async def close(self) -> None:
        """Say goodbye within two seconds, then hang up."""
        chain = (self.connection, *reversed(self.hops))
        try:
            async with asyncio.timeout(_CLOSE_LIMIT_S):
                for one in chain:
                    one.close()
                    await one.wait_closed()
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Hang up at once."""
        for one in (self.connection, *reversed(self.hops)):
            one.abort()


class _Witness(asyncssh.SSHClient):
    """Remembers the host key that asyncssh did not find among the trusted ones."""

    def __init__(self) -> None:
        self.shown: asyncssh.SSHKey | None = None
        self.address = ""
        self._connection: asyncssh.SSHClientConnection | None = None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._connection = conn

    @property
    def met_a_closed_door(self) -> bool:
        """Whether the server took the connection and never said which SSH it speaks."""
        conn = self._connection
        return conn is not None and not conn.get_extra_info("server_version")

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        del host, port  # asyncssh fixes the signature; the caller knows them
        self.shown, self.address = key, addr
        return False


async def open_login(target: SshTarget) -> Login:
    """Connect, verify and log in; one attempt, no question to anybody.

    Raises:
        SshError: Of any kind but those about running commands.
    """
    async with limited(target, "connect", target.connect_timeout_s):
        route = await resolve(target)
        trust = await trust_of(target)
        async with open_hops(target, route, trust) as hops:
            connection = await _open_one(target, route, trust, hops[-1] if hops else None)
            return Login(endpoint=route.endpoint, connection=connection, hops=hops)


@asynccontextmanager
async def open_hops(
    target: SshTarget, route: Route, trust: HostKeyTrust
) -> AsyncGenerator[tuple[asyncssh.SSHClientConnection, ...], None]:
    """Log in to every jump host in turn; hang up on all of them if the body fails.

    The same keys are offered to each. A jump host's own `ProxyJump` is not followed.
    """
    opened: list[asyncssh.SSHClientConnection] = []
    try:
        for hop in route.hops:
            target_of_hop = replace(target, host=hop.host, port=hop.port, user=hop.user, jump=None)
            route_of_hop = await resolve(target_of_hop)
            opened.append(
                await _open_one(target_of_hop, route_of_hop, trust, opened[-1] if opened else None)
            )
        yield tuple(opened)
    except BaseException:
        for one in reversed(opened):
            one.abort()
        raise


async def _open_one(
    target: SshTarget,
    route: Route,
    trust: HostKeyTrust,
    tunnel: asyncssh.SSHClientConnection | None,
) -> asyncssh.SSHClientConnection:
    endpoint = route.endpoint
    witness = _Witness()
    async with AsyncExitStack() as resources:
        try:
            connection = await asyncssh.connect(
                target.host,
                endpoint.port,
                username=endpoint.user,
                tunnel=tunnel,  # None, not left out: else ssh_config's ProxyJump comes back
                config=config_paths(target),
                client_factory=lambda: witness,
                known_hosts=trust.trusted,
                server_host_key_algs=trust.algorithms(route.key_name, endpoint.port),
                keepalive_interval=target.keepalive_s,
                keepalive_count_max=target.keepalive_count,
                **await _login_options(target, endpoint, resources),
                **_FIXED,
            )
        except asyncssh.HostKeyNotVerifiable as exc:
            raise _host_key_error(exc, route, trust, witness) from exc
        except DRIVER_ERRORS as exc:
            error = connect_error(exc, endpoint)
            if isinstance(error, SshConnectionLostError) and witness.met_a_closed_door:
                error = SshBusyError(endpoint, error.detail)
            raise error from exc
    connection.set_tunnel(tunnel)  # so that a lost connection hangs up on its jump host
    return connection


async def _login_options(
    target: SshTarget, endpoint: Endpoint, resources: AsyncExitStack
) -> dict[str, object]:
    if target.key_files:
        keys = await offered_keys(target, endpoint, resources)
        # The agent has already lent the keys it was asked for; its others stay out of it, since
        # every key offered in vain counts as a failed login.
        return {"client_keys": keys, "agent_path": None, "agent_identities": None}
    if not target.use_agent:
        return {"agent_path": None}
    return {"agent_path": str(target.agent_socket)} if target.agent_socket else {}


def _host_key_error(
    exc: asyncssh.HostKeyNotVerifiable, route: Route, trust: HostKeyTrust, witness: _Witness
) -> SshError:
    endpoint = route.endpoint
    if witness.shown is None:  # revoked, or a certificate that does not hold
        return connect_error(exc, endpoint)
    judgement = trust.judge(route.key_name, witness.address, endpoint.port, witness.shown)
    shown = shown_host_key(route.key_name, endpoint.port, witness.shown)
    if judgement.verdict is HostKeyVerdict.CHANGED:
        return HostKeyChangedError(
            endpoint,
            expected=judgement.expected,
            fingerprint=shown.fingerprint,
            key_line=shown.line,
        )
    return HostKeyUnknownError(endpoint, fingerprint=shown.fingerprint, key_line=shown.line)
