"""Jobs of a project that the registry has: stored ones follow, new ones are born to it."""

from datetime import timedelta

import pytest
from psycopg import sql

from slurmfleet.contracts.documents import Project
from slurmfleet.contracts.events import Fact, JobSubmitted
from slurmfleet.contracts.jobs import Evidence
from slurmfleet.registry.kinds import PROJECT
from slurmfleet.registry.registry import Registry
from slurmfleet.testing.builders import ALPHA, NOON, a_job
from tests.plugins.services import Fleet, eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]


def submitted(job_id: str, name: str) -> Fact:
    return JobSubmitted(
        cluster=ALPHA,
        job=a_job(job_id, name=name),
        observed_at=NOON + timedelta(minutes=1),
        revision=1,
        source=Evidence.QUEUE,
    )


async def projects(fleet: Fleet) -> dict[str, str]:
    async with fleet.superuser() as connection:
        cursor = await connection.execute(sql.SQL("SELECT job_id, project FROM jobs"))
        return {str(job_id): str(project) for job_id, project in await cursor.fetchall()}


async def test_jobs_follow_the_projects_of_the_registry(fleet: Fleet):
    await fleet.tell([submitted("1", "vlm-eval"), submitted("2", "llm_train")])
    first = await fleet.start("projector")

    async def both() -> bool:
        return await projects(fleet) == {"1": "", "2": "llm"}

    await eventually(both, otherwise=first.log.read_text)
    await Registry(fleet.bus).add(PROJECT, Project(name="vision", prefixes=("vlm-", "llm_tr")))

    async def moved() -> bool:
        return await projects(fleet) == {"1": "vision", "2": "vision"}

    await eventually(moved, limit_s=45, otherwise=first.log.read_text)
    await first.kill()
    await fleet.tell([submitted("3", "vlm-train"), submitted("4", "other_one")])
    second = await fleet.start("projector")

    async def born() -> bool:
        found = await projects(fleet)
        return (found.get("3"), found.get("4")) == ("vision", "other")

    await eventually(born, otherwise=second.log.read_text)
