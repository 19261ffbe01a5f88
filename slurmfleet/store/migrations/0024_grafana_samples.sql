-- What dashboards may see of samples: numbers and names, no text of jobs, no errors, no reasons.
-- Lock: none, new views. Expected duration: below one second.

CREATE VIEW grafana.gpu_use_5min AS
SELECT
    se.cluster, se.job_id, se.submitted_at, se.source, se.node, se.gpu_uuid, se.gpu_index,
    se.mig_profile, se.model, us.bucket_at, us.utilization_pct_mean, us.utilization_pct_max,
    us.memory_used_mib_mean, us.memory_used_mib_max, se.memory_total_mib, us.power_w_mean,
    us.gpu_count, us.samples
FROM gpu_use_5min AS us
JOIN gpu_series AS se USING (series_id);
COMMENT ON VIEW grafana.gpu_use_5min IS 'One row per GPU of a job and five minutes.';

CREATE VIEW grafana.load_samples AS
SELECT
    se.cluster, se.job_id, se.submitted_at, se.source, se.node, sa.observed_at,
    sa.cpu_utilization_pct, sa.cpu_count, sa.cpu_time_s, sa.memory_used_mib, sa.memory_peak_mib,
    sa.memory_limit_mib, sa.disk_read_mib, sa.disk_written_mib
FROM load_samples AS sa
JOIN load_series AS se USING (series_id);
COMMENT ON VIEW grafana.load_samples IS 'One row per job, node and moment: CPU and memory.';

CREATE VIEW grafana.job_use AS
SELECT
    ju.cluster, ju.job_id, ju.submitted_at, ju.samples, ju.sampled_gpu_s, ju.utilization_gpu_s,
    ju.utilization_pct_max, ju.memory_used_mib_mean, ju.memory_used_mib_max, ju.power_w_mean,
    ju.energy_j, ju.gpus_seen, ju.cpu_sampled_s, ju.cpu_utilization_pct_mean, ju.memory_peak_mib,
    ju.gaps, ju.gap_s, ju.first_observed_at, ju.last_observed_at
FROM job_use AS ju;
COMMENT ON VIEW grafana.job_use IS 'One row per sampled job: how well it used what it held.';

CREATE VIEW grafana.job_use_hours AS
SELECT
    uh.cluster, uh.job_id, uh.submitted_at, uh.hour_at, uh.sampled_gpu_s, uh.utilization_gpu_s,
    uh.energy_j, uh.gpus_seen, uh.cpu_sampled_s, uh.cpu_used_s, uh.gaps, uh.gap_s
FROM job_use_hours AS uh;
COMMENT ON VIEW grafana.job_use_hours IS 'One row per sampled job and hour.';

CREATE VIEW grafana.partition_samples AS
SELECT
    pa.cluster, pa.partition, pa.observed_at, pa.state, pa.nodes_total, pa.nodes_by_state,
    pa.cpus_total, pa.cpus_allocated, pa.cpus_free, pa.memory_total_mib, pa.memory_free_mib,
    pa.gpus_total, pa.gpus_allocated, pa.gpus_free, pa.gpus_pending, pa.gpus_pending_eligible, pa.gpus
FROM partition_samples AS pa;
COMMENT ON VIEW grafana.partition_samples IS 'One row per partition and moment; partition "" is the whole cluster.';

CREATE VIEW grafana.share_samples AS
SELECT
    sh.cluster, sh.source, sh.account, sh.user_name, sh.partition, sh.observed_at, sh.fair_share,
    sh.level_fs, sh.norm_shares, sh.norm_usage, sh.raw_usage_s, sh.gpus_running, sh.gpus_pending,
    sh.gpu_head_room, sh.gpus_allocated, sh.gpus_consumed
FROM share_samples AS sh;
COMMENT ON VIEW grafana.share_samples IS 'One row per association, source and moment.';

CREATE VIEW grafana.usage_samples AS
SELECT
    us.cluster, us.account, us.user_name, us.since_at, us.until_at, us.observed_at, us.cpu_s, us.gpu_s
FROM usage_samples AS us;
COMMENT ON VIEW grafana.usage_samples IS 'One row per account or user, reported time and moment of asking.';

CREATE VIEW grafana.occupancy_samples AS
SELECT oc.cluster, oc.source, oc.observed_at, oc.gpus_total, oc.gpus_allocated, oc.gpus_idle
FROM occupancy_samples AS oc;
COMMENT ON VIEW grafana.occupancy_samples IS 'One row per cluster and moment, as its site counts.';

CREATE VIEW grafana.quota_samples AS
SELECT
    qu.cluster, qu.path, qu.file_system, qu.kind, qu.owner, qu.observed_at, qu.used_bytes,
    qu.soft_limit_bytes, qu.hard_limit_bytes, qu.files, qu.soft_limit_files, qu.hard_limit_files
FROM quota_samples AS qu;
COMMENT ON VIEW grafana.quota_samples IS 'One row per owner, file system and moment.';

CREATE VIEW grafana.surveys AS
SELECT
    su.cluster, su.topic, su.observed_at, su.started_at, su.ok, su.interval_s, su.facts, su.rejected,
    su.slurm_rpcs
FROM surveys AS su;
COMMENT ON VIEW grafana.surveys IS 'One row per question beside the looks.';

GRANT SELECT ON
    grafana.gpu_use_5min, grafana.load_samples, grafana.job_use, grafana.job_use_hours,
    grafana.partition_samples, grafana.share_samples, grafana.usage_samples,
    grafana.occupancy_samples, grafana.quota_samples, grafana.surveys
TO slurmfleet_grafana;
