"""Errors say what happened, where, and what mends it."""

import pytest

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.ssh import errors
from slurmfleet.ssh.errors import (
    HostKeyChangedError,
    HostKeyRejectedError,
    HostKeyUnknownError,
    SshAuthDeniedError,
    SshBusyError,
    SshChannelRefusedError,
    SshConfigError,
    SshConnectionLostError,
    SshError,
    SshKeyFileError,
    SshLaneBusyError,
    SshNoMasterError,
    SshNoShellError,
    SshOutputTooLargeError,
    SshProtocolError,
    SshTimeoutError,
    SshUnreachableError,
)
from slurmfleet.ssh.target import Endpoint

ENDPOINT = Endpoint(cluster=ClusterName("alpha"), host="login", port=2222, user="alice")

ERRORS = {
    SshUnreachableError(ENDPOINT, "refused"): True,
    SshTimeoutError(ENDPOINT, operation="connect", limit_s=5): True,
    SshBusyError(ENDPOINT, "Connection lost"): True,
    SshNoMasterError(ENDPOINT, "no socket", command="ssh -M login"): False,
    SshNoShellError(ENDPOINT, exit_status=1, said="not available"): True,
    SshAuthDeniedError(ENDPOINT, "Permission denied"): False,
    HostKeyUnknownError(ENDPOINT, fingerprint="SHA256:b", key_line="login ssh-ed25519 b"): False,
    HostKeyChangedError(
        ENDPOINT, expected=("SHA256:a",), fingerprint="SHA256:b", key_line="login ssh-ed25519 b"
    ): False,
    HostKeyRejectedError(ENDPOINT, "Host key is revoked"): False,
    SshConnectionLostError(ENDPOINT, "reset"): True,
    SshChannelRefusedError(ENDPOINT, "open failed"): True,
    SshLaneBusyError(ENDPOINT, "2 commands run and 16 wait"): True,
    SshProtocolError(ENDPOINT, "no matching cipher"): False,
    SshKeyFileError(ENDPOINT, "no such file"): False,
    SshConfigError(ENDPOINT, "no such option"): False,
    SshOutputTooLargeError(ENDPOINT, limit_bytes=10): False,
}


def leaves() -> set[type[SshError]]:
    return {
        one
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, SshError) and not one.__subclasses__()
    }


def test_every_kind_is_looked_at_here():
    assert {type(one) for one in ERRORS} == leaves()


@pytest.mark.parametrize(("error", "retryable"), ERRORS.items(), ids=lambda one: type(one).__name__)
def test_retryable_is_what_the_tree_says(error: SshError, *, retryable: bool):
    assert error.retryable is retryable


@pytest.mark.parametrize("error", ERRORS, ids=lambda one: type(one).__name__)
def test_message_names_cluster_server_and_remedy(error: SshError):
    start = "alpha (alice@[login]:2222): "

    assert str(error) == f"{start}{error.problem}. {error.remedy}"
    assert error.remedy.endswith(".")


@pytest.mark.parametrize("kind", sorted(leaves(), key=str), ids=lambda one: one.__name__)
def test_every_kind_is_drawn_in_the_tree(kind: type[SshError]):
    assert f"── {kind.__name__} " in (errors.__doc__ or "")


def test_changed_key_shows_what_was_expected_and_what_came():
    error = HostKeyChangedError(
        ENDPOINT,
        expected=("SHA256:a", "SHA256:c"),
        fingerprint="SHA256:b",
        key_line="login ssh-ed25519 b",
    )

    assert error.problem == (
        "the host key has changed: expected SHA256:a or SHA256:c, got SHA256:b"
    )
    assert "`slurmfleet hosts trust alpha`" in error.remedy


def test_latched_denial_says_that_nobody_was_asked():
    fresh = SshAuthDeniedError(ENDPOINT, "Permission denied")
    latched = SshAuthDeniedError(ENDPOINT, "Permission denied", latched=True)

    assert (fresh.problem, latched.problem) == (
        "login denied: Permission denied",
        "login denied: Permission denied (remembered; the server was not asked)",
    )
