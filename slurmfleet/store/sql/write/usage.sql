-- name: write_ended_runs
-- No rows; stores each run of the batch (one per key) unless a newer revision of it is stored, and
-- marks the days that it held, and those that it held by what was stored before.
WITH batch AS (
    SELECT
        ba.cluster, ba.job_id, ba.submitted_at, ba.restart_count, ba.revision, ba.state,
        ba.partition, ba.started_at, ba.ended_at, ba.gpu_count, ba.cpu_count
    FROM unnest(
        %(cluster)s::text[], %(job_id)s::text[], %(submitted_at)s::timestamptz[],
        %(restart_count)s::integer[], %(revision)s::bigint[], %(state)s::text[],
        %(partition)s::text[], %(started_at)s::timestamptz[], %(ended_at)s::timestamptz[],
        %(gpu_count)s::integer[], %(cpu_count)s::integer[]
    ) AS ba (
        cluster, job_id, submitted_at, restart_count, revision, state, partition, started_at,
        ended_at, gpu_count, cpu_count
    )
), stored AS (
    SELECT er.cluster, er.started_at, er.ended_at
    FROM batch AS ba
    INNER JOIN ended_runs AS er
        ON er.cluster = ba.cluster
        AND er.job_id = ba.job_id
        AND er.submitted_at = ba.submitted_at
        AND er.restart_count = ba.restart_count
    WHERE er.revision < ba.revision
), written AS (
    INSERT INTO ended_runs AS er (
        cluster, job_id, submitted_at, restart_count, revision, state, partition, started_at,
        ended_at, gpu_count, cpu_count
    )
    SELECT
        ba.cluster, ba.job_id, ba.submitted_at, ba.restart_count, ba.revision, ba.state,
        ba.partition, ba.started_at, ba.ended_at, ba.gpu_count, ba.cpu_count
    FROM batch AS ba
    ON CONFLICT (cluster, job_id, submitted_at, restart_count) DO UPDATE SET
        revision = EXCLUDED.revision, state = EXCLUDED.state, partition = EXCLUDED.partition,
        started_at = EXCLUDED.started_at, ended_at = EXCLUDED.ended_at,
        gpu_count = EXCLUDED.gpu_count, cpu_count = EXCLUDED.cpu_count
    WHERE EXCLUDED.revision > er.revision
    RETURNING er.cluster, er.started_at, er.ended_at
)
INSERT INTO usage_marks (cluster, day)
SELECT DISTINCT ru.cluster, dy.day::date
FROM (
    SELECT st.cluster, st.started_at, st.ended_at FROM stored AS st
    UNION ALL
    SELECT wr.cluster, wr.started_at, wr.ended_at FROM written AS wr
) AS ru
CROSS JOIN LATERAL generate_series(
    (LEAST(ru.started_at, ru.ended_at) AT TIME ZONE 'UTC')::date::timestamp,
    (ru.ended_at AT TIME ZONE 'UTC')::date::timestamp,
    interval '1 day'
) AS dy (day)

-- name: mark_usage_of_jobs
-- No rows; marks the days that the stored runs of these jobs held: the jobs live again, so a run
-- counts for something else now, or for nothing.
INSERT INTO usage_marks (cluster, day)
SELECT DISTINCT er.cluster, dy.day::date
FROM unnest(
    %(cluster)s::text[], %(job_id)s::text[], %(submitted_at)s::timestamptz[]
) AS ba (cluster, job_id, submitted_at)
INNER JOIN ended_runs AS er
    ON er.cluster = ba.cluster AND er.job_id = ba.job_id AND er.submitted_at = ba.submitted_at
CROSS JOIN LATERAL generate_series(
    (LEAST(er.started_at, er.ended_at) AT TIME ZONE 'UTC')::date::timestamp,
    (er.ended_at AT TIME ZONE 'UTC')::date::timestamp,
    interval '1 day'
) AS dy (day)

-- name: take_usage_mark
-- One row: the newest marked day of a cluster; none when no day is marked. Its marks are gone with
-- this transaction; one that comes meanwhile stays.
WITH newest AS (
    SELECT um.cluster, um.day
    FROM usage_marks AS um
    ORDER BY um.day DESC, um.cluster
    LIMIT 1
), taken AS (
    DELETE FROM usage_marks AS um
    USING newest AS ne
    WHERE um.cluster = ne.cluster AND um.day = ne.day
    RETURNING um.mark_id
)
SELECT ne.cluster, ne.day
FROM newest AS ne
WHERE EXISTS (SELECT FROM taken)

-- name: delete_usage_day
-- No rows; makes room for what a cluster's runs used on a day.
DELETE FROM usage_daily AS ud
WHERE ud.cluster = %(cluster)s::text AND ud.day = %(day)s::date

-- name: write_usage_day
-- No rows; works out what a cluster's ended runs used on a day. Whole arrays and het jobs do not
-- count beside their members. A run whose job is live again in the same run has not ended.
-- What was sampled is that of the hours in which the run held its GPUs, and never more than it held.
WITH bounds AS (
    SELECT
        %(day)s::date::timestamp AT TIME ZONE 'UTC' AS begins_at,
        (%(day)s::date::timestamp + interval '1 day') AT TIME ZONE 'UTC' AS ends_at
), touching AS (
    SELECT
        er.job_id, er.submitted_at, er.restart_count, er.state, er.partition, er.started_at,
        er.ended_at, er.gpu_count, er.cpu_count, TRUE AS ends_here
    FROM ended_runs AS er
    WHERE
        er.cluster = %(cluster)s::text
        AND er.ended_at >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
        AND er.ended_at < (%(day)s::date::timestamp + interval '1 day') AT TIME ZONE 'UTC'
    UNION ALL
    SELECT
        er.job_id, er.submitted_at, er.restart_count, er.state, er.partition, er.started_at,
        er.ended_at, er.gpu_count, er.cpu_count, FALSE
    FROM ended_runs AS er
    WHERE
        er.cluster = %(cluster)s::text
        AND (er.started_at AT TIME ZONE 'UTC')::date < (er.ended_at AT TIME ZONE 'UTC')::date
        AND tstzrange(er.started_at, GREATEST(er.started_at, er.ended_at)) && tstzrange(
            %(day)s::date::timestamp AT TIME ZONE 'UTC',
            (%(day)s::date::timestamp + interval '1 day') AT TIME ZONE 'UTC'
        )
        AND er.ended_at >= (%(day)s::date::timestamp + interval '1 day') AT TIME ZONE 'UTC'
), held AS (
    SELECT
        jo.user_name, jo.account, jo.project, tc.partition, tc.gpu_count, tc.cpu_count,
        tc.ends_here, tc.restart_count < jo.restart_count AS is_requeued,
        tc.state IN (
            'FAILED', 'TIMEOUT', 'NODE_FAIL', 'OUT_OF_MEMORY', 'BOOT_FAIL', 'DEADLINE'
        ) AS has_failed,
        GREATEST(0, coalesce(extract(
            EPOCH FROM LEAST(tc.ended_at, bo.ends_at) - GREATEST(tc.started_at, bo.begins_at)
        ), 0))::double precision AS held_s,
        us.sampled_gpu_s, us.utilization_gpu_s
    FROM touching AS tc
    CROSS JOIN bounds AS bo
    INNER JOIN jobs AS jo
        ON jo.cluster = %(cluster)s::text
        AND jo.job_id = tc.job_id
        AND jo.submitted_at = tc.submitted_at
    LEFT JOIN LATERAL (
        SELECT sum(uh.sampled_gpu_s) AS sampled_gpu_s, sum(uh.utilization_gpu_s) AS utilization_gpu_s
        FROM job_use_hours AS uh
        WHERE
            uh.cluster = %(cluster)s::text
            AND uh.job_id = tc.job_id
            AND uh.submitted_at = tc.submitted_at
            AND uh.hour_at >= GREATEST(bo.begins_at, date_trunc('hour', tc.started_at, 'UTC'))
            AND uh.hour_at < LEAST(bo.ends_at, tc.ended_at)
    ) AS us ON TRUE
    WHERE
        (tc.restart_count < jo.restart_count OR NOT jo.is_live)
        AND NOT (jo.array_job_id IS NOT NULL AND jo.array_task_id IS NULL)
        AND NOT (jo.het_job_id IS NOT NULL AND jo.het_offset IS NULL)
), sampled AS (
    -- Whole thousandths, so that sums do not depend on the order of rows. An hour in which one run of a
    -- job ended and its next began has samples of both, so no run has more of them than it held.
    SELECT
        he.user_name, he.account, he.project, he.partition, he.ends_here, he.is_requeued,
        he.has_failed, round(1000 * he.gpu_count * he.held_s)::bigint AS gpu_ms,
        round(1000 * he.cpu_count * he.held_s)::bigint AS cpu_ms,
        round(1000 * he.sampled_gpu_s * LEAST(
            1, he.gpu_count * he.held_s / NULLIF(he.sampled_gpu_s, 0)
        ))::bigint AS sampled_gpu_ms,
        round(1000 * he.utilization_gpu_s * LEAST(
            1, he.gpu_count * he.held_s / NULLIF(he.sampled_gpu_s, 0)
        ))::bigint AS utilization_gpu_ms
    FROM held AS he
)
INSERT INTO usage_daily (
    day, cluster, user_name, account, project, partition, jobs, failed_jobs, requeued_runs, gpu_s,
    cpu_s, wasted_gpu_s, requeued_gpu_s, sampled_gpu_s, utilization_gpu_s
)
SELECT
    %(day)s::date, %(cluster)s::text, sa.user_name, sa.account, sa.project, sa.partition,
    count(*) FILTER (WHERE sa.ends_here AND NOT sa.is_requeued),
    count(*) FILTER (WHERE sa.ends_here AND NOT sa.is_requeued AND sa.has_failed),
    count(*) FILTER (WHERE sa.ends_here AND sa.is_requeued),
    sum(sa.gpu_ms) / 1000.0, sum(sa.cpu_ms) / 1000.0,
    coalesce(sum(sa.gpu_ms) FILTER (WHERE sa.has_failed), 0) / 1000.0,
    coalesce(sum(sa.gpu_ms) FILTER (WHERE sa.is_requeued), 0) / 1000.0,
    coalesce(sum(sa.sampled_gpu_ms), 0) / 1000.0, coalesce(sum(sa.utilization_gpu_ms), 0) / 1000.0
FROM sampled AS sa
GROUP BY sa.user_name, sa.account, sa.project, sa.partition

-- name: read_project_assignment
-- One row at most: by which rules stored jobs have their projects, and how far that has come.
SELECT
    pa.rules, pa.after_cluster, pa.after_job_id, pa.after_submitted_at, pa.is_done
FROM project_assignment AS pa

-- name: write_project_assignment
-- No rows; keeps by which rules stored jobs have their projects, and how far that has come.
INSERT INTO project_assignment AS pa (
    rules, after_cluster, after_job_id, after_submitted_at, is_done
)
VALUES (
    %(rules)s::text::jsonb, %(after_cluster)s::text, %(after_job_id)s::text,
    %(after_submitted_at)s::timestamptz, %(is_done)s::boolean
)
ON CONFLICT (only_row) DO UPDATE SET
    rules = EXCLUDED.rules, after_cluster = EXCLUDED.after_cluster,
    after_job_id = EXCLUDED.after_job_id, after_submitted_at = EXCLUDED.after_submitted_at,
    is_done = EXCLUDED.is_done

-- name: list_job_names
-- One row per job after one, by cluster, id and submission: its name and its project.
SELECT jo.cluster, jo.job_id, jo.submitted_at, jo.name, jo.project
FROM jobs AS jo
WHERE
    (jo.cluster, jo.job_id, jo.submitted_at)
    > (
        coalesce(%(after_cluster)s::text, ''), coalesce(%(after_job_id)s::text, ''),
        coalesce(%(after_submitted_at)s::timestamptz, '-infinity')
    )
ORDER BY jo.cluster, jo.job_id, jo.submitted_at
LIMIT %(limit)s::integer

-- name: assign_projects
-- No rows; gives jobs that still have the name they were judged by another project.
UPDATE jobs AS jo
SET project = ba.project
FROM unnest(
    %(cluster)s::text[], %(job_id)s::text[], %(submitted_at)s::timestamptz[], %(name)s::text[],
    %(project)s::text[]
) AS ba (cluster, job_id, submitted_at, name, project)
WHERE
    jo.cluster = ba.cluster
    AND jo.job_id = ba.job_id
    AND jo.submitted_at = ba.submitted_at
    AND jo.name = ba.name
