"""What can go wrong on the way to a login node.

SshError
├── SshUnreachableError       nobody answers there: refused, no route, no such name
├── SshTimeoutError           an operation overran its budget
├── SshAuthDeniedError        the server knows us not; latched, never tried again by itself
├── HostKeyError              the server could not prove who it is; no login was attempted
│   ├── HostKeyUnknownError   no key of this host is trusted yet
│   ├── HostKeyChangedError   other keys of this host are trusted than the one it showed
│   └── HostKeyRejectedError  the key is revoked, or its certificate is not valid
├── SshConnectionLostError    the connection broke while in use
├── SshChannelRefusedError    the connection lives, but the server starts no more commands on it
├── SshProtocolError          the two sides do not speak the same SSH
├── SshKeyFileError           a private key cannot be used: missing, unreadable, locked
├── SshConfigError            the target, its pinned keys or its ssh_config make no sense
└── SshOutputTooLargeError    a command wrote more than it was allowed to

`retryable` says whether the same call may succeed later without anybody doing anything.
"""

from pathlib import Path
from typing import ClassVar

from slurmfleet.ssh.target import Endpoint


class SshError(Exception):
    """Base of everything that this room raises."""

    retryable: ClassVar[bool] = True

    def __init__(self, endpoint: Endpoint, problem: str, *, remedy: str) -> None:
        """Keep where it happened, what happened and what mends it."""
        super().__init__(f"{endpoint.cluster} ({endpoint}): {problem}. {remedy}")
        self.endpoint = endpoint
        self.problem = problem
        self.remedy = remedy


class SshUnreachableError(SshError):
    """Nobody answers there: refused, no route, no such name."""

    def __init__(self, endpoint: Endpoint, detail: str) -> None:
        """Keep what the network said."""
        super().__init__(
            endpoint,
            f"cannot reach the server: {detail}",
            remedy="Check host, port, VPN and jump host; the next poll tries again.",
        )
        self.detail = detail


class SshTimeoutError(SshError):
    """An operation overran its budget; the connection itself may be well."""

    def __init__(self, endpoint: Endpoint, *, operation: str, limit_s: float) -> None:
        """Keep what was tried and for how long."""
        super().__init__(
            endpoint,
            f"'{operation}' took longer than {limit_s:g} s",
            remedy="The login node may be overloaded or cut off; try again or raise the limit.",
        )
        self.operation = operation
        self.limit_s = limit_s


class SshAuthDeniedError(SshError):
    """The server refused the login; repeating it could lock the account."""

    retryable = False

    def __init__(self, endpoint: Endpoint, detail: str, *, latched: bool = False) -> None:
        """Keep what the server said, and whether it was asked at all this time."""
        super().__init__(
            endpoint,
            f"login denied: {detail}" + (" (remembered; the server was not asked)" * latched),
            remedy=(
                "Make a plain `ssh` login work with the same user and key, then run "
                f"`slurmfleet cluster test {endpoint.cluster}`; nothing is tried before that."
            ),
        )
        self.detail = detail
        self.latched = latched


class HostKeyError(SshError):
    """The server could not prove who it is; no login was attempted."""

    retryable = False


class HostKeyUnknownError(HostKeyError):
    """No key of this host is trusted yet."""

    def __init__(self, endpoint: Endpoint, *, fingerprint: str, key_line: str) -> None:
        """Keep the key it showed: `SHA256:...`, and as a known_hosts line."""
        super().__init__(
            endpoint,
            f"the host key is not known; the server showed {fingerprint}",
            remedy=(
                "Compare it with what the site publishes, then run "
                f"`slurmfleet hosts trust {endpoint.cluster}`."
            ),
        )
        self.fingerprint = fingerprint
        self.key_line = key_line


class HostKeyChangedError(HostKeyError):
    """Other keys of this host are trusted than the one it showed: renewed, or an attack."""

    def __init__(
        self, endpoint: Endpoint, *, expected: tuple[str, ...], fingerprint: str, key_line: str
    ) -> None:
        """Keep the trusted fingerprints and the key it showed."""
        super().__init__(
            endpoint,
            f"the host key has changed: expected {' or '.join(expected)}, got {fingerprint}",
            remedy=(
                "Somebody may be listening in. Ask the site; only if it renewed its keys run "
                f"`slurmfleet hosts trust {endpoint.cluster}`."
            ),
        )
        self.expected = expected
        self.fingerprint = fingerprint
        self.key_line = key_line


class HostKeyRejectedError(HostKeyError):
    """The key is revoked, or its certificate is not valid."""

    def __init__(self, endpoint: Endpoint, detail: str) -> None:
        """Keep why it was rejected."""
        super().__init__(
            endpoint,
            f"the host key is rejected: {detail}",
            remedy="Ask the site for its current keys; a revoked key is never to be trusted again.",
        )
        self.detail = detail


class SshConnectionLostError(SshError):
    """The connection broke while in use; whether a running command ended is not known."""

    def __init__(self, endpoint: Endpoint, detail: str) -> None:
        """Keep how it broke."""
        super().__init__(
            endpoint,
            f"the connection was lost: {detail}",
            remedy="The next command opens a new one.",
        )
        self.detail = detail


class SshChannelRefusedError(SshError):
    """The connection lives, but the server starts no more commands on it."""

    def __init__(self, endpoint: Endpoint, detail: str) -> None:
        """Keep what the server said."""
        super().__init__(
            endpoint,
            f"the server refused to start the command: {detail}",
            remedy="Run fewer at once than its MaxSessions; check that the account has a shell.",
        )
        self.detail = detail


class SshProtocolError(SshError):
    """The two sides do not speak the same SSH."""

    retryable = False

    def __init__(self, endpoint: Endpoint, detail: str) -> None:
        """Keep what did not fit."""
        super().__init__(
            endpoint,
            f"the SSH protocol failed: {detail}",
            remedy="Check that an SSH server with current algorithms listens on that port.",
        )
        self.detail = detail


class SshKeyFileError(SshError):
    """A private key cannot be used: missing, unreadable, or locked and not in the agent."""

    retryable = False

    def __init__(self, endpoint: Endpoint, detail: str, *, path: Path | None = None) -> None:
        """Keep why, and which file where it is known; never what is in it."""
        super().__init__(
            endpoint,
            f"a private key cannot be used: {detail}",
            remedy=(
                "Name a key file that this user can read; add one with a passphrase to the agent "
                "with `ssh-add`."
            ),
        )
        self.detail = detail
        self.path = path


class SshConfigError(SshError):
    """The target, its pinned keys or its ssh_config make no sense."""

    retryable = False

    def __init__(self, endpoint: Endpoint, detail: str) -> None:
        """Keep what could not be read."""
        super().__init__(
            endpoint,
            f"the SSH settings make no sense: {detail}",
            remedy=(
                f"Mend them with `slurmfleet cluster update {endpoint.cluster}` or in ssh_config."
            ),
        )
        self.detail = detail


class SshOutputTooLargeError(SshError):
    """A command wrote more than it was allowed to; it was stopped and nothing is kept."""

    retryable = False

    def __init__(self, endpoint: Endpoint, *, limit_bytes: int) -> None:
        """Keep the limit."""
        super().__init__(
            endpoint,
            f"the command wrote more than {limit_bytes} bytes",
            remedy="Ask for less at once, or raise the limit.",
        )
        self.limit_bytes = limit_bytes
