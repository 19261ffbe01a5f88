-- Whole arrays and whole het jobs can be told from their members and be matched with them, so that
-- whoever counts neither counts a member twice nor leaves out one that has no row of its own.
-- Lock: SHARE on jobs, so writing waits; short on the view. Expected duration: below one second per
-- million jobs.

CREATE INDEX jobs_group ON jobs (cluster, (coalesce(array_job_id, het_job_id)))
WHERE coalesce(array_job_id, het_job_id) IS NOT NULL;
COMMENT ON INDEX jobs_group IS 'Members of an array or of a het job, and the whole.';

CREATE OR REPLACE VIEW grafana.jobs AS
SELECT
    jo.cluster, jo.job_id, jo.submitted_at, jo.state, jo.reason, jo.name, jo.user_name, jo.account,
    jo.partition, jo.qos, jo.eligible_at, jo.started_at, jo.expected_start_at, jo.ended_at,
    jo.time_limit_s, jo.node_count, jo.node_list, jo.cpu_count, jo.memory_mib, jo.gpu_count,
    jo.gpus_by_type, jo.restart_count, jo.exit_code, jo.exit_signal, jo.is_live, jo.observed_at,
    jo.source, jo.array_job_id, jo.array_task_id, jo.het_job_id, jo.het_offset, jo.task_states,
    coalesce(jo.array_job_id, jo.het_job_id) AS group_id,
    (jo.array_job_id IS NOT NULL AND jo.array_task_id IS NULL)
    OR (jo.het_job_id IS NOT NULL AND jo.het_offset IS NULL) AS is_group
FROM jobs AS jo
WHERE
    NOT jo.is_live
    OR jo.cluster NOT IN (
        SELECT gone.name FROM clusters AS gone WHERE gone.removed_at IS NOT NULL
    );
