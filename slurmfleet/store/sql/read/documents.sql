-- name: list_stored_documents
-- One row per registry document that is not removed, by kind and id; at most `limit`.
SELECT rd.kind, rd.document_id, rd.registry_revision
FROM registry_documents AS rd
WHERE rd.removed_at IS NULL
ORDER BY rd.kind, rd.document_id
LIMIT %(limit)s::bigint

-- name: list_project_rules
-- One row per project of the group, by name: the begins of its jobs' names.
SELECT pr.name, pr.prefixes
FROM projects AS pr
ORDER BY pr.name
LIMIT %(limit)s::integer
