-- name: list_audit
-- One row per action that was tried, with what came of it, the newest first. Without a second record
-- nobody knows that: the outcome is `allowed` then.
SELECT
    tr.audit_seq, tr.action_id, tr.actor, tr.actor_kind, tr.token_id, tr.via, tr.action, tr.cluster,
    tr.target, tr.reason, tr.details, coalesce(dn.outcome, tr.outcome) AS outcome, tr.acted_at,
    dn.acted_at AS done_at, dn.details AS result
FROM audit_records AS tr
LEFT JOIN audit_records AS dn ON dn.record_id = tr.action_id || '.done'
WHERE
    tr.phase = 'tried'
    AND tr.audit_seq < %(before)s::bigint
    AND (%(actor)s::text IS NULL OR tr.actor = %(actor)s::text)
    AND (%(action)s::text IS NULL OR tr.action LIKE %(action)s::text)
    AND (%(cluster)s::text IS NULL OR tr.cluster = %(cluster)s::text)
    AND (
        %(target)s::text IS NULL
        OR tr.target = %(target)s::text
        OR jsonb_exists(tr.details -> 'jobs', %(target)s::text)
        OR dn.details ->> 'job_id' = %(target)s::text
    )
    AND (%(outcome)s::text IS NULL OR coalesce(dn.outcome, tr.outcome) = %(outcome)s::text)
    AND (%(since)s::timestamptz IS NULL OR tr.acted_at >= %(since)s::timestamptz)
    AND (%(until)s::timestamptz IS NULL OR tr.acted_at < %(until)s::timestamptz)
ORDER BY tr.audit_seq DESC
LIMIT %(limit)s::integer

-- name: audit_chain
-- One row per record from a number on, whole, in the order of the chain.
SELECT
    ar.audit_seq, ar.record_id, ar.action_id, ar.phase, ar.actor, ar.actor_kind, ar.token_id,
    ar.via, ar.action, ar.cluster, ar.target, ar.reason, ar.details, ar.outcome, ar.acted_at,
    ar.previous_hash, ar.record_hash
FROM audit_records AS ar
WHERE ar.audit_seq >= %(first)s::bigint
ORDER BY ar.audit_seq
LIMIT %(limit)s::integer
