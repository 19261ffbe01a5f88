-- What the group configures beside its clusters: one table for all documents, and a view with typed
-- columns for each kind, so that a new field or kind costs no rewriting of rows.
-- Rows per day: none, but when somebody changes something.
-- Lock: none, new table and views. Expected duration: below one second.

CREATE TABLE registry_documents (
    kind TEXT NOT NULL,
    document_id TEXT NOT NULL,
    document JSONB NOT NULL,
    registry_revision BIGINT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    removed_at TIMESTAMPTZ,
    PRIMARY KEY (kind, document_id)
);
COMMENT ON TABLE registry_documents IS
    'One row per document that the registry has or had, clusters apart. Written by: projector.';
COMMENT ON COLUMN registry_documents.kind IS 'team, account, path, filter, project or setting; registry.kinds.';
COMMENT ON COLUMN registry_documents.document_id IS 'What tells documents of one kind apart: a login, a name, a digest.';
COMMENT ON COLUMN registry_documents.document IS 'The registry document, contracts.documents; {} after a removal.';
COMMENT ON COLUMN registry_documents.registry_revision IS 'Revision of the key; only a larger one is applied.';
COMMENT ON COLUMN registry_documents.updated_at IS 'When this revision was recorded here.';
COMMENT ON COLUMN registry_documents.removed_at IS 'When the document was removed; NULL while it is there.';

CREATE VIEW team_members AS
SELECT
    rd.document_id AS login, coalesce(rd.document ->> 'display_name', '') AS display_name,
    rd.registry_revision, rd.updated_at
FROM registry_documents AS rd
WHERE rd.kind = 'team' AND rd.removed_at IS NULL;
COMMENT ON VIEW team_members IS 'One row per person of the group.';
COMMENT ON COLUMN team_members.login IS 'Login name on the clusters.';
COMMENT ON COLUMN team_members.display_name IS 'As people call them; may be empty.';
COMMENT ON COLUMN team_members.registry_revision IS 'Revision of the document.';
COMMENT ON COLUMN team_members.updated_at IS 'When this revision was recorded here.';

CREATE VIEW accounts AS
SELECT
    rd.document_id AS name, coalesce(rd.document ->> 'site_id', '') AS site_id,
    coalesce(rd.document ->> 'description', '') AS description, rd.registry_revision, rd.updated_at
FROM registry_documents AS rd
WHERE rd.kind = 'account' AND rd.removed_at IS NULL;
COMMENT ON VIEW accounts IS 'One row per Slurm account that the group may charge.';
COMMENT ON COLUMN accounts.name IS 'As Slurm calls it.';
COMMENT ON COLUMN accounts.site_id IS 'What the site''s own allocation service calls it; may be empty.';
COMMENT ON COLUMN accounts.description IS 'Free text; may be empty.';
COMMENT ON COLUMN accounts.registry_revision IS 'Revision of the document.';
COMMENT ON COLUMN accounts.updated_at IS 'When this revision was recorded here.';

CREATE VIEW path_bases AS
SELECT
    rd.document_id AS path_id, rd.document ->> 'kind' AS kind, rd.document ->> 'path' AS path,
    rd.registry_revision, rd.updated_at
FROM registry_documents AS rd
WHERE rd.kind = 'path' AND rd.removed_at IS NULL;
COMMENT ON VIEW path_bases IS 'One row per folder below which something is looked for.';
COMMENT ON COLUMN path_bases.path_id IS 'Digest of kind and path.';
COMMENT ON COLUMN path_bases.kind IS 'What is found below it: logs, runs or mount.';
COMMENT ON COLUMN path_bases.path IS 'An absolute path.';
COMMENT ON COLUMN path_bases.registry_revision IS 'Revision of the document.';
COMMENT ON COLUMN path_bases.updated_at IS 'When this revision was recorded here.';

CREATE VIEW process_filters AS
SELECT
    rd.document_id AS filter_id, rd.document ->> 'mode' AS mode,
    rd.document ->> 'pattern' AS pattern, rd.registry_revision, rd.updated_at
FROM registry_documents AS rd
WHERE rd.kind = 'filter' AND rd.removed_at IS NULL;
COMMENT ON VIEW process_filters IS 'One row per rule of which local processes are shown.';
COMMENT ON COLUMN process_filters.filter_id IS 'Digest of mode and pattern.';
COMMENT ON COLUMN process_filters.mode IS 'include or exclude; exclude wins.';
COMMENT ON COLUMN process_filters.pattern IS 'Text that the command line holds.';
COMMENT ON COLUMN process_filters.registry_revision IS 'Revision of the document.';
COMMENT ON COLUMN process_filters.updated_at IS 'When this revision was recorded here.';

CREATE VIEW projects AS
SELECT
    rd.document_id AS name,
    ARRAY(
        SELECT pr.prefix
        FROM jsonb_array_elements_text(rd.document -> 'prefixes') WITH ORDINALITY AS pr (prefix, place)
        ORDER BY pr.place
    ) AS prefixes,
    coalesce(rd.document ->> 'colour', '') AS colour, coalesce(rd.document ->> 'emoji', '') AS emoji,
    coalesce(rd.document ->> 'description', '') AS description, rd.registry_revision, rd.updated_at
FROM registry_documents AS rd
WHERE rd.kind = 'project' AND rd.removed_at IS NULL;
COMMENT ON VIEW projects IS 'One row per project of the group; jobs belong to it by the begin of their names.';
COMMENT ON COLUMN projects.name IS 'The project''s name.';
COMMENT ON COLUMN projects.prefixes IS 'Begins of job names; of several that fit, the longest wins.';
COMMENT ON COLUMN projects.colour IS '#rrggbb; may be empty.';
COMMENT ON COLUMN projects.emoji IS 'Stands before the name; may be empty.';
COMMENT ON COLUMN projects.description IS 'Free text; may be empty.';
COMMENT ON COLUMN projects.registry_revision IS 'Revision of the document.';
COMMENT ON COLUMN projects.updated_at IS 'When this revision was recorded here.';

CREATE VIEW settings AS
SELECT
    rd.document_id AS key, rd.document -> 'value' AS value, rd.registry_revision, rd.updated_at
FROM registry_documents AS rd
WHERE rd.kind = 'setting' AND rd.removed_at IS NULL;
COMMENT ON VIEW settings IS 'One row per setting that was set; others have their defaults, docs/configuration.md.';
COMMENT ON COLUMN settings.key IS 'A field of contracts.documents.GroupSettings.';
COMMENT ON COLUMN settings.value IS 'As JSON; its unit is in the description of the field.';
COMMENT ON COLUMN settings.registry_revision IS 'Revision of the document.';
COMMENT ON COLUMN settings.updated_at IS 'When this revision was recorded here.';

CREATE VIEW grafana.team_members AS
SELECT tm.login, tm.display_name
FROM team_members AS tm;
COMMENT ON VIEW grafana.team_members IS 'One row per person of the group.';

CREATE VIEW grafana.projects AS
SELECT pr.name, pr.prefixes, pr.colour, pr.emoji, pr.description
FROM projects AS pr;
COMMENT ON VIEW grafana.projects IS 'One row per project of the group.';

GRANT SELECT ON registry_documents, team_members, accounts, path_bases, process_filters, projects, settings
    TO slurmfleet_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON registry_documents TO slurmfleet_writer;
GRANT SELECT ON team_members, accounts, path_bases, process_filters, projects, settings TO slurmfleet_writer;
GRANT SELECT ON grafana.team_members, grafana.projects TO slurmfleet_grafana;
