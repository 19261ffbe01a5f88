-- name: events_after
-- One row per recorded fact about a job, in the order of recording.
SELECT
    ev.event_seq, ev.event_id, ev.cluster, ev.job_id, ev.submitted_at, ev.restart_count, ev.verb,
    ev.state, ev.reason, ev.source, ev.occurred_at, ev.observed_at, ev.recorded_at, ev.revision,
    ev.changed, ev.job_name, ev.user_name AS "user", ev.account
FROM job_events AS ev
WHERE
    ev.event_seq > %(after)s::bigint
    AND (%(clusters)s::text[] IS NULL OR ev.cluster = ANY(%(clusters)s::text[]))
    AND (%(users)s::text[] IS NULL OR ev.user_name = ANY(%(users)s::text[]))
    AND (%(accounts)s::text[] IS NULL OR ev.account = ANY(%(accounts)s::text[]))
    AND (%(verbs)s::text[] IS NULL OR ev.verb = ANY(%(verbs)s::text[]))
    AND (%(job_id)s::text IS NULL OR ev.job_id = %(job_id)s::text)
ORDER BY ev.event_seq
LIMIT %(limit)s::integer

-- name: job_timeline
-- One row per recorded fact about the latest submission of a job, in the order of recording.
SELECT
    ev.event_seq, ev.event_id, ev.cluster, ev.job_id, ev.submitted_at, ev.restart_count, ev.verb,
    ev.state, ev.reason, ev.source, ev.occurred_at, ev.observed_at, ev.recorded_at, ev.revision,
    ev.changed, ev.job_name, ev.user_name AS "user", ev.account
FROM job_events AS ev
WHERE
    ev.cluster = %(cluster)s::text
    AND ev.job_id = %(job_id)s::text
    AND ev.submitted_at = (
        SELECT max(jo.submitted_at)
        FROM jobs AS jo
        WHERE jo.cluster = %(cluster)s::text AND jo.job_id = %(job_id)s::text
    )
    AND ev.event_seq > %(after)s::bigint
ORDER BY ev.event_seq
LIMIT %(limit)s::integer

-- name: last_event_seq
-- One row: the newest number of recording; 0 before the first.
SELECT coalesce(max(ev.event_seq), 0) AS last_event_seq
FROM job_events AS ev

-- name: listen_events
-- No rows; asks to be told when events are recorded.
LISTEN slurmfleet_events
