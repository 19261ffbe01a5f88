"""Faults that are made on purpose look as real ones."""

from collections.abc import Awaitable, Callable

import asyncssh
import pytest

from services.simulator.commands import Health
from services.simulator.control import ControlClient, ControlError

CLUSTER = "demo-h100"

pytestmark = pytest.mark.integration

Connect = Callable[..., Awaitable[asyncssh.SSHClientConnection]]


async def test_a_controller_goes_down_and_comes_back(connect: Connect, control: ControlClient):
    connection = await connect()
    await control.set_controller(CLUSTER, Health.DOWN)
    down = await connection.run("squeue -h")
    await control.set_controller(CLUSTER, Health.UP)
    up = await connection.run("squeue -h -u ada -t R -O UserName: | sort -u")

    assert (down.exit_status, down.stdout, down.stderr) == (
        1,
        "",
        "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n",
    )
    assert (up.exit_status, up.stdout) == (0, "ada\n")


async def test_accounting_fails_alone(connect: Connect, control: ControlClient):
    await control.set_accounting(CLUSTER, Health.DOWN)

    connection = await connect()
    sacct = await connection.run("sacct -X -n")
    squeue = await connection.run("squeue -h >/dev/null", check=True)

    assert (sacct.exit_status, sacct.stdout, squeue.exit_status) == (1, "", 0)


async def test_accounting_that_lags_shows_the_past(connect: Connect, control: ControlClient):
    await control.set_accounting(CLUSTER, Health.UP, lag_s=60)
    job_id = await control.submit(
        CLUSTER, "ada", "-p", "debug", "--comment", "sim:runtime=30", "--wrap", "true"
    )

    connection = await connect()
    seen: list[str] = []
    for seconds in (50, 40, 60):
        await control.advance(CLUSTER, seconds)
        result = await connection.run(f"sacct -Xn -P -j {job_id} -o State", check=True)
        seen.append(str(result.stdout).strip())

    assert seen == ["", "RUNNING", "COMPLETED"]


async def test_a_login_node_refuses_and_opens_again(connect: Connect, control: ControlClient):
    await control.set_door(CLUSTER, "refuse")
    with pytest.raises(ConnectionRefusedError):
        await connect()

    await control.set_door(CLUSTER, "open")
    connection = await connect()
    result = await connection.run("echo back", check=True)

    assert result.stdout == "back\n"


async def test_a_login_node_hangs_before_its_banner(connect: Connect, control: ControlClient):
    await control.set_door(CLUSTER, "hang")

    with pytest.raises((TimeoutError, asyncssh.ConnectionLost)):
        await connect(login_timeout=0.3)


async def test_a_connection_is_cut(connect: Connect, control: ControlClient):
    connection = await connect()
    process = await connection.create_process("echo on; sleep 100")
    await process.stdout.readline()

    await control.set_door(CLUSTER, "drop")
    await connection.wait_closed()

    assert process.exit_status is None


async def test_a_job_is_cancelled_and_a_node_fails(control: ControlClient):
    await control.stop_arrivals(CLUSTER)
    options = ("-p", "debug", "--no-requeue", "--comment", "sim:runtime=900", "--wrap", "true")
    first = await control.submit(CLUSTER, "ada", *options)
    second = await control.submit(CLUSTER, "ada", "-w", "dbg02", *options)
    await control.advance(CLUSTER, 10)

    await control.cancel(CLUSTER, first)
    await control.fail_node(CLUSTER, "dbg02")

    states = {run["raw_id"]: run["state"] for run in await control.truth(CLUSTER)}
    assert (states[first], states[second]) == ("CANCELLED", "NODE_FAIL")


async def test_what_cannot_be_done_is_refused(control: ControlClient):
    with pytest.raises(ControlError, match="cannot do 'explode'"):
        await control.ask("explode", CLUSTER)
    with pytest.raises(ControlError, match="KeyError"):
        await control.ask("truth", "nowhere")
    with pytest.raises(ControlError, match="Invalid partition"):
        await control.submit(CLUSTER, "ada", "-p", "nosuch", "--wrap", "true")
