-- name: list_jobs
-- One row per job that fits the filters, newest submission first, then by cluster and id.
-- JSON is read as text: jobs have the same again and again, and it is parsed once.
-- A live job was last seen when its cluster last told the tracked jobs, if the job was told since the
-- collector began to remember; an ended job was last seen when its end was.
-- Removed clusters are looked up apart: a table of twenty rows is never analyzed, and a condition on
-- a joined one makes the planner expect next to nothing and read every live job.
SELECT
    jo.cluster, jo.job_id, jo.raw_id, jo.name, jo.user_name AS "user", jo.account, jo.partition,
    jo.qos, jo.state, jo.state_flags, jo.reason, jo.submitted_at, jo.eligible_at, jo.started_at,
    jo.expected_start_at, jo.ended_at, jo.time_limit_s, jo.node_count AS nodes, jo.node_list,
    jo.cpu_count AS cpus, jo.memory_mib, jo.gpu_count AS gpus, jo.gpus_by_type::text, jo.tres,
    jo.priority, jo.dependency, jo.work_dir, jo.command, jo.stdout_path, jo.stderr_path, jo.comment,
    jo.submit_line, jo.restart_count, jo.exit_code, jo.exit_signal, jo.array_job_id,
    jo.array_task_id, jo.array_pending, jo.task_states::text, jo.het_job_id, jo.het_offset,
    jo.node_names, jo.has_all_node_names, jo.batch_host, jo.gpu_source, jo.dependencies::text,
    jo.request::text, jo.stdin_path, jo.unexpanded_paths, jo.sluid, NULLIF(jo.project, '') AS project,
    jo.first_observed_at, jo.vanished_at, jo.is_live AS live, jo.source, sn.observed_at, ag.age_s,
    st.stale_reason <> '' AS stale, st.stale_reason
FROM jobs AS jo
LEFT JOIN cluster_status AS cs ON cs.cluster = jo.cluster
LEFT JOIN clusters AS cl ON cl.name = jo.cluster
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN jo.is_live AND jo.observed_at >= cs.state_since
                AND NOT 'LEFT_QUEUE' = ANY(jo.state_flags)
            THEN GREATEST(jo.observed_at, cs.observed_at)
            ELSE jo.observed_at
        END AS observed_at
) AS sn
CROSS JOIN LATERAL (
    SELECT
        GREATEST(0, extract(EPOCH FROM %(now)s::timestamptz - sn.observed_at))::double precision
            AS age_s
) AS ag
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN NOT jo.is_live THEN ''
            WHEN cl.removed_at IS NOT NULL THEN 'The cluster is no longer configured.'
            WHEN cs.cluster IS NULL THEN 'No look at this cluster has been recorded yet.'
            WHEN jo.observed_at < cs.state_since
            THEN 'Not seen again since the collector began to remember.'
            WHEN 'LEFT_QUEUE' = ANY(jo.state_flags)
            THEN 'It left the queue, and accounting has not told how it ended.'
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
    (%(clusters)s::text[] IS NULL OR jo.cluster = ANY(%(clusters)s::text[]))
    AND (%(job_ids)s::text[] IS NULL OR jo.job_id = ANY(%(job_ids)s::text[]))
    AND (%(users)s::text[] IS NULL OR jo.user_name = ANY(%(users)s::text[]))
    AND (%(accounts)s::text[] IS NULL OR jo.account = ANY(%(accounts)s::text[]))
    AND (%(projects)s::text[] IS NULL OR jo.project = ANY(%(projects)s::text[]))
    AND (
        %(partitions)s::text[] IS NULL
        OR string_to_array(jo.partition, ',') && %(partitions)s::text[]
    )
    AND (%(states)s::text[] IS NULL OR jo.state = ANY(%(states)s::text[]))
    AND (
        %(pattern)s::text IS NULL
        OR jo.name ILIKE %(pattern)s::text
        OR jo.job_id ILIKE %(pattern)s::text
    )
    AND (%(since)s::timestamptz IS NULL OR jo.submitted_at >= %(since)s::timestamptz)
    AND (%(until)s::timestamptz IS NULL OR jo.submitted_at < %(until)s::timestamptz)
    AND (%(live)s::boolean IS NULL OR jo.is_live = %(live)s::boolean)
    AND (
        %(live)s::boolean IS NOT TRUE
        OR jo.cluster NOT IN (
            SELECT gone.name FROM clusters AS gone WHERE gone.removed_at IS NOT NULL
        )
    )
    AND (
        %(after_submitted_at)s::timestamptz IS NULL
        OR (
            jo.submitted_at <= %(after_submitted_at)s::timestamptz
            AND (
                jo.submitted_at < %(after_submitted_at)s::timestamptz
                OR (jo.cluster, jo.job_id) > (%(after_cluster)s::text, %(after_job_id)s::text)
            )
        )
    )
ORDER BY jo.submitted_at DESC, jo.cluster, jo.job_id
LIMIT %(limit)s::integer

-- name: find_place_behind
-- One row: when the last of so many jobs was submitted that follow a moment in the order of lists;
-- NULL where fewer are left. Moments are in the index, so that no row of jobs is read.
SELECT CASE WHEN count(*) = %(places)s::bigint THEN min(ne.submitted_at) END AS submitted_at
FROM (
    SELECT jo.submitted_at
    FROM jobs AS jo
    WHERE
        (%(at_most)s::timestamptz IS NULL OR jo.submitted_at <= %(at_most)s::timestamptz)
        AND (%(live)s::boolean IS NULL OR jo.is_live = %(live)s::boolean)
    ORDER BY jo.submitted_at DESC, jo.cluster, jo.job_id
    LIMIT %(places)s::bigint
) AS ne

-- name: limit_statement
-- One row without meaning; no later statement of this transaction may take longer.
SELECT set_config('statement_timeout', %(limit_ms)s::text, TRUE)

-- name: find_job
-- One row per submission of a job, newest first, at most one.
SELECT jo.submitted_at
FROM jobs AS jo
WHERE jo.cluster = %(cluster)s::text AND jo.job_id = %(job_id)s::text
ORDER BY jo.submitted_at DESC
LIMIT 1
