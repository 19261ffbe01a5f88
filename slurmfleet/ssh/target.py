"""Whom to connect to and how: values only."""

from dataclasses import dataclass
from pathlib import Path

from slurmfleet.contracts.ids import ClusterName

DEFAULT_PORT = 22
_LARGEST_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One SSH server as an error message names it."""

    cluster: ClusterName
    host: str
    port: int = DEFAULT_PORT
    user: str = ""
    """Login name; empty while it is not known yet."""

    def __str__(self) -> str:
        login = f"{self.user}@" if self.user else ""
        return f"{login}{host_with_port(self.host, self.port)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One server to go through on the way."""

    host: str
    port: int | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SshTarget:
    """A login node, the keys to show it and the host keys to expect from it."""

    cluster: ClusterName
    host: str
    """Name, address, or an alias of `config_files`."""

    port: int | None = None
    """None: what `config_files` say, else 22."""

    user: str | None = None
    """None: what `config_files` say, else the local user."""

    key_files: tuple[Path, ...] = ()
    """Private keys, the only ones offered; none: the agent's and the usual ones of `~/.ssh`."""

    jump: str | None = None
    """`[user@]host[:port]`, several with commas; None: `ProxyJump` of `config_files`, if any."""

    use_agent: bool = True
    agent_socket: Path | None = None
    """None: the agent of this session (`SSH_AUTH_SOCK`)."""

    connect_timeout_s: float = 15.0
    """For one connection, from the name look-up to the end of authentication, jumps included; and
    for a server to open a channel, after which the connection counts as lost."""

    keepalive_s: float = 15.0
    """A silent peer is asked for a sign of life this often."""

    keepalive_count: int = 3
    """After so many questions without an answer the connection counts as lost."""

    pinned_host_keys: tuple[str, ...] = ()
    """Lines as in a known_hosts file, from the registry."""

    known_hosts_files: tuple[Path, ...] = ()
    """Read only for hosts of which nothing is pinned; a missing file is empty."""

    control_path: str | None = None
    """Socket of an OpenSSH master, with ssh's own `%` tokens; None: what `config_files` say."""

    config_files: tuple[Path, ...] = ()
    """OpenSSH client configuration; it can never turn host-key verification off."""


def host_with_port(host: str, port: int) -> str:
    """Write a host as known_hosts does: bare on port 22, else `[host]:port`."""
    return host if port == DEFAULT_PORT else f"[{host}]:{port}"


def parse_hops(text: str) -> tuple[Hop, ...]:
    """Read `[user@]host[:port]`, several separated by commas, in the order of travel.

    Raises:
        ValueError: A part has no host, or its port is not a number from 1 to 65535.

    Source: ssh_config(5), ProxyJump.
    """
    return tuple(_parse_hop(part.strip()) for part in text.split(","))


def _parse_hop(text: str) -> Hop:
    login, _, place = text.rpartition("@")
    if place.startswith("["):
        host, _, rest = place[1:].partition("]")
        port_text = rest.removeprefix(":")
    elif place.count(":") > 1:  # a bare IPv6 address
        host, port_text = place, ""
    else:
        host, _, port_text = place.partition(":")
    if not host:
        raise ValueError(f"{text!r} is not [user@]host[:port]")
    return Hop(host=host, port=_parse_port(port_text), user=login or None)


def _parse_port(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _LARGEST_PORT):
        raise ValueError(f"{text!r} is not a port")
    return int(text)
