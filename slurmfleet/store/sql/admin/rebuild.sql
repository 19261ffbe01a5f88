-- name: limit_lock_wait
-- No rows; how long this session waits for a lock.
SELECT set_config('lock_timeout', %(limit_ms)s::text, FALSE)

-- name: lock_rebuild
-- One row; this session is then the one that rebuilds, until it ends.
SELECT pg_advisory_lock(%(key)s::bigint)

-- name: make_shadow_jobs
-- No rows; makes tables of this session's own under the names of those that are rebuilt. They go with
-- the session, whatever ends it, and stand before the tables of schema public for it alone.
CREATE TEMPORARY TABLE jobs (LIKE public.jobs INCLUDING ALL)

-- name: make_shadow_job_events
-- No rows; as make_shadow_jobs.
CREATE TEMPORARY TABLE job_events (LIKE public.job_events INCLUDING ALL)

-- name: make_shadow_ended_runs
-- No rows; as make_shadow_jobs.
CREATE TEMPORARY TABLE ended_runs (LIKE public.ended_runs INCLUDING ALL)

-- name: make_shadow_usage_marks
-- No rows; takes up the days whose use the rebuilt runs held.
CREATE TEMPORARY TABLE usage_marks (LIKE public.usage_marks INCLUDING ALL)

-- name: make_suspect_jobs
-- No rows; notes jobs that the stream has not told of so far, and that it should have, as they were.
CREATE TEMPORARY TABLE suspect_jobs AS
SELECT li.cluster, li.job_id, li.submitted_at, li.revision
FROM public.jobs AS li
WHERE
    li.first_observed_at >= %(since)s::timestamptz
    AND NOT EXISTS (
        SELECT FROM jobs AS sh
        WHERE sh.cluster = li.cluster AND sh.job_id = li.job_id AND sh.submitted_at = li.submitted_at
    )

-- name: make_suspect_job_events
-- No rows; as make_suspect_jobs, for events.
CREATE TEMPORARY TABLE suspect_job_events AS
SELECT li.event_id
FROM public.job_events AS li
WHERE
    li.observed_at >= %(since)s::timestamptz
    AND NOT EXISTS (SELECT FROM job_events AS sh WHERE sh.event_id = li.event_id)

-- name: make_suspect_ended_runs
-- No rows; as make_suspect_jobs, for runs of those jobs.
CREATE TEMPORARY TABLE suspect_ended_runs AS
SELECT
    li.cluster, li.job_id, li.submitted_at, li.restart_count, li.revision, li.started_at, li.ended_at
FROM public.ended_runs AS li
INNER JOIN public.jobs AS jo
    ON jo.cluster = li.cluster AND jo.job_id = li.job_id AND jo.submitted_at = li.submitted_at
WHERE
    jo.first_observed_at >= %(since)s::timestamptz
    AND NOT EXISTS (
        SELECT FROM ended_runs AS sh
        WHERE
            sh.cluster = li.cluster
            AND sh.job_id = li.job_id
            AND sh.submitted_at = li.submitted_at
            AND sh.restart_count = li.restart_count
    )

-- name: count_old_jobs
-- One row: how many jobs the stream is too young to tell of.
SELECT count(*) AS kept
FROM public.jobs AS li
WHERE
    li.first_observed_at < %(since)s::timestamptz
    AND NOT EXISTS (
        SELECT FROM jobs AS sh
        WHERE sh.cluster = li.cluster AND sh.job_id = li.job_id AND sh.submitted_at = li.submitted_at
    )

-- name: count_old_job_events
-- One row: how many events the stream is too young to tell of.
SELECT count(*) AS kept
FROM public.job_events AS li
WHERE
    li.observed_at < %(since)s::timestamptz
    AND NOT EXISTS (SELECT FROM job_events AS sh WHERE sh.event_id = li.event_id)

-- name: count_old_ended_runs
-- One row: how many runs belong to jobs that the stream is too young to tell of.
SELECT count(*) AS kept
FROM public.ended_runs AS li
INNER JOIN public.jobs AS jo
    ON jo.cluster = li.cluster AND jo.job_id = li.job_id AND jo.submitted_at = li.submitted_at
WHERE
    jo.first_observed_at < %(since)s::timestamptz
    AND NOT EXISTS (
        SELECT FROM ended_runs AS sh
        WHERE
            sh.cluster = li.cluster
            AND sh.job_id = li.job_id
            AND sh.submitted_at = li.submitted_at
            AND sh.restart_count = li.restart_count
    )

-- name: clear_suspect_jobs
-- No rows; lets go of suspects that the rest of the stream has explained, or that have moved on.
DELETE FROM suspect_jobs AS su
WHERE
    EXISTS (
        SELECT FROM jobs AS sh
        WHERE sh.cluster = su.cluster AND sh.job_id = su.job_id AND sh.submitted_at = su.submitted_at
    )
    OR NOT EXISTS (
        SELECT FROM public.jobs AS li
        WHERE
            li.cluster = su.cluster
            AND li.job_id = su.job_id
            AND li.submitted_at = su.submitted_at
            AND li.revision = su.revision
    )

-- name: clear_suspect_job_events
-- No rows; as clear_suspect_jobs, for events.
DELETE FROM suspect_job_events AS su
WHERE
    EXISTS (SELECT FROM job_events AS sh WHERE sh.event_id = su.event_id)
    OR NOT EXISTS (SELECT FROM public.job_events AS li WHERE li.event_id = su.event_id)

-- name: clear_suspect_ended_runs
-- No rows; as clear_suspect_jobs, for runs.
DELETE FROM suspect_ended_runs AS su
WHERE
    EXISTS (
        SELECT FROM ended_runs AS sh
        WHERE
            sh.cluster = su.cluster
            AND sh.job_id = su.job_id
            AND sh.submitted_at = su.submitted_at
            AND sh.restart_count = su.restart_count
    )
    OR NOT EXISTS (
        SELECT FROM public.ended_runs AS li
        WHERE
            li.cluster = su.cluster
            AND li.job_id = su.job_id
            AND li.submitted_at = su.submitted_at
            AND li.restart_count = su.restart_count
            AND li.revision = su.revision
    )

-- name: prune_suspect_jobs
-- No rows; removes the jobs that nothing explains, as they were when they were suspected.
DELETE FROM public.jobs AS li
USING suspect_jobs AS su
WHERE
    li.cluster = su.cluster
    AND li.job_id = su.job_id
    AND li.submitted_at = su.submitted_at
    AND li.revision = su.revision

-- name: prune_suspect_job_events
-- No rows; removes the events that nothing explains.
DELETE FROM public.job_events AS li
USING suspect_job_events AS su
WHERE li.event_id = su.event_id

-- name: prune_suspect_ended_runs
-- No rows; removes the runs that nothing explains, as they were when they were suspected.
DELETE FROM public.ended_runs AS li
USING suspect_ended_runs AS su
WHERE
    li.cluster = su.cluster
    AND li.job_id = su.job_id
    AND li.submitted_at = su.submitted_at
    AND li.restart_count = su.restart_count
    AND li.revision = su.revision

-- name: mark_rebuilt_days
-- No rows; has the use worked out anew of all days from the first that a run of the stream held, and of
-- those that a suspect held.
INSERT INTO public.usage_marks (cluster, day)
SELECT sh.cluster, sh.day FROM usage_marks AS sh
UNION
SELECT ud.cluster, ud.day
FROM public.usage_daily AS ud
WHERE ud.day >= (SELECT min(sh.day) FROM usage_marks AS sh)
UNION
SELECT su.cluster, dy.day::date
FROM suspect_ended_runs AS su
CROSS JOIN LATERAL generate_series(
    (LEAST(su.started_at, su.ended_at) AT TIME ZONE 'UTC')::date::timestamp,
    (su.ended_at AT TIME ZONE 'UTC')::date::timestamp,
    INTERVAL '1 day'
) AS dy (day)

-- name: forget_project_assignment
-- No rows; has every stored job looked at again by the rules of the moment.
DELETE FROM public.project_assignment

-- name: newest_event_seq
-- One row: the newest number of recording of the live table; 0 before the first.
SELECT coalesce(max(ev.event_seq), 0) AS event_seq
FROM public.job_events AS ev
