-- name: list_board
-- One row per job that is over within some days and either put away or not, the latest end first.
-- A pinned job is never put away.
SELECT
    jo.cluster, jo.job_id, jo.submitted_at,
    coalesce(jo.ended_at, jo.vanished_at, jo.observed_at) AS over_at
FROM jobs AS jo
WHERE
    NOT jo.is_live
    AND coalesce(jo.put_away_run >= jo.restart_count, FALSE) = %(dismissed)s::boolean
    AND coalesce(jo.ended_at, jo.vanished_at, jo.observed_at) >= %(since)s::timestamptz
    AND (%(clusters)s::text[] IS NULL OR jo.cluster = ANY(%(clusters)s::text[]))
    AND (%(users)s::text[] IS NULL OR jo.user_name = ANY(%(users)s::text[]))
    AND (%(projects)s::text[] IS NULL OR jo.project = ANY(%(projects)s::text[]))
    AND (%(states)s::text[] IS NULL OR jo.state = ANY(%(states)s::text[]))
    AND jo.cluster NOT IN (SELECT gone.name FROM clusters AS gone WHERE gone.removed_at IS NOT NULL)
    AND (
        %(after_over_at)s::timestamptz IS NULL
        OR (
            coalesce(jo.ended_at, jo.vanished_at, jo.observed_at) <= %(after_over_at)s::timestamptz
            AND (
                coalesce(jo.ended_at, jo.vanished_at, jo.observed_at)
                < %(after_over_at)s::timestamptz
                OR (jo.cluster, jo.job_id, jo.submitted_at)
                > (
                    %(after_cluster)s::text, %(after_job_id)s::text,
                    %(after_submitted_at)s::timestamptz
                )
            )
        )
    )
ORDER BY
    coalesce(jo.ended_at, jo.vanished_at, jo.observed_at) DESC, jo.cluster, jo.job_id,
    jo.submitted_at
LIMIT %(limit)s::integer

-- name: list_pinned
-- One row per pinned job that goes on or was over before some days, the latest end first; one that
-- goes on stands as if it ended last of all.
SELECT lo.cluster, lo.job_id, lo.submitted_at, lo.over_at
FROM (
    SELECT
        jo.cluster, jo.job_id, jo.submitted_at,
        CASE
            WHEN jo.is_live THEN TIMESTAMPTZ '9999-01-01 00:00:00+00'
            ELSE coalesce(jo.ended_at, jo.vanished_at, jo.observed_at)
        END AS over_at
    FROM board_pins AS pi
    INNER JOIN jobs AS jo
        ON jo.cluster = pi.cluster AND jo.job_id = pi.job_id AND jo.submitted_at = pi.submitted_at
    WHERE
        (
            jo.is_live
            OR coalesce(jo.ended_at, jo.vanished_at, jo.observed_at) < %(since)s::timestamptz
        )
        AND (%(clusters)s::text[] IS NULL OR jo.cluster = ANY(%(clusters)s::text[]))
        AND (%(users)s::text[] IS NULL OR jo.user_name = ANY(%(users)s::text[]))
        AND (%(projects)s::text[] IS NULL OR jo.project = ANY(%(projects)s::text[]))
        AND (%(states)s::text[] IS NULL OR jo.state = ANY(%(states)s::text[]))
        AND jo.cluster NOT IN (
            SELECT gone.name FROM clusters AS gone WHERE gone.removed_at IS NOT NULL
        )
) AS lo
WHERE
    %(after_over_at)s::timestamptz IS NULL
    OR (
        lo.over_at <= %(after_over_at)s::timestamptz
        AND (
            lo.over_at < %(after_over_at)s::timestamptz
            OR (lo.cluster, lo.job_id, lo.submitted_at)
            > (
                %(after_cluster)s::text, %(after_job_id)s::text,
                %(after_submitted_at)s::timestamptz
            )
        )
    )
ORDER BY lo.over_at DESC, lo.cluster, lo.job_id, lo.submitted_at
LIMIT %(limit)s::integer

-- name: read_pins
-- One row per pinned job among some, in no order.
SELECT pi.cluster, pi.job_id, pi.submitted_at, pi.pinned_by, pi.pinned_at, pi.reason
FROM board_pins AS pi
WHERE pi.cluster = ANY(%(clusters)s::text[]) AND pi.job_id = ANY(%(job_ids)s::text[])

-- name: list_cleanup
-- One row per job whose history a cleanup would remove, the oldest submission first. What is pinned
-- stays. A job is over after it was submitted, so nothing younger need be looked at.
SELECT
    jo.cluster, jo.job_id, jo.submitted_at, jo.name, jo.user_name AS "user", jo.state,
    coalesce(jo.ended_at, jo.vanished_at, jo.observed_at) AS over_at
FROM jobs AS jo
WHERE
    NOT jo.is_live
    AND jo.submitted_at < %(before)s::timestamptz
    AND coalesce(jo.ended_at, jo.vanished_at, jo.observed_at) < %(before)s::timestamptz
    AND jo.observed_at < %(before)s::timestamptz
    AND (%(clusters)s::text[] IS NULL OR jo.cluster = ANY(%(clusters)s::text[]))
    AND (%(users)s::text[] IS NULL OR jo.user_name = ANY(%(users)s::text[]))
    AND NOT EXISTS (
        SELECT FROM board_pins AS pi
        WHERE
            pi.cluster = jo.cluster AND pi.job_id = jo.job_id AND pi.submitted_at = jo.submitted_at
    )
    AND (
        %(after_submitted_at)s::timestamptz IS NULL
        OR (
            jo.submitted_at >= %(after_submitted_at)s::timestamptz
            AND (
                jo.submitted_at > %(after_submitted_at)s::timestamptz
                OR (jo.cluster, jo.job_id) < (%(after_cluster)s::text, %(after_job_id)s::text)
            )
        )
    )
ORDER BY jo.submitted_at, jo.cluster DESC, jo.job_id DESC
LIMIT %(limit)s::integer

-- name: count_cleanup
-- One row per cluster with jobs whose history a cleanup would remove, by name.
SELECT jo.cluster, count(*) AS jobs
FROM jobs AS jo
WHERE
    NOT jo.is_live
    AND jo.submitted_at < %(before)s::timestamptz
    AND coalesce(jo.ended_at, jo.vanished_at, jo.observed_at) < %(before)s::timestamptz
    AND jo.observed_at < %(before)s::timestamptz
    AND (%(clusters)s::text[] IS NULL OR jo.cluster = ANY(%(clusters)s::text[]))
    AND (%(users)s::text[] IS NULL OR jo.user_name = ANY(%(users)s::text[]))
    AND NOT EXISTS (
        SELECT FROM board_pins AS pi
        WHERE
            pi.cluster = jo.cluster AND pi.job_id = jo.job_id AND pi.submitted_at = jo.submitted_at
    )
GROUP BY jo.cluster
ORDER BY jo.cluster
