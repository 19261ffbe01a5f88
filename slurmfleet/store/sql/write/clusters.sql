-- name: upsert_cluster
-- No rows; stores a cluster's registry document unless a newer revision of it is stored.
INSERT INTO clusters AS cl (name, config, registry_revision, updated_at, removed_at)
VALUES (
    %(name)s::text, %(config)s::text::jsonb, %(registry_revision)s::bigint, %(now)s::timestamptz,
    NULL
)
ON CONFLICT (name) DO UPDATE SET
    config = EXCLUDED.config, registry_revision = EXCLUDED.registry_revision,
    updated_at = EXCLUDED.updated_at, removed_at = NULL
WHERE EXCLUDED.registry_revision > cl.registry_revision

-- name: remove_cluster
-- No rows; marks a cluster as removed unless a newer revision of it is stored. A cluster that was
-- never stored leaves a mark too, so that an older document that comes late does not revive it.
INSERT INTO clusters AS cl (name, config, registry_revision, updated_at, removed_at)
VALUES (
    %(name)s::text, '{}', %(registry_revision)s::bigint, %(now)s::timestamptz, %(now)s::timestamptz
)
ON CONFLICT (name) DO UPDATE SET
    registry_revision = EXCLUDED.registry_revision, updated_at = EXCLUDED.updated_at,
    removed_at = EXCLUDED.removed_at
WHERE EXCLUDED.registry_revision > cl.registry_revision

-- name: mark_cluster_missing
-- No rows; marks a cluster as removed that the registry lacks, unless it was written meanwhile. Its
-- revision stays: that of the removal is not known, and a bucket that was restored counts from 1.
UPDATE clusters AS cl SET updated_at = %(now)s::timestamptz, removed_at = %(now)s::timestamptz
WHERE
    cl.name = %(name)s::text AND cl.registry_revision = %(registry_revision)s::bigint
    AND cl.removed_at IS NULL
