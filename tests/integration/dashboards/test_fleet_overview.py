"""Every query of the dashboards, run as Grafana's own role on the migrated store.

Grafana's macros are replaced by what its documentation says that they become.

Source: Grafana documentation, "PostgreSQL query editor", section "Macros"; "Variable syntax".
"""

import json
import re
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from slurmfleet.contracts.events import (
    JobEnded,
    JobSubmitted,
    LinkState,
    PartitionCount,
)
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Evidence, Job, JobState
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.store.pool import StorePool
from slurmfleet.store.roles import Role
from slurmfleet.store.write.facts import apply_facts
from slurmfleet.testing.builders import ALPHA, NOON, a_job, a_poll
from tests.plugins.postgres import Database

ROOT = Path(__file__).parents[3]
DASHBOARD = json.loads((ROOT / "deploy/grafana/dashboards/fleet-overview.json").read_text())
STORE_PANELS: dict[str, str] = {
    panel["title"]: panel["targets"][0]["rawSql"]
    for panel in DASHBOARD["panels"]
    if panel["datasource"]["uid"] == "slurmfleet-store"
}
NOW = NOON + timedelta(hours=1)
SINCE = NOW - timedelta(hours=6)
BROKEN = SectionOutcome(name=SectionName.DETAIL, ok=False, exit_status=1, error="No controller.")

EXPECTED: dict[str, list[tuple[object, ...]]] = {
    "Clusters": [
        ("alpha", False, "ok", Decimal("60.000000"), 4, "24.11.5", "One failed."),
        ("beta", True, "ok", Decimal("600.000000"), 4, "24.11.5", ""),
        ("gamma", True, "auth_denied", None, 0, "24.11.5", "Permission denied"),
    ],
    "GPUs held and asked for": [("alpha", 24, 720), ("beta", 8, 0)],
    "Jobs by state": [("PENDING", 90), ("RUNNING", 4)],
    "Ends of our jobs": [
        (NOON.timestamp(), "CANCELLED", 1),
        (NOON.timestamp(), "COMPLETED", 2),
        (NOON.timestamp(), "TIMEOUT", 2),
        (NOON.timestamp() + 300, "FAILED", 1),
        (NOON.timestamp() + 600, "CANCELLED", 2),
    ],
    "Our jobs that wait longest": [
        ("alpha", "6", "<b>old</b>", "alice", "batch", "Priority", 2, Decimal("7200.000000")),
        *(
            ("alpha", job_id, "train", "alice", "batch", "Priority", 2, Decimal("3600.000000"))
            for job_id in ("50", "60", "7")
        ),
    ],
}


def expanded(query: str) -> str:
    """Give a query as Grafana sends it for three chosen clusters and an interval of a minute."""
    span = f"BETWEEN '{SINCE.isoformat()}' AND '{NOW.isoformat()}'"
    query = re.sub(r"\$__timeFilter\(([^)]*)\)", rf"\1 {span}", query)
    query = re.sub(
        r"\$__timeGroupAlias\(([^,]*), \$__interval\)",
        r'floor(extract(epoch from \1)/60)*60 AS "time"',
        query,
    )
    query = query.replace("${cluster:sqlstring}", "'alpha','beta','gamma'")
    return query.replace("now()", f"TIMESTAMPTZ '{NOW.isoformat()}'")


@pytest.fixture
async def board(store_writer: StorePool) -> None:
    """Fill the store with three clusters: fresh, stale and never reached."""
    seen = [NOW - timedelta(minutes=1), NOW - timedelta(minutes=10)]
    one_gpu_job = PartitionCount(partition="long", state=JobState.RUNNING, jobs=1, gpus=8)
    polls = [
        a_poll("alpha", started_at=seen[0], finished_at=seen[0], error="One failed."),
        a_poll("beta", started_at=seen[1], finished_at=seen[1], population=(one_gpu_job,)),
        a_poll(
            "gamma",
            started_at=seen[0],
            finished_at=seen[0],
            link=LinkState.AUTH_DENIED,
            error="Permission denied",
            sections=(),
            population=None,
            tracked_jobs=0,
        ),
    ]
    old = a_job("6", submitted_at=NOON - timedelta(hours=1), name="<b>old</b>")
    waiting = [submitted(job) for job in (a_job("7"), old)]
    ended = [
        ends(a_job("10"), JobState.COMPLETED, NOON),
        ends(a_job("11"), JobState.FAILED, NOON + timedelta(minutes=5)),
        ends(a_job("12"), JobState.FAILED, SINCE - timedelta(minutes=5)),
        # A whole array of one task: counted once, as its task.
        ends(a_job("20", array_job_id=20), JobState.COMPLETED, NOON),
        ends(a_job("20_1", array_job_id=20, array_task_id=1), JobState.COMPLETED, NOON),
        # A het job of two components, and an array of which two tasks were cancelled unstarted.
        ends(a_job("30", het_job_id=30, task_states={JobState.TIMEOUT: 2}), JobState.TIMEOUT, NOON),
        ends(a_job("30+0", het_job_id=30, het_offset=0), JobState.TIMEOUT, NOON),
        ends(a_job("30+1", het_job_id=30, het_offset=1), JobState.TIMEOUT, NOON),
        ends(
            a_job("40", array_job_id=40, task_states={JobState.CANCELLED: 3}),
            JobState.CANCELLED,
            NOON + timedelta(minutes=10),
        ),
        ends(a_job("40_0", array_job_id=40, array_task_id=0), JobState.CANCELLED, NOON),
    ]
    groups = [
        # Runs and waits: shown for what waits, whose tasks have no rows. Its other task waits too.
        a_job(
            "50",
            array_job_id=50,
            state=JobState.RUNNING,
            task_states={JobState.RUNNING: 1, JobState.PENDING: 4},
        ),
        a_job("50_9", array_job_id=50, array_task_id=9),
        a_job("60", het_job_id=60, task_states={JobState.PENDING: 2}),
        a_job("60+0", het_job_id=60, het_offset=0),
        a_job("60+1", het_job_id=60, het_offset=1),
    ]
    waiting += [submitted(job) for job in groups]
    await apply_facts(store_writer, [*polls, *waiting, *ended])


def submitted(job: Job) -> JobSubmitted:
    return JobSubmitted(cluster=ALPHA, job=job, observed_at=NOON, revision=1, source=Evidence.QUEUE)


def ends(job: Job, state: JobState, ended_at: datetime) -> JobEnded:
    job = a_job(JobId(job.job_id), **{**job_fields(job), "state": state, "ended_at": ended_at})
    return JobEnded(
        cluster=ALPHA, job=job, observed_at=ended_at, revision=1, source=Evidence.ACCOUNTING
    )


def job_fields(job: Job) -> dict[str, Any]:
    names = ("array_job_id", "array_task_id", "het_job_id", "het_offset", "task_states")
    return {name: getattr(job, name) for name in names}


def test_every_store_panel_has_its_expected_rows_here():
    assert sorted(STORE_PANELS) == sorted(EXPECTED)


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("board")
@pytest.mark.parametrize("title", sorted(EXPECTED))
async def test_panel_shows_what_the_store_holds(title: str, database: Database):
    async with await psycopg.AsyncConnection.connect(database.dsn(Role.GRAFANA)) as connection:
        cursor = await connection.execute(expanded(STORE_PANELS[title]).encode())
        rows = await cursor.fetchall()

    assert rows == EXPECTED[title]


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("board")
async def test_the_cluster_choice_lists_every_cluster(database: Database):
    (variable,) = DASHBOARD["templating"]["list"]

    async with await psycopg.AsyncConnection.connect(database.dsn(Role.GRAFANA)) as connection:
        cursor = await connection.execute(variable["query"].encode())
        rows = await cursor.fetchall()

    assert rows == [("alpha",), ("beta",), ("gamma",)]


@pytest.mark.timeout(60)
async def test_grafana_may_read_nothing_but_its_views(database: Database):
    async with await psycopg.AsyncConnection.connect(database.dsn(Role.GRAFANA)) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("SELECT jo.command FROM public.jobs AS jo LIMIT 1")
