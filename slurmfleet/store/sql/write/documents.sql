-- name: upsert_document
-- No rows; stores a registry document unless a newer revision of it is stored.
INSERT INTO registry_documents AS rd (
    kind, document_id, document, registry_revision, updated_at, removed_at
)
VALUES (
    %(kind)s::text, %(document_id)s::text, %(document)s::text::jsonb,
    %(registry_revision)s::bigint, %(now)s::timestamptz, NULL
)
ON CONFLICT (kind, document_id) DO UPDATE SET
    document = EXCLUDED.document, registry_revision = EXCLUDED.registry_revision,
    updated_at = EXCLUDED.updated_at, removed_at = NULL
WHERE EXCLUDED.registry_revision > rd.registry_revision

-- name: remove_document
-- No rows; marks a document as removed unless a newer revision of it is stored. One that was never
-- stored leaves a mark too, so that an older document that comes late does not revive it.
INSERT INTO registry_documents AS rd (
    kind, document_id, document, registry_revision, updated_at, removed_at
)
VALUES (
    %(kind)s::text, %(document_id)s::text, '{}', %(registry_revision)s::bigint,
    %(now)s::timestamptz, %(now)s::timestamptz
)
ON CONFLICT (kind, document_id) DO UPDATE SET
    document = EXCLUDED.document, registry_revision = EXCLUDED.registry_revision,
    updated_at = EXCLUDED.updated_at, removed_at = EXCLUDED.removed_at
WHERE EXCLUDED.registry_revision > rd.registry_revision

-- name: mark_document_missing
-- No rows; marks a document as removed that the registry lacks, unless it was written meanwhile. Its
-- revision stays: that of the removal is not known, and a bucket that was restored counts from 1.
UPDATE registry_documents AS rd SET
    document = '{}', updated_at = %(now)s::timestamptz, removed_at = %(now)s::timestamptz
WHERE
    rd.kind = %(kind)s::text AND rd.document_id = %(document_id)s::text
    AND rd.registry_revision = %(registry_revision)s::bigint AND rd.removed_at IS NULL
