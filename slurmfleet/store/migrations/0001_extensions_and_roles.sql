-- Trigram search and the roles that the other migrations grant to.
-- Lock: none on our tables. Expected duration: below one second.
-- Roles belong to the whole server, so they may be there already, made by another database of it.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

DO $roles$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['slurmfleet_writer', 'slurmfleet_reader', 'slurmfleet_grafana']
    LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL;
        END;
    END LOOP;
END
$roles$;

CREATE SCHEMA grafana;
COMMENT ON SCHEMA grafana IS 'Views for dashboards; all that slurmfleet_grafana may read.';

GRANT USAGE ON SCHEMA public TO slurmfleet_writer, slurmfleet_reader;
GRANT USAGE ON SCHEMA grafana TO slurmfleet_grafana;
GRANT SELECT ON schema_migrations TO slurmfleet_writer, slurmfleet_reader;
