-- name: read_usage
-- One row per group: what runs held within some UTC days, those that go on added up to the moment asked
-- for. Of what is not grouped by, the column is NULL. Sorted by day, then the largest first.
WITH ended AS (
    SELECT
        ud.day, ud.cluster, ud.user_name, ud.account, ud.project, ud.partition, ud.jobs,
        ud.failed_jobs, ud.requeued_runs, 0 AS live_jobs, ud.gpu_s, ud.cpu_s, ud.wasted_gpu_s,
        ud.requeued_gpu_s, ud.sampled_gpu_s, ud.utilization_gpu_s
    FROM usage_daily AS ud
    WHERE
        ud.day >= %(since)s::date
        AND ud.day < %(until)s::date
        AND (%(clusters)s::text[] IS NULL OR ud.cluster = ANY(%(clusters)s::text[]))
),

running AS (
    SELECT
        jo.cluster, jo.job_id, jo.submitted_at, jo.user_name, jo.account, jo.project, jo.partition,
        jo.gpu_count, jo.cpu_count, jo.started_at,
        -- Of a job that was not seen of late nobody knows that it still runs.
        LEAST(%(now)s::timestamptz, GREATEST(jo.observed_at, cs.observed_at)) AS held_until
    FROM jobs AS jo
    LEFT JOIN cluster_status AS cs ON cs.cluster = jo.cluster AND jo.observed_at >= cs.state_since
    WHERE
        jo.is_live
        AND jo.state NOT IN ('PENDING', 'REQUEUED')
        AND jo.started_at < %(until)s::date::timestamp AT TIME ZONE 'UTC'
        AND (%(clusters)s::text[] IS NULL OR jo.cluster = ANY(%(clusters)s::text[]))
        AND NOT (jo.array_job_id IS NOT NULL AND jo.array_task_id IS NULL)
        AND NOT (jo.het_job_id IS NOT NULL AND jo.het_offset IS NULL)
        AND jo.cluster NOT IN (
            SELECT gone.name FROM clusters AS gone WHERE gone.removed_at IS NOT NULL
        )
),

live_use AS (
    SELECT
        uh.cluster, uh.job_id, uh.submitted_at, date_trunc('day', uh.hour_at AT TIME ZONE 'UTC') AS day,
        sum(uh.sampled_gpu_s) AS sampled_gpu_s, sum(uh.utilization_gpu_s) AS utilization_gpu_s
    FROM running AS ru
    INNER JOIN job_use_hours AS uh
        ON
            uh.cluster = ru.cluster
            AND uh.job_id = ru.job_id
            AND uh.submitted_at = ru.submitted_at
            AND uh.hour_at >= date_trunc('hour', ru.started_at, 'UTC')
    WHERE uh.hour_at >= %(since)s::date::timestamp AT TIME ZONE 'UTC'
    GROUP BY 1, 2, 3, 4
),

live AS (
    SELECT
        dy.day::date AS day, ru.cluster, ru.user_name, ru.account, ru.project, ru.partition, 0 AS jobs,
        0 AS failed_jobs, 0 AS requeued_runs,
        -- It is counted once, on the last day that it held.
        CASE
            WHEN dy.day = date_trunc('day', ru.held_until, 'UTC') AT TIME ZONE 'UTC' THEN 1
            ELSE 0
        END AS live_jobs,
        ru.gpu_count * sp.held_s AS gpu_s, ru.cpu_count * sp.held_s AS cpu_s, 0 AS wasted_gpu_s,
        0 AS requeued_gpu_s, us.sampled_gpu_s, us.utilization_gpu_s
    FROM running AS ru
    CROSS JOIN LATERAL generate_series(
        GREATEST(
            date_trunc('day', ru.started_at, 'UTC') AT TIME ZONE 'UTC', %(since)s::date::timestamp
        ),
        LEAST(
            date_trunc('day', ru.held_until, 'UTC') AT TIME ZONE 'UTC',
            %(until)s::date::timestamp - INTERVAL '1 day'
        ),
        INTERVAL '1 day'
    ) AS dy (day)
    CROSS JOIN LATERAL (
        SELECT
            GREATEST(0, extract(
                EPOCH FROM LEAST(ru.held_until, (dy.day + INTERVAL '1 day') AT TIME ZONE 'UTC')
                - GREATEST(ru.started_at, dy.day AT TIME ZONE 'UTC')
            ))::double precision AS held_s
    ) AS sp
    LEFT JOIN live_use AS us
        ON
            us.cluster = ru.cluster
            AND us.job_id = ru.job_id
            AND us.submitted_at = ru.submitted_at
            AND us.day = dy.day
),

used AS (
    SELECT
        en.day, en.cluster, en.user_name, en.account, en.project, en.partition, en.jobs,
        en.failed_jobs, en.requeued_runs, en.live_jobs, en.gpu_s, en.cpu_s, en.wasted_gpu_s,
        en.requeued_gpu_s, en.sampled_gpu_s, en.utilization_gpu_s
    FROM ended AS en
    UNION ALL
    SELECT
        li.day, li.cluster, li.user_name, li.account, li.project, li.partition, li.jobs,
        li.failed_jobs, li.requeued_runs, li.live_jobs, li.gpu_s, li.cpu_s, li.wasted_gpu_s,
        li.requeued_gpu_s, li.sampled_gpu_s, li.utilization_gpu_s
    FROM live AS li
)

SELECT
    CASE WHEN 'day' = ANY(%(by)s::text[]) THEN us.day END AS day,
    CASE WHEN 'cluster' = ANY(%(by)s::text[]) THEN us.cluster END AS cluster,
    CASE WHEN 'user' = ANY(%(by)s::text[]) THEN us.user_name END AS "user",
    CASE WHEN 'account' = ANY(%(by)s::text[]) THEN us.account END AS account,
    CASE WHEN 'project' = ANY(%(by)s::text[]) THEN us.project END AS project,
    CASE WHEN 'partition' = ANY(%(by)s::text[]) THEN us.partition END AS partition,
    sum(us.jobs)::bigint AS jobs, sum(us.failed_jobs)::bigint AS failed_jobs,
    sum(us.requeued_runs)::bigint AS requeued_runs, sum(us.live_jobs)::bigint AS live_jobs,
    sum(us.gpu_s) / 3600 AS gpu_hours, sum(us.cpu_s) / 3600 AS cpu_hours,
    sum(us.wasted_gpu_s) / 3600 AS wasted_gpu_hours,
    sum(us.requeued_gpu_s) / 3600 AS requeued_gpu_hours,
    coalesce(sum(us.sampled_gpu_s), 0) / 3600 AS sampled_gpu_hours,
    100 * sum(us.utilization_gpu_s) / NULLIF(sum(us.sampled_gpu_s), 0) AS gpu_utilization_pct
FROM used AS us
WHERE
    (%(users)s::text[] IS NULL OR us.user_name = ANY(%(users)s::text[]))
    AND (%(accounts)s::text[] IS NULL OR us.account = ANY(%(accounts)s::text[]))
    AND (%(projects)s::text[] IS NULL OR us.project = ANY(%(projects)s::text[]))
    AND (%(partitions)s::text[] IS NULL OR us.partition = ANY(%(partitions)s::text[]))
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY 1, gpu_hours DESC, 2, 3, 4, 5, 6
LIMIT %(limit)s::integer
