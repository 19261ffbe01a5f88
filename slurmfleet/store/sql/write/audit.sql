-- name: audit_end
-- One row, or none before the first record: the end of the chain.
SELECT ar.audit_seq, ar.record_hash
FROM audit_records AS ar
ORDER BY ar.audit_seq DESC
LIMIT 1

-- name: known_audit_records
-- One row per record of the batch that stands in the chain already.
SELECT ar.record_id
FROM audit_records AS ar
WHERE ar.record_id = ANY(%(record_ids)s::text[])

-- name: insert_audit_record
-- No rows; puts one record at the end of the chain.
INSERT INTO audit_records (
    audit_seq, record_id, action_id, phase, actor, actor_kind, token_id, via, action, cluster,
    target, reason, details, outcome, acted_at, previous_hash, record_hash
)
VALUES (
    %(audit_seq)s::bigint, %(record_id)s::text, %(action_id)s::text, %(phase)s::text,
    %(actor)s::text, %(actor_kind)s::text, %(token_id)s::text, %(via)s::text, %(action)s::text,
    %(cluster)s::text, %(target)s::text, %(reason)s::text, %(details)s::text::jsonb,
    %(outcome)s::text, %(acted_at)s::timestamptz, %(previous_hash)s::bytea,
    %(record_hash)s::bytea
)
