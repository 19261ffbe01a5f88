-- name: list_tables
-- One row per table of ours, by name: what a backup copies. Left out are the record of migrations, which restoring
-- makes afresh, what belongs to an extension, other schemas, and tables that a crash of the server would empty.
SELECT
    cl.relname::text AS name,
    ARRAY(
        SELECT co.attname::text
        FROM pg_attribute AS co
        WHERE co.attrelid = cl.oid AND co.attnum > 0 AND NOT co.attisdropped AND co.attgenerated = ''
        ORDER BY co.attnum
    ) AS columns,
    ARRAY(
        SELECT DISTINCT re.relname::text
        FROM pg_constraint AS fk
        INNER JOIN pg_class AS re ON re.oid = fk.confrelid
        WHERE fk.conrelid = cl.oid AND fk.contype = 'f' AND fk.confrelid <> cl.oid
        ORDER BY 1
    ) AS refers_to,
    GREATEST(cl.reltuples, 0)::double precision AS expected_rows
FROM pg_class AS cl
WHERE
    cl.relnamespace = 'public'::regnamespace
    AND cl.relkind IN ('r', 'p')
    AND NOT cl.relispartition
    AND cl.relpersistence = 'p'
    AND cl.relname <> 'schema_migrations'
    AND NOT EXISTS (
        SELECT FROM pg_depend AS de
        WHERE de.classid = 'pg_class'::regclass AND de.objid = cl.oid AND de.deptype = 'e'
    )
ORDER BY cl.relname

-- name: list_sequences
-- One row per sequence of ours, by name: where it stands; NULL before its first number.
SELECT sq.sequencename::text AS name, sq.last_value
FROM pg_sequences AS sq
WHERE
    sq.schemaname = 'public'
    AND NOT EXISTS (
        SELECT FROM pg_depend AS de
        WHERE
            de.classid = 'pg_class'::regclass
            AND de.objid = ('public.' || quote_ident(sq.sequencename))::regclass
            AND de.deptype = 'e'
    )
ORDER BY sq.sequencename

-- name: set_sequence
-- One row: the number that was set; the next one that is given is larger.
SELECT setval(('public.' || quote_ident(%(name)s::text))::regclass, %(last_value)s::bigint) AS last_value

-- name: list_checksums
-- One row per applied migration, in the order of their numbers.
SELECT sm.version, sm.checksum
FROM schema_migrations AS sm
ORDER BY sm.version

-- name: list_user_tables
-- One row per table in schema public that no extension brought, by name, at most ten.
SELECT cl.relname::text AS name
FROM pg_class AS cl
WHERE
    cl.relnamespace = 'public'::regnamespace
    AND cl.relkind IN ('r', 'p')
    AND NOT EXISTS (
        SELECT FROM pg_depend AS de
        WHERE de.classid = 'pg_class'::regclass AND de.objid = cl.oid AND de.deptype = 'e'
    )
ORDER BY cl.relname
LIMIT 10

-- name: list_revision_columns
-- One row per table that remembers revisions of the registry's bucket, by name.
SELECT cl.relname::text AS name
FROM pg_class AS cl
INNER JOIN pg_attribute AS co ON co.attrelid = cl.oid AND co.attname = 'registry_revision'
WHERE cl.relnamespace = 'public'::regnamespace AND cl.relkind IN ('r', 'p') AND NOT cl.relispartition
ORDER BY cl.relname

-- name: refresh_gpu_use
-- No rows; works out all of a continuous aggregate of TimescaleDB's community edition. Not in a transaction.
CALL refresh_continuous_aggregate('public.gpu_use_5min', NULL, NULL)
