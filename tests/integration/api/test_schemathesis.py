"""schemathesis plays the OpenAPI document against the gateway: what it promises, it keeps.

No collector runs, so nothing that is asked for reaches a host: commands end with a problem.
"""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.plugins.services import Fleet

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

PROGRAM = Path(sys.executable).with_name("schemathesis")
CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = os.environ.get("SLURMFLEET_TEST_SCHEMATHESIS_EXAMPLES", "2")
"""Of each kind for each operation; what is drawn differs from run to run."""

STREAMS = "/v1/events"
"""An answer without an end is no answer to judge; test_rest.py has its tests."""


async def test_the_gateway_keeps_what_its_document_promises(fleet: Fleet, tmp_path: Path):
    await fleet.start("projector")
    api = await fleet.start("api")
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *("--config-file", CONFIG, "run", f"{api.url}/openapi.json", "--url", api.url),
        *("--max-examples", EXAMPLES, "--exclude-path", STREAMS),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
        env={**os.environ, "NO_COLOR": "1"},
    )
    told, _ = await process.communicate()
    text = told.decode(errors="replace")

    assert process.returncode == 0, text[-20_000:]
    assert "No issues found" in text
