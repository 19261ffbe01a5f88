-- Dashboards show configured clusters only, and can tell a whole array from its tasks.
-- Lock: short, on the two views. Expected duration: below one second.

CREATE OR REPLACE VIEW grafana.jobs AS
SELECT
    jo.cluster, jo.job_id, jo.submitted_at, jo.state, jo.reason, jo.name, jo.user_name, jo.account,
    jo.partition, jo.qos, jo.eligible_at, jo.started_at, jo.expected_start_at, jo.ended_at,
    jo.time_limit_s, jo.node_count, jo.node_list, jo.cpu_count, jo.memory_mib, jo.gpu_count,
    jo.gpus_by_type, jo.restart_count, jo.exit_code, jo.exit_signal, jo.is_live, jo.observed_at,
    jo.source, jo.array_job_id, jo.array_task_id
FROM jobs AS jo
WHERE
    NOT jo.is_live
    OR jo.cluster NOT IN (
        SELECT gone.name FROM clusters AS gone WHERE gone.removed_at IS NOT NULL
    );

CREATE OR REPLACE VIEW grafana.cluster_status AS
SELECT
    cs.cluster, cs.last_poll_started_at, cs.last_poll_finished_at, cs.link, cs.error, cs.interval_s,
    cs.slurm_rpcs, cs.failing_since, cs.observed_at, cs.tracked_jobs, cs.detail_error,
    cs.queue_observed_at, cs.queue_error, cs.accounting_observed_at, cs.accounting_error,
    cs.slurm_version, cs.clock_offset_s
FROM cluster_status AS cs
WHERE
    cs.cluster NOT IN (
        SELECT gone.name FROM clusters AS gone WHERE gone.removed_at IS NOT NULL
    );
