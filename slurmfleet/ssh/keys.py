"""Which private keys to offer, decided before the server is asked.

A key that cannot work must not cost a failed login: sites count those and lock accounts. So a
missing file, or a passphrase that nobody here can type, is an error of its own.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from slurmfleet.ssh.errors import SshKeyFileError
from slurmfleet.ssh.target import Endpoint, SshTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """One private key file, read."""

    path: Path
    pairs: tuple[asyncssh.SSHKeyPair, ...]
    """What it can sign with by itself, its certificate first; none when a passphrase guards it."""

    identities: tuple[bytes, ...]
    """Public halves under which an agent may hold it; known even when it is locked."""


async def offered_keys(
    target: SshTarget, endpoint: Endpoint, resources: AsyncExitStack
) -> Sequence[asyncssh.SSHKeyPair]:
    """Load the key files of a target, locked ones through the agent.

    The agent stays connected until `resources` closes: it signs during authentication.

    Raises:
        SshKeyFileError: A file is missing or unreadable, or locked and not in the agent.
    """
    offered: list[asyncssh.SSHKeyPair] = []
    for path in target.key_files:
        key_file = await asyncio.to_thread(read_key_file, path.expanduser(), endpoint)
        pairs = key_file.pairs or await _pairs_of_agent(target, key_file, resources)
        if not pairs:
            raise SshKeyFileError(
                endpoint,
                f"{key_file.path} has a passphrase and no agent here holds it",
                path=key_file.path,
            )
        offered.extend(pairs)
    return offered


def read_key_file(path: Path, endpoint: Endpoint) -> KeyFile:
    """Read one private key file and the certificate beside it (`-cert.pub`).

    Raises:
        SshKeyFileError: It is missing, unreadable, or no private key.
    """
    try:
        pairs = tuple(asyncssh.load_keypairs(path))
    except OSError as exc:
        raise SshKeyFileError(endpoint, f"{path}: {exc.strerror}", path=path) from exc
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as exc:
        if not str(exc).startswith("Passphrase"):
            raise SshKeyFileError(endpoint, f"{path}: {exc}", path=path) from exc
        pairs = ()
    return KeyFile(path=path, pairs=pairs, identities=tuple(_identities(path)))


def _identities(path: Path) -> list[bytes]:
    found: list[bytes] = []
    with suppress(OSError, asyncssh.KeyImportError):
        found.append(asyncssh.read_certificate(f"{path}-cert.pub").public_data)
    # The OpenSSH format shows its public half without the passphrase; PEM needs the .pub file.
    for public in (f"{path}.pub", str(path)):
        with suppress(OSError, asyncssh.KeyImportError):
            found.append(asyncssh.read_public_key(public).public_data)
            break
    return found


async def _pairs_of_agent(
    target: SshTarget, key_file: KeyFile, resources: AsyncExitStack
) -> Sequence[asyncssh.SSHKeyPair]:
    if not target.use_agent or not key_file.identities:
        return ()
    try:
        agent = await asyncssh.connect_agent(str(target.agent_socket or ""))
        await resources.enter_async_context(agent)
        return await agent.get_keys(key_file.identities)
    except (OSError, ValueError):  # no agent, or it does not answer: the caller says what to do
        return ()
