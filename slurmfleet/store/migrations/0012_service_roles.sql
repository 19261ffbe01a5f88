-- Services that own tables of their own, kernels and logbook, get roles of their own: neither may
-- write what the projector writes, nor what the other owns.
-- Lock: none on our tables. Expected duration: below one second.
-- Roles belong to the whole server, so they may be there already, made by another database of it.

DO $roles$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['slurmfleet_kernels', 'slurmfleet_logbook']
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

GRANT USAGE ON SCHEMA public TO slurmfleet_kernels, slurmfleet_logbook;
GRANT SELECT ON schema_migrations, clusters, jobs TO slurmfleet_kernels, slurmfleet_logbook;
