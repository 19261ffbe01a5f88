"""Looks keep their cadence whatever people's commands do on the same connection."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from services.collector.serving import ClusterCommands
from services.collector.settings import CollectorSettings
from services.collector.state import StateFile
from slurmfleet.contracts.events import PollFinished
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.ssh.conversation import CommandResult
from slurmfleet.ssh.errors import SshError
from slurmfleet.ssh.lanes import USER_LIMITS, Lane
from slurmfleet.ssh.port import Link
from slurmfleet.timing.clock import SystemClock
from tests.integration.collector.stub import Cluster
from tests.integration.collector.test_watch import facts, looks, watching

WATCHED_S = 8.0
CROWD = 50
FLOOD = "head -c 104857600 /dev/zero"


def polls(state: StateFile) -> list[PollFinished]:
    return [one for one in facts(state) if isinstance(one, PollFinished)]


async def looks_within(state: StateFile, seconds: float) -> list[PollFinished]:
    before = len(polls(state))
    await asyncio.sleep(seconds)
    return polls(state)[before:]


async def outcome(link: Link, command: str, *, limit_s: float) -> str:
    """Run something for a person; give its exit status or the name of its error."""
    try:
        result: CommandResult = await link.run(command, limit_s=limit_s, lane=Lane.USER)
    except SshError as exc:
        return type(exc).__name__
    return str(result.exit_status)


def user_work(kind: str) -> float | None:
    return REGISTRY.get_sample_value("slurmfleet_ssh_user_work", {"cluster": "alpha", "kind": kind})


@pytest.mark.timeout(120)
async def test_commands_of_people_that_hang_flood_or_fail_delay_no_look(
    cluster: Cluster, tmp_path: Path
):
    config = cluster.config(poll_interval_s=0.4, hot_interval_s=0.4)
    async with watching(config, tmp_path) as (station, state):
        await looks(station, 3)
        alone = await looks_within(state, WATCHED_S)
        async with asyncio.TaskGroup() as group:
            quick = [
                group.create_task(outcome(station.link, command, limit_s=60))
                for command in (FLOOD, "exit 255")
            ]
            hanging = [
                group.create_task(outcome(station.link, "exec sleep 60", limit_s=60))
                for _ in range(CROWD)
            ]
            beside = await looks_within(state, WATCHED_S)
            shown = {kind: user_work(kind) for kind in ("command", "stream", "waiting")}
            quick_ended = [one.result() for one in quick if one.done()]
            refused = Counter(one.result() for one in hanging if one.done())
            for one in hanging:
                one.cancel()

    waiting = USER_LIMITS.waiting or 0
    assert quick_ended == ["SshOutputTooLargeError", "255"]
    # Both quick ones had sessions at once; so many of the others waited, and the rest was refused.
    assert refused == {"SshLaneBusyError": CROWD - waiting}
    assert shown == {
        "command": USER_LIMITS.commands,
        "stream": 0,
        "waiting": waiting - USER_LIMITS.commands,
    }
    assert [one.error for one in (*alone, *beside) if one.error] == []
    assert len(alone) > 5
    # A margin for the two cores that carry both ends of the flood as well.
    assert len(beside) >= len(alone) * 0.6
    assert cluster.node.connections_accepted == 1


@pytest.mark.timeout(60)
async def test_a_connection_test_that_finds_no_place_says_so_and_the_looks_go_on(
    cluster: Cluster, tmp_path: Path
):
    async with watching(cluster.config(), tmp_path) as (station, _):
        await looks(station, 2)
        commands = ClusterCommands(station, CollectorSettings(), SystemClock())
        async with asyncio.TaskGroup() as group:
            hanging = [
                group.create_task(outcome(station.link, "exec sleep 60", limit_s=60))
                for _ in range(CROWD)
            ]
            await asyncio.sleep(0.5)
            with pytest.raises(ProblemError) as caught:
                await commands.test_connection()
            sights = await looks(station, 2)
            for one in hanging:
                one.cancel()
        report = await commands.test_connection()

    assert caught.value.code is ProblemCode.CLUSTER_BUSY
    assert caught.value.remedy == "Try again in a moment: what hangs ends by its own time limit."
    assert [one.error for one in sights] == ["", ""]
    assert report.ok
