-- name: list_board
-- One row per job of the board, the latest end first; one that goes on, which only a pin brings here,
-- stands before all others as if it ended last of all.
SELECT
    bo.cluster, bo.job_id, bo.submitted_at, bo.over_at, bo.mark, bo.marked_by, bo.marked_at, bo.reason
FROM (
    SELECT
        jo.cluster, jo.job_id, jo.submitted_at, jo.user_name, jo.project, jo.state,
        coalesce(jo.ended_at, jo.vanished_at, jo.observed_at) AS over_at,
        coalesce(bm.mark, '') AS mark, coalesce(bm.marked_by, '') AS marked_by, bm.marked_at,
        coalesce(bm.reason, '') AS reason
    FROM jobs AS jo
    LEFT JOIN board_marks AS bm
        ON bm.cluster = jo.cluster AND bm.job_id = jo.job_id AND bm.submitted_at = jo.submitted_at
            AND (bm.mark = 'pinned' OR bm.restart_count >= jo.restart_count)
    WHERE
        NOT jo.is_live
        AND coalesce(jo.ended_at, jo.vanished_at, jo.observed_at) >= %(since)s::timestamptz
        AND coalesce(bm.mark = 'dismissed', FALSE) = %(dismissed)s::boolean
    UNION ALL
    SELECT
        jo.cluster, jo.job_id, jo.submitted_at, jo.user_name, jo.project, jo.state,
        CASE
            WHEN jo.is_live THEN TIMESTAMPTZ '9999-01-01 00:00:00+00'
            ELSE coalesce(jo.ended_at, jo.vanished_at, jo.observed_at)
        END AS over_at,
        pi.mark, pi.marked_by, pi.marked_at, pi.reason
    FROM board_marks AS pi
    INNER JOIN jobs AS jo
        ON jo.cluster = pi.cluster AND jo.job_id = pi.job_id AND jo.submitted_at = pi.submitted_at
    WHERE
        pi.mark = 'pinned'
        AND NOT %(dismissed)s::boolean
        AND (
            jo.is_live
            OR coalesce(jo.ended_at, jo.vanished_at, jo.observed_at) < %(since)s::timestamptz
        )
) AS bo
WHERE
    (%(clusters)s::text[] IS NULL OR bo.cluster = ANY(%(clusters)s::text[]))
    AND (%(users)s::text[] IS NULL OR bo.user_name = ANY(%(users)s::text[]))
    AND (%(projects)s::text[] IS NULL OR bo.project = ANY(%(projects)s::text[]))
    AND (%(states)s::text[] IS NULL OR bo.state = ANY(%(states)s::text[]))
    AND bo.cluster NOT IN (SELECT gone.name FROM clusters AS gone WHERE gone.removed_at IS NOT NULL)
    AND (
        %(after_over_at)s::timestamptz IS NULL
        OR (
            bo.over_at <= %(after_over_at)s::timestamptz
            AND (
                bo.over_at < %(after_over_at)s::timestamptz
                OR (bo.cluster, bo.job_id, bo.submitted_at)
                > (
                    %(after_cluster)s::text, %(after_job_id)s::text,
                    %(after_submitted_at)s::timestamptz
                )
            )
        )
    )
ORDER BY bo.over_at DESC, bo.cluster, bo.job_id, bo.submitted_at
LIMIT %(limit)s::integer

-- name: list_cleanup
-- One row per job whose history a cleanup would remove, the oldest end first. What is pinned stays.
SELECT
    jo.cluster, jo.job_id, jo.submitted_at, jo.name, jo.user_name AS "user", jo.state,
    coalesce(jo.ended_at, jo.vanished_at, jo.observed_at) AS over_at
FROM jobs AS jo
WHERE
    NOT jo.is_live
    AND coalesce(jo.ended_at, jo.vanished_at, jo.observed_at) < %(before)s::timestamptz
    AND jo.observed_at < %(before)s::timestamptz
    AND (%(clusters)s::text[] IS NULL OR jo.cluster = ANY(%(clusters)s::text[]))
    AND (%(users)s::text[] IS NULL OR jo.user_name = ANY(%(users)s::text[]))
    AND NOT EXISTS (
        SELECT FROM board_marks AS bm
        WHERE
            bm.cluster = jo.cluster AND bm.job_id = jo.job_id AND bm.submitted_at = jo.submitted_at
            AND bm.mark = 'pinned'
    )
    AND (
        %(after_over_at)s::timestamptz IS NULL
        OR (
            coalesce(jo.ended_at, jo.vanished_at, jo.observed_at), jo.cluster, jo.job_id, jo.submitted_at
        ) > (
            %(after_over_at)s::timestamptz, %(after_cluster)s::text, %(after_job_id)s::text,
            %(after_submitted_at)s::timestamptz
        )
    )
ORDER BY over_at, jo.cluster, jo.job_id, jo.submitted_at
LIMIT %(limit)s::integer

-- name: count_cleanup
-- One row per cluster with jobs whose history a cleanup would remove, by name.
SELECT jo.cluster, count(*) AS jobs
FROM jobs AS jo
WHERE
    NOT jo.is_live
    AND coalesce(jo.ended_at, jo.vanished_at, jo.observed_at) < %(before)s::timestamptz
    AND jo.observed_at < %(before)s::timestamptz
    AND (%(clusters)s::text[] IS NULL OR jo.cluster = ANY(%(clusters)s::text[]))
    AND (%(users)s::text[] IS NULL OR jo.user_name = ANY(%(users)s::text[]))
    AND NOT EXISTS (
        SELECT FROM board_marks AS bm
        WHERE
            bm.cluster = jo.cluster AND bm.job_id = jo.job_id AND bm.submitted_at = jo.submitted_at
            AND bm.mark = 'pinned'
    )
GROUP BY jo.cluster
ORDER BY jo.cluster
