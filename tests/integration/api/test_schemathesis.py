"""schemathesis plays the OpenAPI document against the gateway: what it promises, it keeps.

No collector runs, so nothing that is asked for reaches a host: commands end with a problem.
"""

import asyncio
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugins.services import Fleet

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

PROGRAM = Path(sys.executable).with_name("schemathesis")
CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = os.environ.get("SLURMFLEET_TEST_SCHEMATHESIS_EXAMPLES", "2")
"""Of each kind for each operation."""

SEED = os.environ.get("SLURMFLEET_TEST_SCHEMATHESIS_SEED", "1")
"""What is drawn; whoever looks for more names another, or "" for any."""

LEAST_CASES = 1_000
STREAMS = "/v1/events"
"""An answer without an end is no answer to judge; test_rest.py has its tests."""


async def test_the_gateway_keeps_what_its_document_promises(
    fleet: Fleet, tmp_path: Path, record_property: Callable[[str, object], None]
):
    await fleet.start("projector")
    api = await fleet.start("api")
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *("--config-file", CONFIG, "run", f"{api.url}/openapi.json", "--url", api.url),
        *("--max-examples", EXAMPLES, "--exclude-path", STREAMS),
        *(("--seed", SEED) if SEED else ()),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
        env={**os.environ, "NO_COLOR": "1"},
    )
    told, _ = await process.communicate()
    text = told.decode(errors="replace")

    assert process.returncode == 0, text[-20_000:]
    drawn = re.search(r"([0-9]+) generated, [0-9]+ passed", text)
    assert drawn is not None, text[-5_000:]
    assert int(drawn[1]) > LEAST_CASES
    record_property("cases", int(drawn[1]))
