-- name: create_schema_migrations
-- No rows; makes the record of applied migrations.
CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    edition text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)

-- name: comment_schema_migrations
-- No rows; says what the record of applied migrations is.
DO $comments$
BEGIN
    COMMENT ON TABLE schema_migrations IS 'One row per applied migration. Written by: migrator.';
    COMMENT ON COLUMN schema_migrations.version IS 'The number of its file.';
    COMMENT ON COLUMN schema_migrations.name IS 'The name of its file.';
    COMMENT ON COLUMN schema_migrations.checksum IS 'SHA-256 of its file as it was applied.';
    COMMENT ON COLUMN schema_migrations.edition IS 'community, apache or plain: what it was applied as.';
    COMMENT ON COLUMN schema_migrations.applied_at IS 'When it was applied.';
END
$comments$

-- name: list_schema_migrations
-- One row per applied migration, in the order of their numbers.
SELECT sm.version, sm.name, sm.checksum
FROM schema_migrations AS sm
ORDER BY sm.version

-- name: record_schema_migration
-- No rows; records that a migration was applied.
INSERT INTO schema_migrations (version, name, checksum, edition)
VALUES (%(version)s::integer, %(name)s::text, %(checksum)s::text, %(edition)s::text)

-- name: lock_migrations
-- One row without meaning; waits until no other migrator works in this database.
SELECT pg_advisory_lock(%(key)s::bigint)

-- name: unlock_migrations
-- One row without meaning; lets the next migrator work.
SELECT pg_advisory_unlock(%(key)s::bigint)
