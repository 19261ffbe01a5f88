"""Scripts of people run in a real shell, and nothing that they do reaches the watch."""

import asyncio
import json
import os
import pwd
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.collector.scripts.desk import AT_ONCE, ScriptDesk
from services.collector.settings import CollectorSettings
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import ClusterConfig, Transport
from slurmfleet.contracts.scripts import (
    MOST_ARGUMENTS,
    MOST_SHOWN_BYTES,
    MOST_WRITTEN_BYTES,
    Interpreter,
    ScriptHost,
    ScriptReport,
    ScriptRequest,
)
from slurmfleet.slurm.probe import Probe
from slurmfleet.ssh.local import local_link
from slurmfleet.ssh.port import Link
from slurmfleet.ssh.target import SshTarget
from slurmfleet.testing.login_node import LoginNode
from slurmfleet.timing.clock import SystemClock
from tests.harness.attacks import attacks
from tests.harness.openssh import processes
from tests.integration.collector.stub import Cluster
from tests.integration.collector.test_user_work import looks_within
from tests.integration.collector.test_watch import looks, watching

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

ALPHA = ClusterName("alpha")
WATCHED_S = 6.0
UMASK = os.umask(0o022)
os.umask(UMASK)


@pytest.fixture
async def link(tmp_path: Path) -> AsyncIterator[Link]:
    target = SshTarget(cluster=ALPHA, host="localhost")
    environment = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PATH": os.environ["PATH"]}
    async with local_link(target, clock=SystemClock(), environment=environment) as link:
        yield link


def desk(link: Link, *, allow: bool = True, data_host: str = "") -> ScriptDesk:
    config = ClusterConfig(
        name=ALPHA,
        host="localhost",
        transport=Transport.LOCAL,
        allow_scripts=allow,
        data_host=data_host,
    )
    probe = Probe(user="alice", slurm_version="24.11.5", environment={})
    return ScriptDesk(
        config, CollectorSettings(), link=link, probe=lambda: probe, clock=SystemClock()
    )


async def run(link: Link, script: str, **more: object) -> ScriptReport:
    told = {"interpreter": Interpreter.BASH, "script": script, **more}
    return await desk(link).run(ScriptRequest.model_validate(told))


async def test_python_gets_its_arguments_as_they_are_and_both_outputs_come_back(link: Link):
    odd = ("two words", "$(id)", "a'b\"c", "-x", "", "\n", "ü✓", "`id`;rm -rf /")
    script = "import sys\nprint(sys.argv[1:])\nprint('ü', file=sys.stderr)\nsys.exit(7)\n"

    report = await run(link, script, interpreter=Interpreter.PYTHON3, arguments=odd)

    assert (report.exit_status, report.stderr) == (7, "ü\n")
    assert report.stdout == f"{list(odd)}\n"
    assert not report.timed_out
    assert not report.flooded
    assert report.login == pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.parametrize("interpreter", [Interpreter.BASH, Interpreter.SH])
async def test_a_shell_gets_its_arguments_as_they_are(link: Link, interpreter: Interpreter):
    odd = ("$HOME", "--", "a b", "*")

    report = await run(
        link, 'for one in "$@"; do echo "<$one>"; done', interpreter=interpreter, arguments=odd
    )

    assert report.stdout == "<$HOME>\n<-->\n<a b>\n<*>\n"


async def test_no_attack_leaves_its_argument(link: Link, tmp_path: Path):
    canary = tmp_path / "canary"
    given = [text for _, text in attacks(str(canary)) if "\0" not in text]
    script = "import json, sys\nprint(json.dumps(sys.argv[1:]))\n"
    for begin in range(0, len(given), MOST_ARGUMENTS):
        part = given[begin : begin + MOST_ARGUMENTS]
        report = await run(link, script, interpreter=Interpreter.PYTHON3, arguments=part)
        assert json.loads(report.stdout) == part, report.stderr

    assert len(given) > 300
    assert not _names(tmp_path, "canary")


@pytest.mark.parametrize("status", [0, 1, 2, 80, 81, 124, 125, 137, 254, 255])
async def test_every_status_is_the_scripts_own(link: Link, status: int):
    report = await run(link, f"exit {status}")

    assert (report.exit_status, report.timed_out) == (status, False)


async def test_a_signal_is_told_as_a_shell_tells_it(link: Link):
    assert (await run(link, "kill -SEGV $$")).exit_status == 128 + 11


async def test_the_text_stands_on_no_command_line_and_in_no_file(link: Link, tmp_path: Path):
    script = (
        f"secret=hunter2; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | "
        f"grep -c 'secret=hunt[e]r2'; grep -rl 'secret=hunt[e]r2' {tmp_path} | wc -l"
    )

    report = await run(link, script)

    assert report.stdout.split() == ["0", "0"]


async def test_nothing_of_it_stays_behind(link: Link, tmp_path: Path):
    await run(link, "true")
    await run(link, "kill -KILL $$")

    assert _names(tmp_path, "slurmfleet") == set()


async def test_files_that_it_makes_are_as_open_as_a_login_makes_them(link: Link, tmp_path: Path):
    report = await run(link, f"umask; touch {tmp_path}/made; stat -c %a {tmp_path}/made")
    mask, mode = (int(one, 8) for one in report.stdout.split())

    assert mode == 0o666 & ~mask
    assert mask == UMASK


async def test_one_that_hangs_is_ended_with_what_it_started(link: Link):
    began_s = time.monotonic()
    report = await run(link, "sleep 619.333 & echo begun; wait", limit_s=1)

    assert (report.timed_out, report.exit_status, report.stdout) == (True, 124, "begun\n")
    assert time.monotonic() - began_s < 20
    assert "619.333" not in processes()


async def test_one_that_heeds_no_signal_is_killed(link: Link):
    report = await run(link, "trap '' TERM; while :; do sleep 0.1; done", limit_s=1)

    assert (report.timed_out, report.exit_status) == (True, 137)


async def test_what_it_leaves_running_is_not_waited_for(link: Link):
    began_s = time.monotonic()
    report = await run(link, "setsid sleep 31 & echo done", limit_s=30)

    assert (report.exit_status, report.stdout) == (0, "done\n")
    assert time.monotonic() - began_s < 20


async def test_of_much_the_beginning_and_the_end_are_shown(link: Link):
    report = await run(link, "echo first; seq 100000; echo last; seq 100000 >&2; echo end >&2")

    assert report.stdout.startswith("first\n1\n2\n")
    assert report.stdout.endswith("100000\nlast\n")
    assert report.stderr.endswith("100000\nend\n")
    note = f"\n[… {report.stdout_left_out_bytes} bytes are left out here …]\n"
    assert len(report.stdout.replace(note, "").encode()) == MOST_SHOWN_BYTES
    assert report.stdout_bytes == MOST_SHOWN_BYTES + report.stdout_left_out_bytes


async def test_a_flood_is_ended_and_fills_no_disk(link: Link, tmp_path: Path):
    report = await run(
        link, f"yes & while :; do du -sb {tmp_path} | cut -f1 >&2; sleep 0.1; done", limit_s=5
    )

    assert report.flooded
    assert report.stdout_bytes == MOST_WRITTEN_BYTES
    sizes = [int(one) for one in report.stderr.split()]
    assert max(sizes) < 2 * MOST_WRITTEN_BYTES


async def test_bytes_that_are_no_text_are_replaced(link: Link):
    report = await run(link, r"printf 'a\377\000b'")

    assert report.stdout == "a\ufffd\0b"


async def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path):
    environment = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PATH": os.environ["PATH"]}
    target = SshTarget(cluster=ALPHA, host="localhost")
    (tmp_path / ".bash_profile").write_text(f"PATH={_without_python(tmp_path)}\n")
    async with local_link(target, clock=SystemClock(), environment=environment) as narrow:
        with pytest.raises(ProblemError) as caught:
            await run(narrow, "1", interpreter=Interpreter.PYTHON)

    assert caught.value.code is ProblemCode.NOT_POSSIBLE
    assert "no python on the path" in caught.value.detail


def _names(folder: Path, part: str) -> set[str]:
    return {one.name for one in folder.iterdir() if part in one.name}


def _without_python(folder: Path) -> Path:
    tools = folder / "tools"
    tools.mkdir()
    for one in Path("/usr/bin").iterdir():
        if "python" not in one.name:
            (tools / one.name).symlink_to(one)
    return tools


async def test_no_script_runs_where_the_cluster_or_the_token_does_not_allow_it(link: Link):
    request = ScriptRequest(script="touch made", interpreter=Interpreter.BASH)
    refused: list[ProblemError] = []
    for place, asked in (
        (desk(link, allow=False), request),
        (desk(link), request.model_copy(update={"only_as": ("eve",)})),
        (desk(link), request.model_copy(update={"host": ScriptHost.DATA})),
    ):
        with pytest.raises(ProblemError) as caught:
            await place.run(asked)
        refused.append(caught.value)

    assert [one.code for one in refused] == [
        *(ProblemCode.FORBIDDEN, ProblemCode.FORBIDDEN, ProblemCode.NOT_POSSIBLE),
    ]
    assert "--allow-scripts" in refused[0].remedy
    assert "--data-host" in refused[2].remedy


async def test_only_so_many_run_at_once(link: Link):
    place = desk(link)
    request = ScriptRequest(script="sleep 2", interpreter=Interpreter.BASH)
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(place.run(request)) for _ in range(AT_ONCE)]
        await asyncio.sleep(0.5)
        with pytest.raises(ProblemError) as caught:
            await place.run(request)

    assert caught.value.code is ProblemCode.CLUSTER_BUSY
    assert [one.result().exit_status for one in running] == [0] * AT_ONCE
    assert (await place.run(request)).exit_status == 0


async def test_looks_keep_their_pace_beside_scripts_and_on_another_connection(
    cluster: Cluster, tmp_path: Path
):
    config = cluster.config(poll_interval_s=0.4, hot_interval_s=0.4, allow_scripts=True)
    scripts = ("exit 255", "yes", "sleep 600", "kill -9 $PPID")
    async with watching(config, tmp_path) as (station, state):
        await looks(station, 3)
        alone = await looks_within(state, WATCHED_S)
        async with asyncio.TaskGroup() as group:
            running = [
                group.create_task(
                    _outcome(
                        station.scripts,
                        ScriptRequest(script=one, interpreter=Interpreter.BASH, limit_s=3),
                    )
                )
                for one in scripts
            ]
            beside = await looks_within(state, WATCHED_S)
        first = [one.result() for one in running]
        again = await _outcome(
            station.scripts, ScriptRequest(script="exit 3", interpreter=Interpreter.BASH)
        )

    assert [one.error for one in (*alone, *beside) if one.error] == []
    assert len(beside) >= len(alone) * 0.6  # both ends of all of it run on the same cores
    assert cluster.node.connections_accepted == 2
    assert first[0] == "255"
    assert sum("busy" in one for one in first) == len(scripts) - AT_ONCE
    assert again == "3"


async def test_a_data_host_is_reached_by_itself(cluster: Cluster, tmp_path: Path):
    config = cluster.config(
        poll_interval_s=1,
        allow_scripts=True,
        data_host=cluster.config().host,
        data_port=cluster.config().port,
    )
    async with watching(config, tmp_path) as (station, _):
        await looks(station, 1)
        report = await station.scripts.run(ScriptRequest(script="print(1)", host=ScriptHost.DATA))

    assert report.stdout == "1\n"
    assert cluster.node.connections_accepted == 2


async def test_a_machine_whose_key_nobody_trusts_runs_nothing_and_the_watch_goes_on(
    cluster: Cluster, tmp_path: Path
):
    folder = tmp_path / "stranger"
    folder.mkdir()
    async with LoginNode(folder) as stranger:
        config = cluster.config(
            poll_interval_s=1,
            allow_scripts=True,
            data_host=cluster.config().host,
            data_port=stranger.port,
        )
        async with watching(config, tmp_path) as (station, _):
            await looks(station, 1)
            with pytest.raises(ProblemError) as caught:
                await station.scripts.run(ScriptRequest(script="print(1)", host=ScriptHost.DATA))
            after = await looks(station, 1)

    assert caught.value.code is ProblemCode.HOST_KEY_UNKNOWN
    assert caught.value.detail.endswith("Nothing was run.")
    assert stranger.commands == []
    assert [one.error for one in after] == [""]


async def _outcome(place: ScriptDesk, request: ScriptRequest) -> str:
    try:
        return str((await place.run(request)).exit_status)
    except ProblemError as exc:
        return exc.code
