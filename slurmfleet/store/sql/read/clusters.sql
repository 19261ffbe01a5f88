-- name: list_clusters
-- One row per configured cluster, by name.
SELECT
    cl.name, cl.config ->> 'host' AS host, coalesce((cl.config ->> 'port')::integer, 22) AS port,
    coalesce(cl.config ->> 'user', '') AS "user",
    coalesce(cl.config ->> 'transport', 'asyncssh') AS transport,
    ARRAY(SELECT jsonb_array_elements_text(cl.config -> 'track_users')) AS track_users,
    ARRAY(SELECT jsonb_array_elements_text(cl.config -> 'track_accounts')) AS track_accounts,
    coalesce((cl.config ->> 'poll_interval_s')::double precision, 30) AS poll_interval_s,
    coalesce(cl.config ->> 'account', '') AS account,
    coalesce(cl.config ->> 'gpu_type', '') AS gpu_type,
    coalesce((cl.config ->> 'gpus_per_node')::integer, 0) AS gpus_per_node,
    ARRAY(SELECT jsonb_array_elements_text(cl.config -> 'mount_paths')) AS mount_paths,
    coalesce((cl.config ->> 'simulated')::boolean, FALSE) AS simulated, cl.registry_revision,
    cs.link, coalesce(cs.error, '') AS error, cs.failing_since, cs.last_poll_started_at,
    cs.last_poll_finished_at, cs.interval_s, cs.state_since,
    coalesce(cs.slurm_version, '') AS slurm_version, cs.slurm_rpcs, cs.clock_offset_s,
    coalesce(cs.tracked_jobs, 0) AS tracked_jobs, coalesce(cs.detail_error, '') AS detail_error,
    cs.queue_observed_at, coalesce(cs.queue_error, '') AS queue_error, cs.accounting_observed_at,
    coalesce(cs.accounting_error, '') AS accounting_error, cs.observed_at, ag.age_s,
    st.stale_reason <> '' AS stale, st.stale_reason
FROM clusters AS cl
LEFT JOIN cluster_status AS cs ON cs.cluster = cl.name
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN cs.observed_at IS NOT NULL
            THEN GREATEST(0, extract(EPOCH FROM %(now)s::timestamptz - cs.observed_at))
        END::double precision AS age_s
) AS ag
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN cs.cluster IS NULL THEN 'No look at this cluster has been recorded yet.'
            WHEN cs.observed_at IS NULL OR cs.observed_at < cs.last_poll_finished_at
            THEN 'The last look at the cluster failed: ' || COALESCE(
                NULLIF(left(cs.error, 400), ''),
                NULLIF(left(cs.detail_error, 400), ''),
                CASE cs.link WHEN 'ok' THEN 'it told no jobs.' ELSE replace(cs.link, '_', ' ') || '.' END
            )
            WHEN ag.age_s > 3 * cs.interval_s THEN 'Older than three polling intervals.'
            ELSE ''
        END AS stale_reason
) AS st
WHERE
    cl.removed_at IS NULL
    AND (%(cluster)s::text IS NULL OR cl.name = %(cluster)s::text)
ORDER BY cl.name
LIMIT %(limit)s::integer

-- name: count_live_jobs
-- One row per cluster and state that has stored live jobs, by cluster and state.
-- A whole array or het job speaks for all of its members: those that wait have no rows of their own.
WITH live AS (
    SELECT
        jo.cluster, jo.state, jo.task_states, coalesce(jo.array_job_id, jo.het_job_id) AS group_id,
        (jo.array_job_id IS NOT NULL AND jo.array_task_id IS NULL)
        OR (jo.het_job_id IS NOT NULL AND jo.het_offset IS NULL) AS is_group
    FROM jobs AS jo
    WHERE jo.is_live AND (%(cluster)s::text IS NULL OR jo.cluster = %(cluster)s::text)
)
SELECT ct.cluster, ct.state, sum(ct.jobs)::bigint AS jobs
FROM (
    SELECT li.cluster, li.state, 1::bigint AS jobs
    FROM live AS li
    LEFT JOIN live AS gr ON gr.is_group AND gr.cluster = li.cluster AND gr.group_id = li.group_id
    WHERE gr.cluster IS NULL
    UNION ALL
    SELECT li.cluster, ts.key, ts.value::bigint
    FROM live AS li
    CROSS JOIN LATERAL jsonb_each_text(li.task_states) AS ts
    WHERE
        li.is_group
        AND ts.key NOT IN (
            'COMPLETED', 'CANCELLED', 'FAILED', 'TIMEOUT', 'NODE_FAIL', 'PREEMPTED', 'BOOT_FAIL',
            'DEADLINE', 'OUT_OF_MEMORY', 'VANISHED'
        )
) AS ct
WHERE ct.jobs > 0
GROUP BY ct.cluster, ct.state
ORDER BY ct.cluster, ct.state

-- name: list_partition_counts
-- One row per cluster, partition and state, in this order.
SELECT pc.cluster, pc.partition, pc.state, pc.jobs, pc.gpus, pc.observed_at
FROM partition_counts AS pc
WHERE %(cluster)s::text IS NULL OR pc.cluster = %(cluster)s::text
ORDER BY pc.cluster, pc.partition, pc.state

-- name: list_cluster_names
-- One row per cluster that was ever configured or looked at, by name; whether it is configured now.
SELECT kn.name, bool_or(kn.configured) AS configured
FROM (
    SELECT cl.name, cl.removed_at IS NULL AS configured
    FROM clusters AS cl
    UNION ALL
    SELECT cs.cluster, FALSE
    FROM cluster_status AS cs
) AS kn
GROUP BY kn.name
ORDER BY kn.name
