"""Which host keys are trusted, and what a shown key means; pure but for `read_trust`.

A host of which something is pinned in the registry is judged by its pins alone; known_hosts files
count only for the others. Nothing is ever trusted because it was seen once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import asyncssh
from asyncssh.public_key import get_default_certificate_algs, get_default_public_key_algs

from slurmfleet.ssh.target import DEFAULT_PORT, host_with_port

_LINE_PARTS = 2
"""Names and key; a marker such as `@revoked` stands before them."""


class HostKeyVerdict(StrEnum):
    """What is to be thought of a key that a server shows."""

    TRUSTED = "trusted"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKeyJudgement:
    """A verdict and what it rests on."""

    verdict: HostKeyVerdict
    expected: tuple[str, ...]
    """Fingerprints of the keys trusted for this host, sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownHostKey:
    """A public key that a server showed, as a person compares it and as a file keeps it."""

    fingerprint: str
    """`SHA256:` and 43 characters, as `ssh-keygen -l` prints it."""

    line: str
    """A known_hosts line for this host and port."""


class TrustedKeys(NamedTuple):
    """What known_hosts lines say of one host; the order is the one asyncssh expects."""

    keys: Sequence[asyncssh.SSHKey]
    authorities: Sequence[asyncssh.SSHKey]
    revoked: Sequence[asyncssh.SSHKey]


class HostKeyTrust:
    """The pins and the known_hosts files of one target."""

    def __init__(self, *, pinned: str, known_hosts: str) -> None:
        """Read both texts, each in known_hosts form.

        Raises:
            ValueError: A line is malformed, or a pinned line holds no key that can be read: to
                drop it in silence would hand the host over to the files.
        """
        for line in pinned.splitlines():
            _require_key(line)
        self._pinned = asyncssh.import_known_hosts(pinned)
        self._known_hosts = asyncssh.import_known_hosts(known_hosts)

    def trusted(self, host: str, address: str, port: int | None) -> TrustedKeys:
        """List what is trusted for this host; None as port means 22."""
        pinned = _match(self._pinned, host, address, port)
        if any(pinned):
            return pinned
        return _match(self._known_hosts, host, address, port)

    def judge(self, host: str, address: str, port: int, key: asyncssh.SSHKey) -> HostKeyJudgement:
        """Say what a key shown by this host means."""
        trusted = self.trusted(host, address, port)
        # A host reached by its address matches a line by both.
        expected = tuple(sorted({one.get_fingerprint() for one in trusted.keys}))
        if key in trusted.revoked:
            verdict = HostKeyVerdict.REVOKED
        elif key in trusted.keys:
            verdict = HostKeyVerdict.TRUSTED
        else:
            verdict = HostKeyVerdict.CHANGED if expected else HostKeyVerdict.UNKNOWN
        return HostKeyJudgement(verdict=verdict, expected=expected)

    def algorithms(self, host: str, port: int) -> list[str]:
        """List the host-key algorithms to ask for, those of trusted keys first.

        A server with several keys then shows the one we know; one that has lost it shows another,
        which is judged as changed instead of failing in the key exchange without a word.
        """
        trusted = self.trusted(host, "", port)
        known = [algorithm for key in trusted.keys for algorithm in key.sig_algorithms]
        # A certificate is asked for only where its authority is known, as OpenSSH does.
        certified = get_default_certificate_algs() if trusted.authorities else []
        wanted = [*certified, *known, *get_default_public_key_algs()]
        return [name.decode() for name in dict.fromkeys(wanted)]


def read_trust(pinned_lines: Sequence[str], known_hosts_files: Sequence[Path]) -> HostKeyTrust:
    """Read the files and join them with the pins.

    Raises:
        ValueError: As `HostKeyTrust`.
        OSError: A file exists but cannot be read.
    """
    texts: list[str] = []
    for path in known_hosts_files:
        try:
            texts.append(path.expanduser().read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
    return HostKeyTrust(pinned="\n".join(pinned_lines), known_hosts="\n".join(texts))


def shown_host_key(host: str, port: int, key: asyncssh.SSHKey) -> ShownHostKey:
    """Write down a key that this host showed."""
    algorithm, data = key.export_public_key("openssh").decode().split()[:2]
    return ShownHostKey(
        fingerprint=key.get_fingerprint(),
        line=f"{host_with_port(host, port)} {algorithm} {data}",
    )


def _match(known: asyncssh.SSHKnownHosts, host: str, address: str, port: int | None) -> TrustedKeys:
    keys, authorities, revoked, *_ = known.match(
        host, address, None if port == DEFAULT_PORT else port
    )
    return TrustedKeys(keys, authorities, revoked)


def _require_key(line: str) -> None:
    text = line.strip()
    if not text or text.startswith("#"):
        return
    if text.startswith("@"):
        text = text.partition(" ")[2].strip()
    parts = text.split(None, _LINE_PARTS - 1)
    try:
        asyncssh.import_public_key(parts[-1])
    except asyncssh.KeyImportError as exc:
        raise ValueError(f"a pinned host-key line holds no key: {line[:80]!r}") from exc
