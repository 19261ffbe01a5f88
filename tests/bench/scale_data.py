"""A store of any size, made inside PostgreSQL: a year of jobs over many clusters, and their events.

Every value follows from the job's number, so two stores of one size are equal. Secondary indexes
are taken away while rows are copied in and made again afterwards, as a restore does.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from psycopg import sql

from slurmfleet.contracts.ids import ClusterName

CLUSTERS = tuple(ClusterName(f"site-{number:02}") for number in range(20))
DAYS = 365
USERS = 200
LIVE_SHARE = 0.02
"""Of all jobs, the newest: two fifths of them run."""

RARE, MIDDLING, FREQUENT, OLD = "needle", "ablate", "train", "legacy"
"""Words in names: one job in 100,000, one in 500, two in five, and a third of the first fifth."""

_CHUNK = 500_000
_CHUNK_SERIES = 1_000
_COPIED = ("jobs", "job_events", "ended_runs")

_CLUSTERS = sql.SQL("""
INSERT INTO clusters (name, config, registry_revision, updated_at)
SELECT name, jsonb_build_object('name', name, 'host', 'login.' || name), 1, %(now)s::timestamptz
FROM unnest(%(names)s::text[]) AS name
""")
_STATUS = sql.SQL("""
INSERT INTO cluster_status (
    cluster, last_poll_started_at, last_poll_finished_at, link, error, interval_s, state_since,
    slurm_rpcs, good_poll_started_at, observed_at, tracked_jobs, detail_error, queue_error,
    accounting_error, slurm_version
)
SELECT
    name, now.at - interval '2 s', now.at - interval '1 s', 'ok', '', 600, now.at - interval '2 y',
    3, now.at - interval '2 s', now.at - interval '1 s', 0, '', '', '', '24.11.5'
FROM unnest(%(names)s::text[]) AS name, (SELECT %(now)s::timestamptz) AS now (at)
""")
_JOBS = sql.SQL("""
INSERT INTO jobs (
    cluster, job_id, submitted_at, raw_id, state, state_flags, reason, name, user_name, account,
    partition, qos, eligible_at, started_at, ended_at, time_limit_s, node_count, node_list,
    cpu_count, memory_mib, gpu_count, gpus_by_type, tres, priority, dependency, work_dir, command,
    stdout_path, stderr_path, comment, submit_line, restart_count, exit_code, array_pending,
    task_states, revision, observed_at, source, first_observed_at, node_names, batch_host,
    gpu_source, project
)
SELECT
    cluster, id::text, submitted_at, id, state, '{}',
    CASE WHEN state = 'PENDING' THEN 'Priority' ELSE '' END, project || '_' || word || '_r' || n,
    user_name, 'acc' || u %% 40, partition, 'normal', submitted_at, started_at, ended_at, 86400,
    1 + gpus / 9, CASE WHEN started_at IS NULL THEN '' ELSE node END, gpus * 16, gpus * 65536, gpus,
    jsonb_build_object('h100', gpus), format('cpu=%%s,mem=%%sG,node=1,gres/gpu=%%s', gpus * 16,
    gpus * 64, gpus), 1000, '', '/home/' || user_name || '/' || project,
    '/home/' || user_name || '/' || project || '/train.sh',
    '/home/' || user_name || '/' || project || '/slurm-' || id || '.out',
    '/home/' || user_name || '/' || project || '/slurm-' || id || '.out', '',
    'sbatch --gpus ' || gpus || ' train.sh', 0,
    CASE WHEN state = 'COMPLETED' THEN 0 WHEN ended_at IS NOT NULL THEN 1 END, '', '{}',
    1000000, coalesce(ended_at, %(now)s::timestamptz - interval '2 s'),
    CASE WHEN ended_at IS NULL THEN 'queue' ELSE 'accounting' END, submitted_at,
    CASE WHEN started_at IS NULL THEN '{}' ELSE ARRAY[node] END, '', 'tres', project
FROM (
    SELECT
        n, 1000000 + n AS id, r1 %% 200 AS u, 'user' || r1 %% 200 AS user_name,
        (%(clusters)s::text[])[1 + r2 %% %(cluster_count)s::integer] AS cluster,
        'proj' || (r1 %% 200 * 7 + r3 %% 3) %% 60 AS project,
        (ARRAY['batch', 'long', 'debug'])[1 + r3 %% 7 / 3] AS partition,
        CASE
            WHEN n %% 100000 = 77 THEN 'needle'
            WHEN n %% 500 = 3 THEN 'ablate'
            WHEN n < %(jobs)s::bigint / 5 AND r3 %% 3 = 0 THEN 'legacy'
            WHEN r2 %% 5 < 2 THEN 'train'
            ELSE 'eval'
        END AS word,
        (ARRAY[1, 1, 2, 4, 8, 8, 8, 16])[1 + r3 %% 8] AS gpus, 'gpu' || r2 %% 500 AS node,
        state, submitted_at,
        CASE WHEN state NOT IN ('PENDING', 'CANCELLED') THEN submitted_at + wait END AS started_at,
        CASE
            WHEN state NOT IN ('PENDING', 'RUNNING') THEN submitted_at + wait + lasts
        END AS ended_at
    FROM (
        SELECT
            n, r1, r2, r3,
            %(now)s::timestamptz - interval '365 d'
            + interval '365 d' * (n::double precision / %(jobs)s::bigint) AS submitted_at,
            interval '1 s' * (r1 / 211 %% 20) AS wait,
            interval '60 s' + interval '24 h' * power((r2 / 509 %% 1000) / 1000.0, 3) AS lasts,
            CASE
                WHEN n >= %(first_live)s::bigint
                THEN CASE WHEN r3 %% 5 < 2 THEN 'RUNNING' ELSE 'PENDING' END
                ELSE (
                    ARRAY['FAILED', 'TIMEOUT', 'CANCELLED', 'OUT_OF_MEMORY', 'COMPLETED']
                )[LEAST(1 + r1 / 1009 %% 25, 5)]
            END AS state
        FROM (
            SELECT
                n, abs(hashint8(n)::bigint) AS r1, abs(hashint8extended(n, 2) / 8589934592) AS r2,
                abs(hashint8extended(n, 3) / 8589934592) AS r3
            FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
        ) AS random
    ) AS timed
) AS made
""")
_EVENTS = sql.SQL("""
INSERT INTO job_events (
    event_id, cluster, job_id, submitted_at, restart_count, verb, state, reason, source,
    occurred_at, observed_at, revision, changed, job_name, user_name, account
)
SELECT
    md5(jo.cluster || jo.job_id || ev.verb), jo.cluster, jo.job_id, jo.submitted_at, 0, ev.verb,
    ev.state, '', 'queue', ev.at, ev.at, 1000000, '{}', jo.name, jo.user_name, jo.account
FROM jobs AS jo
CROSS JOIN LATERAL (
    VALUES ('submitted', 'PENDING', jo.submitted_at), ('started', 'RUNNING', jo.started_at),
    ('ended', jo.state, jo.ended_at)
) AS ev (verb, state, at)
WHERE jo.raw_id BETWEEN 1000000 + %(first)s::bigint AND 1000000 + %(last)s::bigint
    AND ev.at IS NOT NULL
""")
_RUNS = sql.SQL("""
INSERT INTO ended_runs (
    cluster, job_id, submitted_at, restart_count, revision, state, partition, started_at, ended_at,
    gpu_count, cpu_count
)
SELECT cluster, job_id, submitted_at, 0, revision, state, partition, started_at, ended_at,
    gpu_count, cpu_count
FROM jobs
WHERE raw_id BETWEEN 1000000 + %(first)s::bigint AND 1000000 + %(last)s::bigint AND NOT is_live
""")
_MARKS = sql.SQL("""
INSERT INTO usage_marks (cluster, day)
SELECT name, day::date
FROM unnest(%(names)s::text[]) AS name
CROSS JOIN generate_series(
    %(now)s::timestamptz - interval '366 d', %(now)s::timestamptz, interval '1 d'
) AS day
""")
SERIES_SAMPLES = 2_000
"""Samples of one GPU: one each half minute for some sixteen hours."""

_SERIES = sql.SQL("""
INSERT INTO gpu_series (
    cluster, job_id, submitted_at, source, node, gpu_uuid, gpu_index, mig_profile, model,
    memory_total_mib, last_day
)
SELECT
    jo.cluster, jo.job_id, jo.submitted_at, 'sidecar', 'gpu1', 'GPU-' || jo.job_id, 0, '', 'H100',
    81559, jo.submitted_at::date + 1
FROM jobs AS jo
WHERE jo.started_at IS NOT NULL
ORDER BY jo.submitted_at DESC
LIMIT %(series)s::bigint
""")
_SAMPLES = sql.SQL("""
INSERT INTO gpu_samples (
    series_id, observed_at, utilization_pct, power_w, temperature_c, span_s, memory_used_mib,
    gpu_count
)
SELECT
    se.series_id, se.submitted_at + interval '30 s' * step, (se.series_id + step) %% 101,
    300 + step %% 400, 60, 30, 40000, 1
FROM gpu_series AS se
CROSS JOIN generate_series(1, %(each)s::bigint) AS step
WHERE se.series_id BETWEEN %(first)s::bigint AND %(last)s::bigint
""")
_INDEXES = sql.SQL("""
SELECT ix.indexname, ix.indexdef
FROM pg_indexes AS ix
LEFT JOIN pg_constraint AS co ON co.conname = ix.indexname
WHERE ix.schemaname = 'public' AND ix.tablename = ANY(%(tables)s::text[]) AND co.oid IS NULL
""")
_FOR_RAW_ID = sql.SQL("CREATE INDEX bench_raw_id ON jobs (raw_id)")
_NO_RAW_ID = sql.SQL("DROP INDEX bench_raw_id")

Connection = psycopg.AsyncConnection[tuple[object, ...]]


@dataclass(slots=True, kw_only=True)
class Built:
    """How long each step took."""

    seconds: dict[str, float] = field(default_factory=dict[str, float])


async def build(
    dsn: str, *, jobs: int, samples: int, now: datetime, say: Callable[[str], None] = lambda _: None
) -> Built:
    """Fill an empty, migrated store.

    Args:
        dsn: Of a superuser.
        jobs: How many; the newest `LIVE_SHARE` of them are live.
        samples: How many of GPUs, of the newest jobs that ran.
        now: When the year ends.
        say: Told what is done next.
    """
    built = Built()

    async def step(what: str, work: Callable[[], Awaitable[object]]) -> None:
        say(what)
        began_s = time.perf_counter()
        await work()
        built.seconds[what] = time.perf_counter() - began_s

    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        settings = "SET synchronous_commit = off; SET maintenance_work_mem = '1GB'; SET jit = off"
        await connection.execute(sql.SQL(settings))
        await connection.execute(_CLUSTERS, {"names": list(CLUSTERS), "now": now})
        await connection.execute(_STATUS, {"names": list(CLUSTERS), "now": now})
        indexes = await _take_indexes(connection)
        shape = {
            "jobs": jobs,
            "now": now,
            "clusters": list(CLUSTERS),
            "cluster_count": len(CLUSTERS),
            "first_live": round(jobs * (1 - LIVE_SHARE)),
        }
        await step("jobs", lambda: _in_chunks(connection, _JOBS, shape))
        await connection.execute(_FOR_RAW_ID)
        await step("events", lambda: _in_chunks(connection, _EVENTS, shape))
        await step("runs", lambda: _in_chunks(connection, _RUNS, shape))
        await connection.execute(_NO_RAW_ID)
        for name, definition in indexes:
            await step(f"index {name}", lambda made=definition: connection.execute(made))
        series = samples // SERIES_SAMPLES
        await connection.execute(_SERIES, {"series": series})
        await step("samples", lambda: _samples_of(connection, series))
        await connection.execute(_MARKS, {"names": list(CLUSTERS), "now": now})
        await step("VACUUM ANALYZE", lambda: connection.execute(sql.SQL("VACUUM ANALYZE")))
    return built


async def _samples_of(connection: Connection, series: int) -> None:
    for first in range(1, series + 1, _CHUNK_SERIES):
        last = min(first + _CHUNK_SERIES - 1, series)
        shape = {"each": SERIES_SAMPLES, "first": first, "last": last}
        await connection.execute(_SAMPLES, shape)


async def _take_indexes(connection: Connection) -> list[tuple[str, bytes]]:
    """Drop what can be made again; give names and definitions."""
    found = await connection.execute(_INDEXES, {"tables": list(_COPIED)})
    indexes = [(str(name), str(made).encode()) for name, made in await found.fetchall()]
    for name, _ in indexes:
        await connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    return indexes


async def _in_chunks(connection: Connection, command: sql.SQL, shape: dict[str, object]) -> None:
    total = int(str(shape["jobs"]))
    for first in range(0, total, _CHUNK):
        last = min(first + _CHUNK, total) - 1
        await connection.execute(command, {**shape, "first": first, "last": last})
