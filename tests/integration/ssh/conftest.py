"""Login nodes and links for the tests of the SSH door."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from slurmfleet.testing.login_node import LoginNode
from tests.plugins.openssh import folder, ssh_keys, sshd, sshd_program

__all__ = ["folder", "ssh_keys", "sshd", "sshd_program"]


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[LoginNode]:
    """Give a login node that really runs commands with /bin/sh."""
    async with LoginNode(tmp_path) as node:
        yield node
