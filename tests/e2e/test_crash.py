"""kill -9 of any service in the middle: afterwards the tables hold what they hold without it.

Two stacks watch one simulated cluster whose time stands still until the test moves it. One of
them is left in peace; of the other, collector, projector, nats-server and store are killed again
and again.
"""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.harness.sites import simulated_sites
from tests.harness.stack import Stack, running_stack

STEPS = 16
STEP_S = 120
VICTIMS = ("collector", "projector", "bus", "store")
NAME = "sim-h100"
LOOKS = 6
"""After each step; enough for what is missing to be asked of accounting and to be answered."""

Row = tuple[Any, ...]


@pytest.mark.e2e
@pytest.mark.timeout(600)
def test_kills_leave_the_tables_as_they_would_have_been(
    tmp_path: Path, record_property: Callable[[str, object], None]
):
    seed = int(time.time())
    record_property("seed", seed)  # shown by --junitxml; the failure below names it too
    draw = random.Random(seed)  # noqa: S311 no secret

    with simulated_sites(tmp_path / "sim", names=NAME, time_scale=0, populate=True) as sites:
        site = sites[NAME]
        config = {**site.config, "track_users": site.about["tracked_users"]}
        with (
            running_stack(tmp_path / "calm", [config]) as calm,
            running_stack(tmp_path / "hurt", [config]) as hurt,
        ):
            looked_again(calm, hurt)
            for step in range(STEPS):
                if step == STEPS // 2:
                    site.control("stop_arrivals")
                site.control("advance", seconds=STEP_S)
                time.sleep(draw.uniform(0, 1))
                hurt.kill(draw.choice(VICTIMS))
                looked_again(calm, hurt)
            expected, found = tables(calm), tables(hurt)
            truth = {row["job_id"]: row for row in site.control("truth")}

    assert found["told twice"] == [], f"seed {seed}"
    assert found["jobs"] == expected["jobs"], f"seed {seed}"
    assert found["events"] == expected["events"], f"seed {seed}"
    assert len(expected["jobs"]) > 20
    assert len(truth) > 0


def looked_again(*stacks: Stack) -> None:
    """Wait until each looked at the cluster well several times, and all of it is in its tables."""
    with ThreadPoolExecutor(len(stacks)) as pool:
        list(pool.map(_looked_again, stacks))


def _looked_again(stack: Stack) -> None:
    for _ in range(LOOKS):
        now = time.time()
        stack.eventually(
            "a later look is in the tables",
            lambda: stack.cluster(NAME),
            lambda cluster, now=now: _is_after(cluster, now),
            within_s=60,
        )


def _is_after(cluster: dict[str, Any], now: float) -> bool:
    started = cluster["last_poll_started_at"]
    if started is None or cluster["error"]:
        return False
    return datetime.fromisoformat(started).timestamp() > now


def tables(stack: Stack) -> dict[str, list[Row]]:
    """Give all rows, without the moments at which something was seen or written down."""
    with psycopg.connect(stack.store_dsn()) as db:
        jobs = db.execute(
            "SELECT to_jsonb(jobs) - ARRAY['observed_at', 'first_observed_at', 'recorded_at',"
            " 'updated_at', 'vanished_at', 'revision', 'priority', 'expected_start_at', 'source']"
            " FROM jobs ORDER BY job_id, submitted_at"
        ).fetchall()
        events = db.execute(
            "SELECT event_id, job_id, submitted_at, restart_count, verb, state FROM job_events"
            " WHERE verb <> 'changed' ORDER BY job_id, submitted_at, restart_count, verb"
        ).fetchall()
        doubled = db.execute(
            "SELECT job_id, submitted_at, restart_count, verb, count(*) FROM job_events"
            " WHERE verb <> 'changed' GROUP BY 1, 2, 3, 4 HAVING count(*) > 1"
        ).fetchall()
    return {"jobs": jobs, "events": events, "told twice": doubled}
