"""What can go wrong on the way to a login node.

SshError
├── SshUnreachableError       nobody answers there: refused, no route, no such name
├── SshBusyError              the server hangs up before it says who it is: too many are at its door
├── SshNoMasterError          no OpenSSH master of ours is there to go through
├── SshTimeoutError           an operation overran its budget
├── SshAuthDeniedError        the server knows us not; latched, never tried again by itself
├── HostKeyError              the server could not prove who it is; no login was attempted
│   ├── HostKeyUnknownError   no key of this host is trusted yet
│   ├── HostKeyChangedError   other keys of this host are trusted than the one it showed
│   └── HostKeyRejectedError  the key is revoked, or its certificate is not valid
├── SshConnectionLostError    the connection broke while in use
├── SshChannelRefusedError    the connection lives, but the server starts no more commands on it
├── SshLaneBusyError          so much of people's work runs and waits that no more is taken
├── SshNoShellError           the login works, but what was asked is not what runs there
├── SshProtocolError          the two sides do not speak the same SSH
├── SshKeyFileError           a private key cannot be used: missing, unreadable, locked
├── SshConfigError            the target, its pinned keys or its ssh_config make no sense
└── SshOutputTooLargeError    a command wrote more than it was allowed to

`retryable` says whether the same call may succeed later without anybody doing anything.
"""

from pathlib import Path
from typing import ClassVar

from slurmfleet.contracts.text import clean_line
from slurmfleet.ssh.target import Endpoint


class SshError(Exception):
    """Base of everything that this room raises."""

    retryable: ClassVar[bool] = True

    def __init__(self, endpoint: Endpoint, problem: str, *, remedy: str) -> None:
        """Keep where it happened, what happened and what mends it."""
        problem = clean_line(problem)  # it may quote the far side, who may write anything
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


class SshBusyError(SshError):
    """The server hangs up before it says who it is: too many are at its door, or it blocks us.

    Source: sshd_config(5), MaxStartups and PerSourcePenalties (OpenSSH 9.8 and later). OpenSSH's
    own client says `kex_exchange_identification: Connection closed by remote host`.
    """

    def __init__(self, endpoint: Endpoint, detail: str, *, wait_s: float = 0.0) -> None:
        """Keep how it hung up, and for how long it is left in peace."""
        pause = f"; it is left in peace for {wait_s:.0f} s" if wait_s else ""
        super().__init__(
            endpoint,
            f"the server hung up before it said who it is: {detail}{pause}",
            remedy="It has too many logins at once (MaxStartups), or blocks this address for now.",
        )
        self.detail = detail
        self.wait_s = wait_s


class SshNoMasterError(SshError):
    """No OpenSSH master of ours is there to go through; only its owner can open one."""

    retryable = False

    def __init__(self, endpoint: Endpoint, detail: str, *, command: str) -> None:
        """Keep what ssh said and the command that opens a master."""
        super().__init__(
            endpoint,
            f"there is no open OpenSSH master: {detail}",
            remedy=f"Log in once, as the user that the collector runs as: `{command}`.",
        )
        self.detail = detail
        self.command = command


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
            remedy="Its MaxSessions is used up; the next command waits for a free session.",
        )
        self.detail = detail


class SshLaneBusyError(SshError):
    """So much of people's work runs and waits that no more is taken; nothing was begun."""

    def __init__(self, endpoint: Endpoint, detail: str) -> None:
        """Keep how much runs and waits, or for how long it was waited in vain."""
        super().__init__(
            endpoint,
            f"too much is asked of it at once on behalf of people: {detail}",
            remedy="Try again in a moment: what hangs ends by its own time limit.",
        )
        self.detail = detail


class SshNoShellError(SshError):
    """The login works, but what was asked is not what runs there: nologin, a forced command."""

    def __init__(self, endpoint: Endpoint, *, exit_status: int | None, said: str) -> None:
        """Keep how it ended and the start of what it wrote instead."""
        words = f"; it said: {said}" if said else ""
        super().__init__(
            endpoint,
            f"the login node did not run the command (exit status {exit_status}{words})",
            remedy=(
                "The account needs a login shell that starts bash there, without ForceCommand; "
                f"`ssh {endpoint.host} bash -c true` shows what the site allows."
            ),
        )
        self.exit_status = exit_status
        self.said = said


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
