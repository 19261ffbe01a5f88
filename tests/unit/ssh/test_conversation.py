"""When a command's result counts as whole."""

import asyncssh
import pytest
from asyncssh.constants import EXTENDED_DATA_STDERR

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.ssh.conversation import CommandResult, Conversation
from slurmfleet.ssh.errors import SshConnectionLostError, SshOutputTooLargeError
from slurmfleet.ssh.target import Endpoint

ENDPOINT = Endpoint(cluster=ClusterName("alpha"), host="login")


@pytest.fixture
async def conversation() -> Conversation:
    return Conversation(ENDPOINT, max_output_bytes=10)


async def test_status_and_end_of_output_make_a_result(conversation: Conversation):
    conversation.data_received(b"out", None)
    conversation.data_received(b"err", EXTENDED_DATA_STDERR)
    conversation.exit_status_received(3)
    conversation.eof_received()

    conversation.settle(connection_lost=True)

    assert conversation.result(duration_s=1.5) == CommandResult(
        exit_status=3, exit_signal=None, stdout=b"out", stderr=b"err", duration_s=1.5
    )


async def test_closed_channel_needs_no_end_of_output(conversation: Conversation):
    conversation.exit_signal_received("KILL", core_dumped=False, msg="", lang="")

    conversation.settle(connection_lost=False)

    assert conversation.result(duration_s=0) == CommandResult(
        exit_status=None, exit_signal="KILL", stdout=b"", stderr=b"", duration_s=0
    )


async def test_output_cut_off_by_a_lost_connection_is_no_result(conversation: Conversation):
    conversation.data_received(b"half", None)
    conversation.exit_status_received(0)

    conversation.settle(connection_lost=True)

    with pytest.raises(SshConnectionLostError):
        conversation.result(duration_s=0)


async def test_channel_that_closes_without_a_status_is_no_result(conversation: Conversation):
    conversation.data_received(b"all", None)
    conversation.eof_received()

    conversation.settle(connection_lost=False)

    with pytest.raises(SshConnectionLostError):
        conversation.result(duration_s=0)


async def test_first_error_counts(conversation: Conversation):
    conversation.data_received(b"far too much", None)
    conversation.connection_lost(asyncssh.ConnectionLost("gone"))
    conversation.settle(connection_lost=True)

    with pytest.raises(SshOutputTooLargeError):
        conversation.result(duration_s=0)


async def test_limit_covers_both_outputs_and_may_be_reached(conversation: Conversation):
    conversation.data_received(b"12345", None)
    conversation.data_received(b"67890", EXTENDED_DATA_STDERR)
    conversation.exit_status_received(0)
    conversation.settle(connection_lost=False)

    result = conversation.result(duration_s=0)

    assert (result.stdout, result.stderr) == (b"12345", b"67890")
