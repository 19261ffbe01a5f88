"""What the collector's integration tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from slurmfleet.testing.login_node import LoginNode, Reply, run_with_sh
from tests.integration.collector.stub import STUBS, Cluster


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    folder = tmp_path / "stubs"
    folder.mkdir()
    for name, body in STUBS.items():
        (folder / name).write_text(f"#!/bin/sh\nSTUB_DIR={folder}\n{body}")
        (folder / name).chmod(0o755)

    async def answer(command: str, stdin: bytes) -> Reply:
        # A login shell resets PATH, as /etc/profile does; then the user's own profile adds to it.
        shell = command.replace("bash -l -s", "bash -s")
        return await run_with_sh(f"PATH={folder}:$PATH; export PATH; {shell}", stdin)

    (tmp_path / "node").mkdir()
    async with LoginNode(tmp_path / "node", answer=answer) as node:
        yield Cluster(node=node, folder=folder)
