-- name: find_edition
-- One row: whether TimescaleDB is in this database, and its licence.
SELECT
    EXISTS (SELECT FROM pg_extension AS ex WHERE ex.extname = 'timescaledb') AS installed,
    current_setting('timescaledb.license', TRUE) AS licence

-- name: find_timescale
-- One row: whether the server has loaded TimescaleDB and ships its files, and whether it is in this database.
SELECT
    current_setting('timescaledb.disable_load', TRUE) IS NOT NULL
    AND EXISTS (SELECT FROM pg_available_extensions AS av WHERE av.name = 'timescaledb') AS available,
    EXISTS (SELECT FROM pg_extension AS ex WHERE ex.extname = 'timescaledb') AS installed

-- name: install_timescale
-- No rows; puts TimescaleDB into this database.
CREATE EXTENSION IF NOT EXISTS timescaledb

-- name: find_migrations
-- One row: whether this database keeps a record of applied migrations.
SELECT to_regclass('public.schema_migrations') IS NOT NULL AS is_there

-- name: recorded_edition
-- One row, none in a new database: the edition that its first migration was applied as.
SELECT sm.edition
FROM schema_migrations AS sm
ORDER BY sm.version
LIMIT 1
