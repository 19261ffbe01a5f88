-- name: insert_polls
-- No rows; stores each poll of the batch once.
INSERT INTO polls (
    cluster, started_at, finished_at, duration_s, link, error, failed, interval_s, state_since,
    sections, slurm_version, tracked_jobs, slurm_rpcs, clock_offset_s
)
SELECT
    ba.cluster, ba.started_at, ba.finished_at, ba.duration_s, ba.link, ba.error, ba.failed,
    ba.interval_s, ba.state_since, ba.sections::jsonb, ba.slurm_version, ba.tracked_jobs,
    ba.slurm_rpcs, ba.clock_offset_s
FROM unnest(
    %(cluster)s::text[], %(started_at)s::timestamptz[], %(finished_at)s::timestamptz[],
    %(duration_s)s::double precision[], %(link)s::text[], %(error)s::text[], %(failed)s::boolean[],
    %(interval_s)s::double precision[], %(state_since)s::timestamptz[], %(sections)s::text[],
    %(slurm_version)s::text[], %(tracked_jobs)s::integer[], %(slurm_rpcs)s::integer[],
    %(clock_offset_s)s::double precision[]
) AS ba (
    cluster, started_at, finished_at, duration_s, link, error, failed, interval_s, state_since,
    sections, slurm_version, tracked_jobs, slurm_rpcs, clock_offset_s
)
ON CONFLICT (cluster, started_at) DO NOTHING

-- name: read_cluster_status
-- One row per cluster of the batch that has a status; the order does not matter. One from the future,
-- later than both our clock and all that the cluster's collector told now, was made by a clock that
-- has been set back since: it would hide all that is true until then, and counts as none.
SELECT
    cs.cluster, cs.last_poll_started_at, cs.last_poll_finished_at, cs.link, cs.error, cs.interval_s,
    cs.state_since, cs.slurm_rpcs, cs.failing_since, cs.good_poll_started_at, cs.observed_at,
    cs.tracked_jobs, cs.detail_asked_at, cs.detail_error, cs.queue_observed_at, cs.queue_asked_at,
    cs.queue_error, cs.accounting_observed_at, cs.accounting_asked_at, cs.accounting_error,
    cs.slurm_version, cs.slurm_version_told_at, cs.clock_offset_s, cs.clock_offset_told_at
FROM cluster_status AS cs
INNER JOIN unnest(
    %(clusters)s::text[], %(told_until)s::timestamptz[]
) AS ba (cluster, told_until) ON ba.cluster = cs.cluster
WHERE
    greatest(cs.last_poll_started_at, cs.last_poll_finished_at)
    <= greatest(now(), ba.told_until) + INTERVAL '1 minute'

-- name: write_cluster_status
-- No rows; stores a cluster's status as it was worked out. Since when the cluster fails is looked up
-- among the stored polls, so that polls may come in any order.
INSERT INTO cluster_status (
    cluster, last_poll_started_at, last_poll_finished_at, link, error, interval_s, state_since,
    slurm_rpcs, failing_since, good_poll_started_at, observed_at, tracked_jobs, detail_asked_at,
    detail_error, queue_observed_at, queue_asked_at, queue_error, accounting_observed_at,
    accounting_asked_at, accounting_error, slurm_version, slurm_version_told_at, clock_offset_s,
    clock_offset_told_at
)
SELECT
    %(cluster)s::text, %(last_poll_started_at)s::timestamptz, %(last_poll_finished_at)s::timestamptz,
    %(link)s::text, %(error)s::text, %(interval_s)s::double precision,
    %(state_since)s::timestamptz, %(slurm_rpcs)s::integer,
    LEAST(%(failing_since)s::timestamptz, min(po.started_at)), %(good_poll_started_at)s::timestamptz,
    %(observed_at)s::timestamptz, %(tracked_jobs)s::integer, %(detail_asked_at)s::timestamptz,
    %(detail_error)s::text, %(queue_observed_at)s::timestamptz, %(queue_asked_at)s::timestamptz,
    %(queue_error)s::text, %(accounting_observed_at)s::timestamptz,
    %(accounting_asked_at)s::timestamptz, %(accounting_error)s::text, %(slurm_version)s::text,
    %(slurm_version_told_at)s::timestamptz, %(clock_offset_s)s::double precision,
    %(clock_offset_told_at)s::timestamptz
FROM polls AS po
WHERE
    po.cluster = %(cluster)s::text
    AND po.failed
    AND po.started_at > coalesce(%(good_poll_started_at)s::timestamptz, '-infinity')
ON CONFLICT (cluster) DO UPDATE SET
    last_poll_started_at = EXCLUDED.last_poll_started_at,
    last_poll_finished_at = EXCLUDED.last_poll_finished_at, link = EXCLUDED.link,
    error = EXCLUDED.error, interval_s = EXCLUDED.interval_s, state_since = EXCLUDED.state_since,
    slurm_rpcs = EXCLUDED.slurm_rpcs, failing_since = EXCLUDED.failing_since,
    good_poll_started_at = EXCLUDED.good_poll_started_at, observed_at = EXCLUDED.observed_at,
    tracked_jobs = EXCLUDED.tracked_jobs, detail_asked_at = EXCLUDED.detail_asked_at,
    detail_error = EXCLUDED.detail_error, queue_observed_at = EXCLUDED.queue_observed_at,
    queue_asked_at = EXCLUDED.queue_asked_at, queue_error = EXCLUDED.queue_error,
    accounting_observed_at = EXCLUDED.accounting_observed_at,
    accounting_asked_at = EXCLUDED.accounting_asked_at,
    accounting_error = EXCLUDED.accounting_error, slurm_version = EXCLUDED.slurm_version,
    slurm_version_told_at = EXCLUDED.slurm_version_told_at,
    clock_offset_s = EXCLUDED.clock_offset_s,
    clock_offset_told_at = EXCLUDED.clock_offset_told_at

-- name: delete_partition_counts
-- No rows; makes room for a newer count of a cluster.
DELETE FROM partition_counts AS pc
WHERE pc.cluster = %(cluster)s::text

-- name: insert_partition_counts
-- No rows; stores a count of a cluster, one row per partition and state.
INSERT INTO partition_counts (cluster, partition, state, jobs, gpus, observed_at)
SELECT %(cluster)s::text, ba.partition, ba.state, ba.jobs, ba.gpus, %(observed_at)s::timestamptz
FROM unnest(
    %(partition)s::text[], %(state)s::text[], %(jobs)s::integer[], %(gpus)s::integer[]
) AS ba (partition, state, jobs, gpus)

-- name: forget_polls
-- One row: how many rows, or chunks of a hypertable, of polls before a moment were forgotten.
SELECT forget_polls(%(before)s::timestamptz) AS forgotten
