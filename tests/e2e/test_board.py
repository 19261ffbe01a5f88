"""A board that is cleared stays so: over a restart, a rebuild and what the cluster tells again."""

import json
from pathlib import Path

import pytest
from fastmcp import Client

from tests.harness.sites import SimulatedSite, simulated_sites, submit
from tests.harness.stack import Stack, running_stack

NAME = "sim-h100"


def board(stack: Stack, *options: str) -> set[str]:
    told = json.loads(stack.cli("board", *options, "--json").stdout)
    return {one["job"]["job_id"] for one in told["items"]}


def ended(stack: Stack, site: SimulatedSite, name: str, *, exits: int) -> str:
    """Have a job end, and wait until the board shows it."""
    job_id = submit(site, "-J", name, runs_s=1, exits=exits)
    stack.eventually("it is over", lambda: board(stack), lambda ids: job_id in ids, within_s=60)
    return job_id


@pytest.mark.e2e
@pytest.mark.timeout(240)
async def test_what_was_put_away_stays_away_and_what_is_pinned_stays(tmp_path: Path):
    with simulated_sites(tmp_path / "sim", names=NAME) as sites:
        site = sites[NAME]
        with running_stack(tmp_path / "stack", [site.config]) as stack:
            bad, baseline = (ended(stack, site, name, exits=1) for name in ("bad", "baseline"))
            good = ended(stack, site, "good", exits=0)
            stack.cli("board", "pin", NAME, baseline, "--reason", "to compare with")
            cleared = stack.cli("board", "clear", "failed").stderr
            async with Client(f"{stack.mcp}/mcp") as agent:
                by_agent = await agent.call_tool("clear_completed", {"cluster": NAME})
            assert "1 put away." in cleared
            assert by_agent.structured_content == {
                "cleared": 1,
                "jobs": [{"cluster": NAME, "job_id": good}],
                "complete": True,
            }
            assert board(stack) == {baseline}
            stack.cli("rebuild")

        with running_stack(tmp_path / "stack", [site.config]) as stack:
            later = ended(stack, site, "later", exits=1)

            assert board(stack) == {baseline, later}
            assert board(stack, "--dismissed") == {bad, good}
            stack.cli("board", "unmark", NAME, f"{bad},{baseline}")
            assert board(stack) == {baseline, later, bad}
            unknown = stack.cli("board", "dismiss", NAME, "1", expect=1)
            assert "left as it is" in unknown.stderr
            audited = json.loads(stack.cli("audit", "--action", "board", "--json").stdout)
            assert [one["action"] for one in audited["items"]][-3:] == [
                *("board.clear", "board.clear", "board.pin"),
            ]
            plan = stack.cli("cleanup", "--days", "31")
            assert "No history is so old." in plan.stdout
