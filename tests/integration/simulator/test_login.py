"""People log in to a simulated cluster and use it as a real one."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh
import pytest

from services.simulator.control import ControlClient
from services.simulator.service import Simulator, Site

CLUSTER = "demo-h100"

pytestmark = pytest.mark.integration

Connect = Callable[..., Awaitable[asyncssh.SSHClientConnection]]
OpenSsh = Callable[[str], Awaitable[tuple[int, str, str]]]


async def test_the_openssh_client_sees_the_board(openssh: OpenSsh):
    status, stdout, stderr = await openssh("squeue --me -h -t R -O UserName: | sort -u; exit 7")

    assert (status, stdout, stderr) == (7, "ada\n", "")


async def test_a_job_is_submitted_ends_and_is_accounted_for(
    connect: Connect, control: ControlClient
):
    connection = await connect()
    submitted = await connection.run(
        "sbatch --parsable -p debug -J 'a|é' --comment sim:runtime=30,exit=3 --wrap true",
        check=True,
    )
    job_id = str(submitted.stdout).strip()
    await control.advance(CLUSTER, 100)
    queue = await connection.run(f"squeue -h -j {job_id} -t all -O State:,exit_code:", check=True)
    sacct = await connection.run(f"sacct -Xnj {job_id} -P -o State,ExitCode,JobName", check=True)

    assert (queue.stdout, sacct.stdout) == ("FAILED3:0\n", "FAILED|3:0|a|é\n")


async def test_a_script_is_read_from_a_file_and_from_standard_input(connect: Connect, site: Site):
    script = "#!/bin/sh\n#SBATCH -J from-{where} -p debug --hold\nhostname\n"
    connection = await connect()
    await connection.run("cat > job.sh", input=script.format(where="file"), check=True)
    await connection.run("sbatch job.sh", check=True)
    await connection.run("sbatch", input=script.format(where="stdin"), check=True)

    held = [job.request.name for job in site.engine.cluster.jobs.values()]
    assert held[-2:] == ["from-file", "from-stdin"]


async def test_a_login_shell_finds_the_same_programs(connect: Connect, site: Site):
    connection = await connect("ben")
    result = await connection.run(
        "bash -l -s", input="command -v squeue; id -un; date +%s; echo $HOME\n", check=True
    )

    assert str(result.stdout).splitlines() == [
        str(site.folder.programs / "squeue"),
        "ben",
        str(site.engine.cluster.now),
        str(site.folder.home("ben")),
    ]


async def test_nobody_enters_with_a_foreign_key(connect: Connect, tmp_path: Path):
    foreign = tmp_path / "foreign"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(foreign)

    with pytest.raises(asyncssh.PermissionDenied):
        await connect(key_file=foreign)


async def test_nobody_enters_under_an_unknown_name(connect: Connect):
    with pytest.raises(asyncssh.PermissionDenied):
        await connect("mallory")


async def test_what_a_session_started_ends_with_its_connection(connect: Connect):
    connection = await connect()
    process = await connection.create_process("sleep 1000 & echo $!; wait")
    pid = int(await process.stdout.readline())

    connection.abort()
    await connection.wait_closed()

    async with asyncio.timeout(5):
        while _is_alive(pid):  # noqa: ASYNC110 another process tells no event
            await asyncio.sleep(0.02)


async def test_keys_and_port_stay_over_a_restart(simulator: Simulator, site: Site):
    announced = json.loads(simulator.announcement.read_text(encoding="utf-8"))["clusters"][CLUSTER]
    await simulator.__aexit__()

    async with simulator:
        again = json.loads(simulator.announcement.read_text(encoding="utf-8"))["clusters"][CLUSTER]

    assert again == announced
    assert announced["known_hosts"] == site.login.known_hosts_line


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z" and os.getpgid(pid) > 0
