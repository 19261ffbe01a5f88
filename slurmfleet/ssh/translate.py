"""From what asyncssh and the operating system raise to our own errors.

`tests/unit/ssh/test_translate.py` lists every exception class of asyncssh and fails on one that is
neither in the table nor known never to reach a client that only runs commands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import asyncssh
from asyncssh.asn1 import ASN1DecodeError, ASN1EncodeError, ASN1Error
from asyncssh.constants import DISC_NO_MORE_AUTH_METHODS_AVAILABLE
from asyncssh.packet import PacketDecodeError
from asyncssh.saslprep import SASLPrepError

from slurmfleet.ssh.errors import (
    HostKeyRejectedError,
    SshAuthDeniedError,
    SshChannelRefusedError,
    SshConfigError,
    SshConnectionLostError,
    SshError,
    SshKeyFileError,
    SshProtocolError,
    SshUnreachableError,
)
from slurmfleet.ssh.target import Endpoint

DRIVER_ERRORS = (OSError, EOFError, ValueError, asyncssh.Error, asyncssh.ChannelListenError)
"""What a call of asyncssh may raise, for `except`."""


class _Kind(Protocol):
    def __call__(self, endpoint: Endpoint, detail: str) -> SshError: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meaning:
    """What a driver exception means while connecting, and while a command is run."""

    connecting: _Kind
    running: _Kind


def _always(kind: _Kind) -> _Meaning:
    return _Meaning(connecting=kind, running=kind)


_LOST = _always(SshConnectionLostError)
_PROTOCOL = _always(SshProtocolError)
_DENIED = _always(SshAuthDeniedError)
_KEY_FILE = _always(SshKeyFileError)
_REFUSED = _Meaning(connecting=SshUnreachableError, running=SshChannelRefusedError)
_CONFIG = _Meaning(connecting=SshConfigError, running=SshProtocolError)

MEANINGS: Mapping[type[BaseException], _Meaning] = MappingProxyType(
    {
        asyncssh.Error: _PROTOCOL,
        asyncssh.DisconnectError: _LOST,
        asyncssh.ConnectionLost: _LOST,
        asyncssh.CompressionError: _PROTOCOL,
        asyncssh.KeyExchangeFailed: _PROTOCOL,
        asyncssh.MACError: _PROTOCOL,
        asyncssh.ProtocolError: _PROTOCOL,
        asyncssh.ProtocolNotSupported: _PROTOCOL,
        asyncssh.ServiceNotAvailable: _PROTOCOL,
        asyncssh.HostKeyNotVerifiable: _always(HostKeyRejectedError),
        asyncssh.IllegalUserName: _DENIED,
        asyncssh.PermissionDenied: _DENIED,
        asyncssh.PasswordChangeRequired: _DENIED,
        # While connecting, a channel is a jump host's way to the next server.
        asyncssh.ChannelOpenError: _REFUSED,
        asyncssh.ChannelListenError: _REFUSED,
        asyncssh.ConfigParseError: _CONFIG,
        asyncssh.KeyImportError: _KEY_FILE,
        asyncssh.KeyEncryptionError: _KEY_FILE,
        ASN1Error: _KEY_FILE,
        ASN1DecodeError: _KEY_FILE,
        ASN1EncodeError: _KEY_FILE,
        PacketDecodeError: _PROTOCOL,
        SASLPrepError: _CONFIG,
        ValueError: _CONFIG,
        ConnectionResetError: _LOST,
        ConnectionAbortedError: _LOST,
        BrokenPipeError: _LOST,
        EOFError: _LOST,
        OSError: _Meaning(connecting=SshUnreachableError, running=SshConnectionLostError),
    }
)


def connect_error(exc: Exception, endpoint: Endpoint) -> SshError:
    """Say what went wrong while a connection was being made."""
    if _is_denial(exc):
        return SshAuthDeniedError(endpoint, _detail(exc))
    return _meaning(exc).connecting(endpoint, _detail(exc))


def command_error(exc: Exception, endpoint: Endpoint) -> SshError:
    """Say what went wrong while a command ran on an open connection."""
    return _meaning(exc).running(endpoint, _detail(exc))


def _meaning(exc: Exception) -> _Meaning:
    for kind in type(exc).__mro__:
        if kind in MEANINGS:
            return MEANINGS[kind]
    raise exc  # not the driver's: a bug of ours, which no error of this room may hide


def _is_denial(exc: Exception) -> bool:
    """Know a refusal that comes as a disconnect.

    OpenSSH says "Too many authentication failures" with code 2 (protocol error) when the keys of
    an agent exceed MaxAuthTries. Source: auth.c of OpenSSH 9.2, `auth_maxtries_exceeded`.
    """
    return isinstance(exc, asyncssh.DisconnectError) and (
        exc.code == DISC_NO_MORE_AUTH_METHODS_AVAILABLE
        or "too many authentication failures" in exc.reason.lower()
    )


def _detail(exc: Exception) -> str:
    if isinstance(exc, OSError) and exc.strerror:
        return exc.strerror
    return str(exc).rstrip(".") or type(exc).__name__
