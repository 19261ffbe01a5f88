"""Every exception of the driver has a meaning of ours."""

import socket
import sys

import asyncssh
import pytest

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.ssh.errors import (
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
from slurmfleet.ssh.translate import MEANINGS, command_error, connect_error

ENDPOINT = Endpoint(cluster=ClusterName("alpha"), host="login", user="alice")

NEVER_REACHES_US = {
    "ProcessError": "raised by run(check=True), which nobody here calls",
    "TimeoutError": "raised by run(timeout=), which nobody here calls",
    "BreakReceived": "servers only",
    "SignalReceived": "servers only",
    "SoftEOFReceived": "servers only",
    "TerminalSizeChanged": "servers only",
    "KeyGenerationError": "no keys are made here",
    "KeyExportError": "no private keys are written here",
    "GSSError": "asyncssh catches it itself and tries the next way to log in",
}


def driver_exceptions() -> set[type[BaseException]]:
    """Find every exception class of the modules that asyncssh loads."""
    return {
        value
        for name, module in tuple(sys.modules.items())
        if name.startswith("asyncssh.")
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, BaseException)
        and value.__module__.startswith("asyncssh.")
    }


def test_every_driver_exception_is_mapped_by_itself():
    unmapped = {
        one
        for one in driver_exceptions()
        if one not in MEANINGS
        and one.__name__ not in NEVER_REACHES_US
        and not issubclass(one, asyncssh.SFTPError)
    }

    assert unmapped == set()


def test_nothing_is_excused_that_the_driver_no_longer_has():
    assert set(NEVER_REACHES_US) - {one.__name__ for one in driver_exceptions()} == set()


@pytest.mark.parametrize(
    ("raised", "connecting", "running"),
    [
        (asyncssh.ConnectionLost("gone"), SshConnectionLostError, SshConnectionLostError),
        (asyncssh.PermissionDenied("no"), SshAuthDeniedError, SshAuthDeniedError),
        (asyncssh.KeyExchangeFailed("none"), SshProtocolError, SshProtocolError),
        (asyncssh.ChannelOpenError(2, "no"), SshUnreachableError, SshChannelRefusedError),
        (asyncssh.KeyImportError("bad"), SshKeyFileError, SshKeyFileError),
        (asyncssh.ConfigParseError("bad"), SshConfigError, SshProtocolError),
        (ConnectionRefusedError(111, "refused"), SshUnreachableError, SshConnectionLostError),
        (socket.gaierror(-2, "no such name"), SshUnreachableError, SshConnectionLostError),
        (ConnectionResetError(104, "reset"), SshConnectionLostError, SshConnectionLostError),
        (TimeoutError(110, "timed out"), SshUnreachableError, SshConnectionLostError),
        (ValueError("odd"), SshConfigError, SshProtocolError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_meaning_depends_on_when_it_happens(
    raised: Exception, connecting: type[SshError], running: type[SshError]
):
    kinds = (type(connect_error(raised, ENDPOINT)), type(command_error(raised, ENDPOINT)))

    assert kinds == (connecting, running)


@pytest.mark.parametrize(
    "raised",
    [
        asyncssh.DisconnectError(14, "No more methods"),
        asyncssh.ProtocolError("Too many authentication failures for alice"),
    ],
    ids=["code 14", "words of OpenSSH"],
)
def test_disconnect_that_refuses_the_login_is_a_denial(raised: Exception):
    assert type(connect_error(raised, ENDPOINT)) is SshAuthDeniedError


def test_mistake_of_our_own_is_not_translated():
    with pytest.raises(KeyError):
        connect_error(KeyError("ours"), ENDPOINT)
