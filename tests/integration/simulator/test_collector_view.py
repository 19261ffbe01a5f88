"""The collector's own commands and parsers cannot tell a simulated cluster from a real one."""

import secrets
from collections.abc import Awaitable, Callable, Iterable

import asyncssh
import pytest

from services.simulator.control import ControlClient
from services.simulator.service import Site
from slurmfleet.slurm.abilities import Abilities
from slurmfleet.slurm.columns import DETAIL_COLUMNS, dialect_for
from slurmfleet.slurm.commands import (
    Section,
    accounting_sections,
    detail_section,
    probe_sections,
    queue_section,
)
from slurmfleet.slurm.frames import Frames, composite, parse_frames
from slurmfleet.slurm.probe import parse_probe
from slurmfleet.slurm.records import separators_for
from slurmfleet.slurm.sacct import parse_accounting
from slurmfleet.slurm.squeue import parse_detail, parse_queue

CLUSTER = "demo-h100"
TEAM = ("ada", "ben", "chloe")
DIALECT = dialect_for(Abilities(accounting_fields=frozenset({"restarts", "stdout", "stderr"})))

pytestmark = pytest.mark.integration

Connect = Callable[..., Awaitable[asyncssh.SSHClientConnection]]


async def ask(
    connection: asyncssh.SSHClientConnection,
    sections: Iterable[Section],
    nonce: str,
    *,
    command: str = "bash -s",
) -> Frames:
    script = composite(sections, nonce).encode()
    result = await connection.run(command, input=script, encoding=None, check=True)
    assert isinstance(result.stdout, bytes)
    return parse_frames(result.stdout, nonce)


@pytest.mark.parametrize("noisy", [False, True])
async def test_a_connection_begins_with_a_probe(
    connect: Connect, control: ControlClient, site: Site, *, noisy: bool
):
    await control.set_noise(CLUSTER, noisy=noisy)
    nonce = secrets.token_hex(16)

    connection = await connect()
    frames = await ask(connection, probe_sections(), nonce, command="bash -l -s")

    probe = parse_probe(frames)
    known = probe.abilities
    assert (probe.user, probe.slurm_version, known.has_suffixes) == ("ada", "24.11.5", True)
    assert set(DETAIL_COLUMNS) <= set(probe.dialect.detail)
    assert "Restarts" in probe.dialect.accounting
    assert (known.has_accounting, known.counts_gpus, known.is_rate_limited) == (True, True, False)
    assert known.programs is not None
    assert {"sacct", "sinfo", "timeout"} <= known.programs
    assert probe.environment["PATH"].startswith(f"{site.folder.programs}:")
    assert frames.remote_epoch_s == site.engine.cluster.now


@pytest.mark.parametrize("noisy", [False, True])
async def test_queue_and_accounting_are_understood_and_true(
    connect: Connect, control: ControlClient, *, noisy: bool
):
    await control.set_noise(CLUSTER, noisy=noisy)
    await control.stop_arrivals(CLUSTER)
    nonce = secrets.token_hex(16)
    separators = separators_for(nonce)
    truth = await control.truth(CLUSTER)
    latest = {str(run["job_id"]): run for run in truth if run["user"] in TEAM}
    numbers = {int(str(run["raw_id"])) for run in latest.values()}

    connection = await connect()
    frames = await ask(
        connection,
        [
            queue_section(),
            detail_section(TEAM, separators),
            *accounting_sections(numbers, separators, DIALECT),
        ],
        nonce,
    )

    queue = parse_queue(frames.sections["queue"].stdout)
    detail = parse_detail(frames.sections["detail"].raw, separators)
    accounting = parse_accounting(frames.sections["accounting"].stdout, separators, DIALECT)
    assert (frames.done, queue.bad, detail.bad, accounting.bad) == (True, (), (), ())
    told = {
        (job.raw_id, job.state.value, int(job.submitted_at.timestamp()), job.restart_count)
        for job in accounting.jobs
    }
    assert told == {
        (run["raw_id"], run["state"], run["submitted_at"], run["restarts"])
        for run in latest.values()
    }
    assert {job.name for job in detail.jobs} >= {
        "train|v2",
        'eval "final", run 2',
        "données-é 漢字",
    }


async def test_het_jobs_suspensions_and_missed_deadlines_are_understood(
    connect: Connect, control: ControlClient, site: Site
):
    await control.stop_arrivals(CLUSTER)
    shown = site.engine.cluster.jobs.values()
    nonce = secrets.token_hex(16)
    separators = separators_for(nonce)

    connection = await connect()
    sections = [detail_section(TEAM, separators)]
    frames = await ask(connection, sections, nonce)

    detail = parse_detail(frames.sections["detail"].raw, separators)
    told = {(job.raw_id, job.state.value, job.het_job_id, job.het_offset) for job in detail.jobs}
    assert detail.bad == ()
    assert told == {
        (
            job.raw_id,
            "RUNNING" if job.is_completing else job.state.value,
            job.het_id,
            None if job.het_id is None else job.het_offset,
        )
        for job in shown
        if job.request.user in TEAM
    }
    assert {"SUSPENDED"} <= {state for _, state, _, _ in told}
    assert {None, 0, 1} <= {offset for _, _, _, offset in told}


async def test_an_operator_suspends_over_ssh_and_time_stands_still(
    connect: Connect, control: ControlClient, site: Site
):
    await control.stop_arrivals(CLUSTER)
    line = ("-p", "debug", "-t", "30", "--comment", "sim:runtime=1200", "--wrap", "true")
    number = await control.submit(CLUSTER, "ada", *line)
    await control.advance(CLUSTER, 30)
    job = site.engine.cluster.jobs[number]
    started = job.state

    connection = await connect("farid")
    await connection.run(f"scontrol suspend {number}", check=True)
    used_s = job.used_s(site.engine.cluster.now)
    await control.advance(CLUSTER, 600)

    assert (started, job.state) == ("RUNNING", "SUSPENDED")
    assert job.used_s(site.engine.cluster.now) == used_s


async def test_gpus_and_tasks_are_counted_as_they_are(
    connect: Connect, control: ControlClient, site: Site
):
    await control.stop_arrivals(CLUSTER)
    nonce = secrets.token_hex(16)

    connection = await connect()
    frames = await ask(connection, [queue_section()], nonce)

    counts = parse_queue(frames.sections["queue"].stdout).counts
    running = sum(count.gpus for group, count in counts.items() if group.state == "RUNNING")
    waiting = sum(count.jobs for group, count in counts.items() if group.state == "PENDING")
    jobs = site.engine.cluster.jobs.values()
    # A job that is completing still holds its nodes; squeue does not tell how it ended.
    assert running == sum(job.gpus for job in jobs if job.state == "RUNNING" or job.is_completing)
    assert waiting == sum(len(job.waiting) or 1 for job in jobs if job.state == "PENDING")
