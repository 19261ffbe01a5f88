-- name: store_health
-- One row: the newest applied migration and the server's version.
SELECT
    (SELECT coalesce(max(sm.version), 0) FROM schema_migrations AS sm) AS schema_version,
    current_setting('server_version') AS server_version
