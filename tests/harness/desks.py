"""A survey's desk at a real or simulated login node, without the collector around it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime

from services.collector.budget import RpcBudget
from services.collector.desk import Desk, Known
from services.collector.jobs.coverage import EVERYBODY
from services.collector.jobs.tracked import Tracked
from services.collector.looks.asking import Question, ask_probe, ask_queue
from services.collector.target import ssh_target
from slurmfleet.contracts.jobs import Evidence, Job
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.ssh.link import SshLink
from slurmfleet.timing.clock import SystemClock
from tests.harness.sites import Site

LIMIT_S = 60.0


@asynccontextmanager
async def open_desk(site: Site, **changes: object) -> AsyncGenerator[Desk]:
    """Log in to a site as its user and probe it, as a collector does."""
    config = ClusterConfig.model_validate({**site.config, **changes})
    clock = SystemClock()
    target = ssh_target(config, known_hosts=(), ssh_config=(), connect_limit_s=10)
    async with SshLink(target, clock=clock) as link:
        probe, _ = await ask_probe(link, limit_s=LIMIT_S)
        yield Desk(
            config,
            link=link,
            budget=RpcBudget(per_minute=0, burst=0, clock=clock),
            known=Known(probe=probe, memory={}),
            clock=clock,
        )


async def look(desk: Desk) -> None:
    """Ask the queue as a look does, and let the desk know."""
    users = desk.config.track_users or (desk.probe.user,)
    reading = await ask_queue(
        desk.link,
        desk.probe,
        Question(
            users=users,
            accounts=desk.config.track_accounts,
            queue=True,
            followed=EVERYBODY,
            section_limit_s=20,
        ),
        limit_s=LIMIT_S,
        now=desk.clock.now,
    )
    present = reading.look.present
    assert reading.population is not None, reading.error
    assert present is not None, reading.error
    desk.known.population = reading.population
    desk.known.waiting = reading.waiting
    desk.known.memory = {job.job_id: _tracked(job, reading.look.observed_at) for job in present}


def _tracked(job: Job, observed_at: datetime) -> Tracked:
    return Tracked(
        job=job,
        revision=1,
        observed_at=observed_at,
        source=Evidence.QUEUE,
        run_submitted_at=job.submitted_at,
    )
