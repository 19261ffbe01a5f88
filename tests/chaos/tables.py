"""All rows of a stack, without what depends on the moment of looking.

Tables and columns come from the catalog: what a migration adds is compared unless it is named here.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from tests.harness.stack import Stack

NOT_COMPARED: Mapping[str, str] = {
    r"schema_migrations": "when the schema was made",
    r"polls": "one row per look, and two collectors look at different moments",
    r"cluster_status": "what the newest look said and when",
    r"(?:.*_)?samples?(?:_.*)?": "one row per survey, at the collector's own moments",
    r"surveys": "one row per survey, at the collector's own moments",
    r"(?:gpu|load)_series|sampling_gaps": "numbered by a sequence, and of a sampler's own moments",
    r"job_use(?:_.*)?": "worked out of the samples",
    r"usage_.*|project_assignment": "worked out from the runs by a chore, which goes on",
    r"stream_.*": "how the stream of each stack fares; the judge reads it",
}
"""Tables by pattern, and why two healthy stacks differ in them."""

NOT_COMPARED_COLUMNS: Mapping[str, str] = {
    "observed_at": "when a look saw it",
    "first_observed_at": "when a look first saw it",
    "recorded_at": "when it was written down",
    "updated_at": "when it was written down",
    "vanished_at": "when looks gave it up",
    "revision": "made of the moment of looking",
    "registry_revision": "how often the bucket was written",
    "event_seq": "the order of recording",
    "priority": "moves with the wait",
    "expected_start_at": "Slurm's guess of the moment",
    "source": "whether queue or accounting was first",
    "reason": "why it waited at the moment; of an end, queue or accounting told it first",
    "tres": "of the queue, or of accounting where its window told a job's end first",
    "command": "as tres",
    "request": "as tres",
    "batch_host": "as tres",
    "exit_signal": "the queue tells 0 or 15 where accounting tells none; whoever told first",
    "occurred_at": "of a submission or a change, when a look saw it",
}
"""Columns of any table, and why they depend on the moment; `job_events.occurred_at` is compared
for starts and ends by `jobs.started_at` and `jobs.ended_at`."""

NOT_COMPARED_ROWS: Mapping[str, LiteralString] = {
    "job_events": "verb <> 'changed'",  # changes between looks are told together
}

NOT_COMPARED_IN_ROWS: Mapping[str, LiteralString] = {
    # A start is told by the queue or by accounting, which knows no SUSPENDED.
    "job_events": "CASE WHEN verb = 'ended' THEN '{}' ELSE '{state}' END",
    # The record of the waiting tasks has an array's files; whoever looked after the last one had
    # started never sees it, and those of its tasks are no pattern of all.
    "jobs": "CASE WHEN array_job_id IS NOT NULL AND array_task_id IS NULL"
    " THEN '{stdin_path,stdout_path,stderr_path,unexpanded_paths}' ELSE '{}' END",
}
"""Columns of some rows of a table, as a condition in SQL."""

Rows = Mapping[str, Counter[str]]


def read_tables(stack: Stack) -> Rows:
    """Give the rows of every table that is compared, as JSON; equal rows are counted."""
    with _open(stack) as db:
        return {name: _rows(db, name) for name in _compared(db)}


def told_twice(stack: Stack) -> list[Any]:
    """Give what was told more than once of one run of one job."""
    with _open(stack) as db:
        return db.execute(
            "SELECT job_id, submitted_at, restart_count, verb, count(*) FROM job_events"
            " WHERE verb <> 'changed' GROUP BY 1, 2, 3, 4 HAVING count(*) > 1"
        ).fetchall()


def event_ids(stack: Stack) -> set[str]:
    """Give the ids of all facts about jobs."""
    with _open(stack) as db:
        return {row[0] for row in db.execute("SELECT event_id FROM job_events")}


def losses(stack: Stack) -> int:
    """Give how many losses of its stream a stack has told of."""
    with _open(stack) as db:
        row = db.execute("SELECT count(*) FROM stream_losses").fetchone()
    return row[0] if row else 0


def job_states(stack: Stack) -> dict[str, tuple[str, int]]:
    """Give each job's state and run by its id; the simulator recycles none."""
    with _open(stack) as db:
        found = db.execute("SELECT job_id, state, restart_count FROM jobs").fetchall()
    return {job_id: (state, restarts) for job_id, state, restarts in found}


def in_short(missing: Sequence[Any], too_much: Sequence[Any]) -> list[str]:
    """Give how rows differ: those of one job by their columns, others as they are."""
    found = {key_of(row): row for row in too_much}
    told: list[str] = []
    for row in missing:
        other = found.pop(key_of(row), None)
        columns = {
            column: [other[column], row[column]]
            for column in row
            if other is not None and other[column] != row[column]
        }
        told.append(f"{key_of(row)}: {columns}" if other is not None else f"missing {row}")
    return told + [f"too much {row}" for row in found.values()]


def key_of(row: Mapping[str, Any]) -> str:
    """Give what tells a row from others of its table."""
    for columns in (("event_id",), ("job_id", "submitted_at"), ("partition", "state")):
        if all(column in row for column in columns):
            return " ".join(str(row[column]) for column in columns)
    return json.dumps(row, sort_keys=True)


def difference(
    expected: Rows, found: Rows, *, known: Collection[tuple[str, str]] = ()
) -> dict[str, dict[str, list[Any]]]:
    """Give what is missing and what is too much, by table; empty where all is equal.

    Rows whose table and key are known to differ are left out.
    """
    differs: dict[str, dict[str, list[Any]]] = {}
    for table in sorted({*expected, *found}):
        calm, hurt = expected.get(table, Counter()), found.get(table, Counter())
        rows = {
            how: [
                row for row in map(json.loads, left.elements()) if (table, key_of(row)) not in known
            ]
            for how, left in (("missing", calm - hurt), ("too much", hurt - calm))
        }
        if any(rows.values()):
            differs[table] = rows
    return differs


def _open(stack: Stack) -> psycopg.Connection[Any]:
    """Connect as the owner: no role of the services may read every table."""
    password = (stack.data_dir / "postgres.password").read_text().strip()
    return psycopg.connect(
        stack.store_dsn(), user="slurmfleet", password=password, connect_timeout=5
    )


def _compared(db: psycopg.Connection[Any]) -> list[str]:
    names = db.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname"
    ).fetchall()
    return [
        name
        for (name,) in names
        if not any(re.fullmatch(pattern, name) for pattern in NOT_COMPARED)
    ]


def _rows(db: psycopg.Connection[Any], table: str) -> Counter[str]:
    left_out = list(NOT_COMPARED_COLUMNS)
    query = sql.SQL(
        "SELECT (to_jsonb(tt) - %s::text[] - ({})::text[])::text FROM {} tt WHERE {}"
    ).format(
        sql.SQL(NOT_COMPARED_IN_ROWS.get(table, "'{}'")),
        sql.Identifier(table),
        sql.SQL(NOT_COMPARED_ROWS.get(table, "true")),
    )
    return Counter(row for (row,) in db.execute(query, (left_out,)))
