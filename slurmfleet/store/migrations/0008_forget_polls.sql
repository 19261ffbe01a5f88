-- Retention of polls. Chunks of a hypertable can be dropped by its owner alone, so the writer gets
-- this one function instead of the table.
-- Lock: none, new function. Expected duration: below one second.

-- if edition: plain
CREATE FUNCTION forget_polls(before timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $body$
    WITH gone AS (
        DELETE FROM polls AS po
        WHERE po.started_at < before
        RETURNING 1
    )
    SELECT count(*)
    FROM gone
$body$;
-- end if

-- if edition: community, apache
CREATE FUNCTION forget_polls(before timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $body$
    SELECT count(*)
    FROM drop_chunks('public.polls', older_than => before) AS dropped
$body$;
-- end if

COMMENT ON FUNCTION forget_polls(timestamptz) IS
    'Forgets polls that began before a moment: rows of a plain table, whole chunks of a hypertable; how many.';
REVOKE EXECUTE ON FUNCTION forget_polls(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_polls(timestamptz) TO slurmfleet_writer;
