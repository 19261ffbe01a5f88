-- name: find_unnamed_jobs
-- One row per live job of a cluster that a roll does not name, the longest unseen first, then by id.
SELECT jo.job_id, jo.submitted_at, jo.observed_at
FROM jobs AS jo
WHERE
    jo.cluster = %(cluster)s::text
    AND jo.is_live
    AND NOT EXISTS (
        SELECT FROM unnest(%(job_ids)s::text[], %(submitted_at)s::timestamptz[])
            AS ro (job_id, submitted_at)
        WHERE ro.job_id = jo.job_id AND ro.submitted_at = jo.submitted_at
    )
ORDER BY jo.observed_at, jo.job_id
LIMIT %(limit)s::integer

-- name: find_missed_jobs
-- One row per job that a roll names and of which no row is stored, or an older one, or, where that
-- is asked for, not the beginning or the end of its run; the order of the roll.
SELECT ro.job_id, ro.submitted_at
FROM unnest(
    %(job_ids)s::text[], %(submitted_at)s::timestamptz[], %(revisions)s::bigint[]
) WITH ORDINALITY AS ro (job_id, submitted_at, revision, place)
LEFT JOIN jobs AS jo
    ON jo.cluster = %(cluster)s::text
    AND jo.job_id = ro.job_id
    AND jo.submitted_at = ro.submitted_at
WHERE
    jo.revision IS NULL
    OR jo.revision < ro.revision
    OR (
        %(with_events)s::boolean
        AND (
            NOT EXISTS (
                SELECT FROM job_events AS ev
                WHERE
                    ev.cluster = jo.cluster
                    AND ev.job_id = jo.job_id
                    AND ev.submitted_at = jo.submitted_at
                    AND ev.restart_count = jo.restart_count
                    AND ev.verb = 'submitted'
            )
            OR (
                NOT jo.is_live
                AND NOT EXISTS (
                    SELECT FROM job_events AS ev
                    WHERE
                        ev.cluster = jo.cluster
                        AND ev.job_id = jo.job_id
                        AND ev.submitted_at = jo.submitted_at
                        AND ev.restart_count = jo.restart_count
                        AND ev.verb IN ('ended', 'vanished')
                )
            )
        )
    )
ORDER BY ro.place
LIMIT %(limit)s::integer

-- name: read_whole_jobs
-- One row per named job that is live, and per ended member of a named array or het job, whole; every
-- group beside its members, the members first. Members share the moment of submission with their
-- group; one that does not is left out.
WITH named AS (
    SELECT
        jo.job_id, jo.submitted_at,
        CASE WHEN jo.array_task_id IS NULL THEN jo.array_job_id END AS whole_array_id,
        CASE WHEN jo.het_offset IS NULL THEN jo.het_job_id END AS whole_het_id
    FROM unnest(%(job_ids)s::text[], %(submitted_at)s::timestamptz[]) AS na (job_id, submitted_at)
    INNER JOIN jobs AS jo
        ON jo.cluster = %(cluster)s::text
        AND jo.job_id = na.job_id
        AND jo.submitted_at = na.submitted_at
    WHERE jo.is_live
),

chosen AS (
    SELECT na.job_id, na.submitted_at
    FROM named AS na
    UNION
    (
        SELECT jo.job_id, jo.submitted_at
        FROM named AS na
        INNER JOIN jobs AS jo
            ON jo.submitted_at = na.submitted_at
            AND jo.cluster = %(cluster)s::text
            AND (
                (jo.array_task_id IS NOT NULL AND jo.array_job_id = na.whole_array_id)
                OR (jo.het_offset IS NOT NULL AND jo.het_job_id = na.whole_het_id)
            )
        WHERE NOT jo.is_live
        LIMIT %(most_members)s::integer
    )
)

SELECT
    jo.job_id, jo.raw_id, jo.submitted_at, jo.state, jo.state_flags, jo.reason, jo.name,
    jo.user_name AS "user", jo.account, jo.partition, jo.qos, jo.eligible_at, jo.started_at,
    jo.expected_start_at, jo.ended_at, jo.time_limit_s, jo.node_count, jo.node_list, jo.node_names,
    jo.has_all_node_names, jo.batch_host, jo.cpu_count, jo.memory_mib, jo.gpu_count, jo.gpu_source,
    jo.gpus_by_type, jo.tres, jo.priority, jo.dependency, jo.dependencies, jo.request, jo.work_dir,
    jo.command, jo.stdout_path, jo.stderr_path, jo.stdin_path, jo.unexpanded_paths, jo.comment,
    jo.submit_line, jo.restart_count, jo.exit_code, jo.exit_signal, jo.array_job_id,
    jo.array_task_id, jo.array_pending, jo.task_states, jo.het_job_id, jo.het_offset, jo.sluid,
    jo.revision, jo.observed_at, jo.source
FROM chosen AS ch
INNER JOIN jobs AS jo
    ON jo.cluster = %(cluster)s::text
    AND jo.job_id = ch.job_id
    AND jo.submitted_at = ch.submitted_at
ORDER BY
    coalesce(jo.array_job_id, jo.het_job_id, jo.raw_id),
    jo.array_task_id IS NULL AND jo.het_offset IS NULL,
    jo.job_id, jo.submitted_at
