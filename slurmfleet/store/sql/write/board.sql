-- name: clear_board
-- One row per job that was put away, in no order: at most so many, the latest ends first. What is
-- pinned stays.
WITH shown AS (
    SELECT jo.cluster, jo.job_id, jo.submitted_at
    FROM jobs AS jo
    WHERE
        NOT jo.is_live
        AND coalesce(jo.put_away_run >= jo.restart_count, FALSE) = FALSE
        AND coalesce(jo.ended_at, jo.vanished_at, jo.observed_at) >= %(since)s::timestamptz
        AND coalesce(jo.ended_at, jo.vanished_at, jo.observed_at) <= %(over_until)s::timestamptz
        AND jo.observed_at <= %(seen_until)s::timestamptz
        AND jo.state = ANY(%(states)s::text[])
        AND (%(clusters)s::text[] IS NULL OR jo.cluster = ANY(%(clusters)s::text[]))
        AND (%(users)s::text[] IS NULL OR jo.user_name = ANY(%(users)s::text[]))
        AND (%(projects)s::text[] IS NULL OR jo.project = ANY(%(projects)s::text[]))
        AND NOT EXISTS (
            SELECT FROM board_pins AS pi
            WHERE
                pi.cluster = jo.cluster AND pi.job_id = jo.job_id
                AND pi.submitted_at = jo.submitted_at
        )
    ORDER BY coalesce(jo.ended_at, jo.vanished_at, jo.observed_at) DESC, jo.cluster, jo.job_id
    LIMIT %(at_most)s::integer
)

UPDATE jobs AS up SET put_away_run = up.restart_count
FROM shown AS sh
WHERE up.cluster = sh.cluster AND up.job_id = sh.job_id AND up.submitted_at = sh.submitted_at
RETURNING
    up.cluster, up.job_id, coalesce(up.ended_at, up.vanished_at, up.observed_at) AS over_at

-- name: find_markable
-- One row: the latest submission of a job, as far as a mark is about it; none for an unknown job.
SELECT jo.submitted_at, jo.is_live
FROM jobs AS jo
WHERE jo.cluster = %(cluster)s::text AND jo.job_id = %(job_id)s::text
ORDER BY jo.submitted_at DESC
LIMIT 1

-- name: put_away_job
-- No row: the run of a job that is over is put away, or no run of it is.
UPDATE jobs AS up
SET put_away_run = CASE WHEN %(dismissed)s::boolean THEN up.restart_count END
WHERE
    up.cluster = %(cluster)s::text AND up.job_id = %(job_id)s::text
    AND up.submitted_at = %(submitted_at)s::timestamptz

-- name: pin_job
-- No row: a job is pinned; whoever says so last is kept.
INSERT INTO board_pins AS pi (cluster, job_id, submitted_at, pinned_by, pinned_at, reason)
VALUES (
    %(cluster)s::text, %(job_id)s::text, %(submitted_at)s::timestamptz, %(by)s::text,
    %(now)s::timestamptz, %(reason)s::text
)
ON CONFLICT (cluster, job_id, submitted_at) DO UPDATE SET
    pinned_by = EXCLUDED.pinned_by, pinned_at = EXCLUDED.pinned_at, reason = EXCLUDED.reason

-- name: unpin_job
-- No row: a job is not pinned any more.
DELETE FROM board_pins AS pi
WHERE
    pi.cluster = %(cluster)s::text AND pi.job_id = %(job_id)s::text
    AND pi.submitted_at = %(submitted_at)s::timestamptz

-- name: count_pins
-- One row: how many jobs are pinned.
SELECT count(*) AS pins
FROM board_pins AS pi

-- name: forget_pins
-- No row: pins of jobs that are not there any more, which retention or a rebuild took, are forgotten.
DELETE FROM board_pins AS pi
WHERE
    NOT EXISTS (
        SELECT FROM jobs AS jo
        WHERE
            jo.cluster = pi.cluster AND jo.job_id = pi.job_id AND jo.submitted_at = pi.submitted_at
    )

-- name: remove_history
-- One row: how many jobs went, with what is told of each; sums of days, and the runs they are made
-- of, stay. The oldest submission goes first.
WITH old AS (
    SELECT jo.cluster, jo.job_id, jo.submitted_at
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
                pi.cluster = jo.cluster AND pi.job_id = jo.job_id
                AND pi.submitted_at = jo.submitted_at
        )
    ORDER BY jo.submitted_at, jo.cluster DESC, jo.job_id DESC
    LIMIT %(at_most)s::integer
),

gone AS (
    DELETE FROM jobs AS jo
    USING old AS ol
    WHERE jo.cluster = ol.cluster AND jo.job_id = ol.job_id AND jo.submitted_at = ol.submitted_at
    RETURNING jo.cluster, jo.job_id, jo.submitted_at
),

events AS (
    DELETE FROM job_events AS ev
    USING gone AS go
    WHERE ev.cluster = go.cluster AND ev.job_id = go.job_id AND ev.submitted_at = go.submitted_at
),

uses AS (
    DELETE FROM job_use AS us
    USING gone AS go
    WHERE us.cluster = go.cluster AND us.job_id = go.job_id AND us.submitted_at = go.submitted_at
),

hours AS (
    DELETE FROM job_use_hours AS ho
    USING gone AS go
    WHERE ho.cluster = go.cluster AND ho.job_id = go.job_id AND ho.submitted_at = go.submitted_at
)

SELECT count(*) AS jobs FROM gone
