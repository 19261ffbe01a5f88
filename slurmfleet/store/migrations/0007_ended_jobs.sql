-- History newest first without reading past the live jobs, which are the newest.
-- Lock: SHARE on jobs, so writing waits. Expected duration: below one second per million jobs.

CREATE INDEX jobs_ended ON jobs (submitted_at DESC, cluster, job_id) WHERE NOT is_live;
COMMENT ON INDEX jobs_ended IS 'Keyset of the history.';
