-- What dashboards may see: no command lines, no paths, no comments.
-- Lock: none, new views. Expected duration: below one second.

CREATE VIEW grafana.jobs AS
SELECT
    jo.cluster, jo.job_id, jo.submitted_at, jo.state, jo.reason, jo.name, jo.user_name, jo.account,
    jo.partition, jo.qos, jo.eligible_at, jo.started_at, jo.expected_start_at, jo.ended_at,
    jo.time_limit_s, jo.node_count, jo.node_list, jo.cpu_count, jo.memory_mib, jo.gpu_count,
    jo.gpus_by_type, jo.restart_count, jo.exit_code, jo.exit_signal, jo.is_live, jo.observed_at,
    jo.source
FROM jobs AS jo;
COMMENT ON VIEW grafana.jobs IS 'One row per job, without what its owner wrote on command lines.';

CREATE VIEW grafana.job_events AS
SELECT
    ev.event_seq, ev.cluster, ev.job_id, ev.submitted_at, ev.restart_count, ev.verb, ev.state,
    ev.reason, ev.source, ev.occurred_at, ev.observed_at, ev.recorded_at, ev.job_name, ev.user_name,
    ev.account
FROM job_events AS ev;
COMMENT ON VIEW grafana.job_events IS 'One row per recorded fact about a job.';

CREATE VIEW grafana.cluster_status AS
SELECT
    cs.cluster, cs.last_poll_started_at, cs.last_poll_finished_at, cs.link, cs.error, cs.interval_s,
    cs.slurm_rpcs, cs.failing_since, cs.observed_at, cs.tracked_jobs, cs.detail_error,
    cs.queue_observed_at, cs.queue_error, cs.accounting_observed_at, cs.accounting_error,
    cs.slurm_version, cs.clock_offset_s
FROM cluster_status AS cs;
COMMENT ON VIEW grafana.cluster_status IS 'One row per cluster: what its newest polls say.';

CREATE VIEW grafana.partition_counts AS
SELECT pc.cluster, pc.partition, pc.state, pc.jobs, pc.gpus, pc.observed_at
FROM partition_counts AS pc;
COMMENT ON VIEW grafana.partition_counts IS 'Everybody''s jobs per partition and state.';

CREATE VIEW grafana.polls AS
SELECT
    po.cluster, po.started_at, po.finished_at, po.duration_s, po.link, po.error, po.failed,
    po.interval_s, po.slurm_version, po.tracked_jobs, po.slurm_rpcs, po.clock_offset_s
FROM polls AS po;
COMMENT ON VIEW grafana.polls IS 'One row per look at a cluster.';

GRANT SELECT ON ALL TABLES IN SCHEMA grafana TO slurmfleet_grafana;
