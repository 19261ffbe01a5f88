-- Every action on a cluster or on the configuration: who, what, why, and what came of it.
-- Some 10,000 rows a day; kept for ever. Append-only: the database itself refuses a change, and each
-- row holds the hash of the row before, so that a change made around the database shows.
-- Lock: none, new table. Expected duration: below one second.

CREATE TABLE audit_records (
    audit_seq bigint PRIMARY KEY,
    record_id text NOT NULL,
    action_id text NOT NULL,
    phase text NOT NULL,
    actor text NOT NULL,
    actor_kind text NOT NULL,
    token_id text NOT NULL,
    via text NOT NULL,
    action text NOT NULL,
    cluster text NOT NULL,
    target text NOT NULL,
    reason text NOT NULL,
    details jsonb NOT NULL,
    outcome text NOT NULL,
    acted_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    previous_hash bytea NOT NULL,
    record_hash bytea NOT NULL,
    CONSTRAINT audit_records_once UNIQUE (record_id),
    CONSTRAINT audit_records_from_one CHECK (audit_seq > 0),
    CONSTRAINT audit_records_hashes CHECK (
        octet_length(previous_hash) = 32 AND octet_length(record_hash) = 32
    )
);
COMMENT ON TABLE audit_records IS
    'One row per action that was tried and one per result, in order without gaps. Written by: projector.';
COMMENT ON COLUMN audit_records.audit_seq IS 'From 1 without gaps: a missing number is a missing row.';
COMMENT ON COLUMN audit_records.record_id IS 'The fact''s id, computed from its content.';
COMMENT ON COLUMN audit_records.action_id IS 'Shared by the trial of an action and its result.';
COMMENT ON COLUMN audit_records.phase IS 'tried or done.';
COMMENT ON COLUMN audit_records.actor IS 'Who acted: a person''s or an agent''s name.';
COMMENT ON COLUMN audit_records.actor_kind IS 'person, agent or service.';
COMMENT ON COLUMN audit_records.token_id IS 'Public id of the token; empty for none.';
COMMENT ON COLUMN audit_records.via IS 'Door that was used: rest, mcp, cli.';
COMMENT ON COLUMN audit_records.action IS 'What was done: job.cancel, cluster.update, …';
COMMENT ON COLUMN audit_records.cluster IS 'On which cluster; empty for none.';
COMMENT ON COLUMN audit_records.target IS 'To what: a job''s id, a document''s key.';
COMMENT ON COLUMN audit_records.reason IS 'Why, in the actor''s words; untrusted text.';
COMMENT ON COLUMN audit_records.details IS 'Arguments, or the result, without secrets, as an object; untrusted text.';
COMMENT ON COLUMN audit_records.outcome IS 'allowed, refused, ok or failed.';
COMMENT ON COLUMN audit_records.acted_at IS 'When the actor acted.';
COMMENT ON COLUMN audit_records.recorded_at IS 'When it was stored; not part of the hash.';
COMMENT ON COLUMN audit_records.previous_hash IS 'record_hash of the row before, 32 bytes; zeros in the first row.';
COMMENT ON COLUMN audit_records.record_hash IS 'SHA-256 over previous_hash and the row''s content, 32 bytes.';

CREATE INDEX audit_records_newest ON audit_records (acted_at DESC, audit_seq);
COMMENT ON INDEX audit_records_newest IS 'Search by time.';
CREATE INDEX audit_records_actor ON audit_records (actor, acted_at DESC);
COMMENT ON INDEX audit_records_actor IS 'What one actor did.';
CREATE INDEX audit_records_target ON audit_records (cluster, target);
COMMENT ON INDEX audit_records_target IS 'What was done to one thing.';

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END
$body$;
COMMENT ON FUNCTION refuse_change() IS 'Refuses what would change or remove rows of an append-only table.';

CREATE TRIGGER audit_records_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_records
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT ON audit_records TO slurmfleet_reader;
GRANT SELECT, INSERT ON audit_records TO slurmfleet_writer;
