-- name: upsert_newest_samples
-- No rows; stores each sample of the batch (one per thing) unless a newer one is stored. What has not
-- changed is not written again: it may be long.
INSERT INTO newest_samples AS ns (kind, cluster, source, identity, observed_at, told)
SELECT ba.kind, ba.cluster, ba.source, ba.identity::text[], ba.observed_at, ba.told::jsonb
FROM unnest(
    %(kind)s::text[], %(cluster)s::text[], %(source)s::text[], %(identity)s::text[],
    %(observed_at)s::timestamptz[], %(told)s::text[]
) AS ba (kind, cluster, source, identity, observed_at, told)
ON CONFLICT (kind, cluster, source, identity) DO UPDATE SET
    observed_at = EXCLUDED.observed_at,
    told = CASE WHEN ns.told = EXCLUDED.told THEN ns.told ELSE EXCLUDED.told END
WHERE EXCLUDED.observed_at > ns.observed_at

-- name: insert_partition_samples
-- No rows; stores each row of the batch once.
INSERT INTO partition_samples (
    cluster, source, partition, state, nodes_total, nodes_by_state, cpus_total, cpus_allocated,
    cpus_free, memory_total_mib, memory_free_mib, gpus_total, gpus_allocated, gpus_free,
    gpus_pending, gpus_pending_eligible, gpus, observed_at
)
SELECT
    ba.cluster, ba.source, ba.partition, ba.state, ba.nodes_total, ba.nodes_by_state,
    ba.cpus_total, ba.cpus_allocated, ba.cpus_free, ba.memory_total_mib, ba.memory_free_mib,
    ba.gpus_total, ba.gpus_allocated, ba.gpus_free, ba.gpus_pending, ba.gpus_pending_eligible,
    ba.gpus, ba.observed_at
FROM jsonb_to_recordset(%(rows)s::text::jsonb) AS ba (
    cluster text, source text, partition text, state text, nodes_total integer, nodes_by_state jsonb,
    cpus_total integer, cpus_allocated integer, cpus_free integer, memory_total_mib bigint,
    memory_free_mib bigint, gpus_total integer, gpus_allocated integer, gpus_free integer,
    gpus_pending integer, gpus_pending_eligible integer, gpus jsonb, observed_at timestamptz
)
ON CONFLICT (cluster, partition, source, observed_at) DO NOTHING

-- name: insert_share_samples
-- No rows; stores each row of the batch once.
INSERT INTO share_samples (
    cluster, source, account, user_name, partition, fair_share, level_fs, norm_shares, norm_usage,
    raw_usage_s, gpus_running, gpus_pending, gpu_head_room, gpus_allocated, gpus_consumed,
    observed_at
)
SELECT
    ba.cluster, ba.source, ba.account, ba.user_name, ba.partition, ba.fair_share, ba.level_fs,
    ba.norm_shares, ba.norm_usage, ba.raw_usage_s, ba.gpus_running, ba.gpus_pending,
    ba.gpu_head_room, ba.gpus_allocated, ba.gpus_consumed, ba.observed_at
FROM jsonb_to_recordset(%(rows)s::text::jsonb) AS ba (
    cluster text, source text, account text, user_name text, partition text, fair_share double precision,
    level_fs double precision, norm_shares double precision, norm_usage double precision,
    raw_usage_s double precision, gpus_running integer, gpus_pending integer,
    gpu_head_room integer, gpus_allocated double precision, gpus_consumed double precision,
    observed_at timestamptz
)
ON CONFLICT (cluster, account, user_name, partition, source, observed_at) DO NOTHING

-- name: insert_qos_samples
-- No rows; stores each row of the batch once.
INSERT INTO qos_samples (
    cluster, source, name, priority, usage_factor, limits, observed_at
)
SELECT
    ba.cluster, ba.source, ba.name, ba.priority, ba.usage_factor, ba.limits, ba.observed_at
FROM jsonb_to_recordset(%(rows)s::text::jsonb) AS ba (
    cluster text, source text, name text, priority bigint, usage_factor double precision, limits
    jsonb, observed_at timestamptz
)
ON CONFLICT (cluster, name, source, observed_at) DO NOTHING

-- name: insert_usage_samples
-- No rows; stores each row of the batch once.
INSERT INTO usage_samples (
    cluster, source, account, user_name, since_at, until_at, cpu_s, gpu_s, tres_s, observed_at
)
SELECT
    ba.cluster, ba.source, ba.account, ba.user_name, ba.since_at, ba.until_at, ba.cpu_s, ba.gpu_s,
    ba.tres_s, ba.observed_at
FROM jsonb_to_recordset(%(rows)s::text::jsonb) AS ba (
    cluster text, source text, account text, user_name text, since_at timestamptz, until_at
    timestamptz, cpu_s bigint, gpu_s bigint, tres_s jsonb, observed_at timestamptz
)
ON CONFLICT (cluster, account, user_name, since_at, until_at, source, observed_at) DO NOTHING

-- name: insert_occupancy_samples
-- No rows; stores each row of the batch once.
INSERT INTO occupancy_samples (
    cluster, source, gpus_total, gpus_allocated, gpus_idle, observed_at
)
SELECT
    ba.cluster, ba.source, ba.gpus_total, ba.gpus_allocated, ba.gpus_idle, ba.observed_at
FROM jsonb_to_recordset(%(rows)s::text::jsonb) AS ba (
    cluster text, source text, gpus_total double precision, gpus_allocated double precision,
    gpus_idle double precision, observed_at timestamptz
)
ON CONFLICT (cluster, source, observed_at) DO NOTHING

-- name: insert_quota_samples
-- No rows; stores each row of the batch once.
INSERT INTO quota_samples (
    cluster, source, path, file_system, kind, owner, used_bytes, soft_limit_bytes,
    hard_limit_bytes, files, soft_limit_files, hard_limit_files, observed_at
)
SELECT
    ba.cluster, ba.source, ba.path, ba.file_system, ba.kind, ba.owner, ba.used_bytes,
    ba.soft_limit_bytes, ba.hard_limit_bytes, ba.files, ba.soft_limit_files, ba.hard_limit_files,
    ba.observed_at
FROM jsonb_to_recordset(%(rows)s::text::jsonb) AS ba (
    cluster text, source text, path text, file_system text, kind text, owner text, used_bytes
    bigint, soft_limit_bytes bigint, hard_limit_bytes bigint, files bigint, soft_limit_files
    bigint, hard_limit_files bigint, observed_at timestamptz
)
ON CONFLICT (cluster, path, file_system, kind, owner, source, observed_at) DO NOTHING

-- name: insert_surveys
-- No rows; stores each row of the batch once.
INSERT INTO surveys (
    cluster, source, topic, started_at, ok, error, interval_s, facts, rejected, slurm_rpcs,
    observed_at
)
SELECT
    ba.cluster, ba.source, ba.topic, ba.started_at, ba.ok, ba.error, ba.interval_s, ba.facts,
    ba.rejected, ba.slurm_rpcs, ba.observed_at
FROM jsonb_to_recordset(%(rows)s::text::jsonb) AS ba (
    cluster text, source text, topic text, started_at timestamptz, ok boolean, error text,
    interval_s double precision, facts integer, rejected integer, slurm_rpcs integer, observed_at
    timestamptz
)
ON CONFLICT (cluster, topic, source, observed_at) DO NOTHING
