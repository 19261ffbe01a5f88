-- name: clear_board
-- One row per job that was put away, in no order; what is pinned stays.
INSERT INTO board_marks AS bm (
    cluster, job_id, submitted_at, restart_count, mark, marked_by, marked_at, reason
)
SELECT
    jo.cluster, jo.job_id, jo.submitted_at, jo.restart_count, 'dismissed', %(marked_by)s::text,
    %(now)s::timestamptz, %(reason)s::text
FROM jobs AS jo
WHERE
    NOT jo.is_live
    AND coalesce(jo.ended_at, jo.vanished_at, jo.observed_at) >= %(since)s::timestamptz
    AND jo.state = ANY(%(states)s::text[])
    AND (%(clusters)s::text[] IS NULL OR jo.cluster = ANY(%(clusters)s::text[]))
    AND (%(users)s::text[] IS NULL OR jo.user_name = ANY(%(users)s::text[]))
    AND (%(projects)s::text[] IS NULL OR jo.project = ANY(%(projects)s::text[]))
ON CONFLICT (cluster, job_id, submitted_at) DO UPDATE SET
    restart_count = EXCLUDED.restart_count, marked_by = EXCLUDED.marked_by,
    marked_at = EXCLUDED.marked_at, reason = EXCLUDED.reason
WHERE bm.mark = 'dismissed' AND bm.restart_count < EXCLUDED.restart_count
RETURNING bm.cluster, bm.job_id

-- name: find_markable
-- One row: the latest submission of a job, as far as a mark is about it; none for an unknown job.
SELECT jo.submitted_at, jo.restart_count, jo.is_live
FROM jobs AS jo
WHERE jo.cluster = %(cluster)s::text AND jo.job_id = %(job_id)s::text
ORDER BY jo.submitted_at DESC
LIMIT 1

-- name: mark_job
-- No row: a job is pinned or put away; the newest word counts.
INSERT INTO board_marks AS bm (
    cluster, job_id, submitted_at, restart_count, mark, marked_by, marked_at, reason
)
VALUES (
    %(cluster)s::text, %(job_id)s::text, %(submitted_at)s::timestamptz, %(restart_count)s::integer,
    %(mark)s::text, %(marked_by)s::text, %(now)s::timestamptz, %(reason)s::text
)
ON CONFLICT (cluster, job_id, submitted_at) DO UPDATE SET
    restart_count = EXCLUDED.restart_count, mark = EXCLUDED.mark, marked_by = EXCLUDED.marked_by,
    marked_at = EXCLUDED.marked_at, reason = EXCLUDED.reason

-- name: unmark_job
-- No row: nothing is said of a job any more.
DELETE FROM board_marks AS bm
WHERE
    bm.cluster = %(cluster)s::text AND bm.job_id = %(job_id)s::text
    AND bm.submitted_at = %(submitted_at)s::timestamptz

-- name: count_pins
-- One row: how many jobs are pinned.
SELECT count(*) AS pins
FROM board_marks AS bm
WHERE bm.mark = 'pinned'

-- name: forget_marks
-- No row: what was put away so long ago that no board would show it is forgotten, some at a time.
DELETE FROM board_marks
WHERE
    ctid = ANY(ARRAY(
        SELECT bm.ctid
        FROM board_marks AS bm
        WHERE bm.mark = 'dismissed' AND bm.marked_at < %(before)s::timestamptz
        LIMIT %(at_most)s::integer
    ))

-- name: remove_history
-- One row: how many jobs went, with what is told of each; sums of days, and the runs they are made
-- of, stay. The oldest end goes first.
WITH old AS (
    SELECT jo.cluster, jo.job_id, jo.submitted_at
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
                bm.cluster = jo.cluster AND bm.job_id = jo.job_id
                AND bm.submitted_at = jo.submitted_at AND bm.mark = 'pinned'
        )
    ORDER BY coalesce(jo.ended_at, jo.vanished_at, jo.observed_at), jo.cluster, jo.job_id
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
),

marks AS (
    DELETE FROM board_marks AS ma
    USING gone AS go
    WHERE ma.cluster = go.cluster AND ma.job_id = go.job_id AND ma.submitted_at = go.submitted_at
)

SELECT count(*) AS jobs FROM gone
