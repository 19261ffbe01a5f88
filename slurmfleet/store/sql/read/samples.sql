-- name: list_newest_samples
-- One row per thing of a kind and source, by cluster, thing and source.
SELECT ns.cluster, ns.source, ns.observed_at, ns.told
FROM newest_samples AS ns
WHERE
    ns.kind = %(kind)s::text
    AND (%(cluster)s::text IS NULL OR ns.cluster = %(cluster)s::text)
    AND (%(first)s::text IS NULL OR ns.identity[1] = %(first)s::text)
ORDER BY ns.cluster, ns.identity, ns.source
LIMIT %(limit)s::integer

-- name: list_job_gpu_points
-- One row per series of a job and step of time in which it has samples, by series and time.
SELECT
    se.series_id, se.source, se.node, se.gpu_uuid, se.gpu_index, se.mig_profile, se.model,
    se.memory_total_mib, ti.at, avg(sa.utilization_pct) AS utilization_pct_mean,
    max(sa.utilization_pct)::double precision AS utilization_pct_max,
    avg(sa.memory_used_mib)::double precision AS memory_used_mib_mean,
    max(sa.memory_used_mib) AS memory_used_mib_max, avg(sa.power_w) AS power_w_mean,
    max(sa.temperature_c)::double precision AS temperature_c_max, max(sa.gpu_count) AS gpu_count,
    count(*) AS samples
FROM gpu_series AS se
JOIN gpu_samples AS sa ON sa.series_id = se.series_id
CROSS JOIN LATERAL (
    SELECT
        date_bin(
            make_interval(secs => %(step_s)s::double precision), sa.observed_at,
            %(since)s::timestamptz
        ) AS at
) AS ti
WHERE
    se.cluster = %(cluster)s::text
    AND se.job_id = %(job_id)s::text
    AND se.submitted_at = %(submitted_at)s::timestamptz
    AND sa.observed_at >= %(since)s::timestamptz
    AND sa.observed_at < %(until)s::timestamptz
GROUP BY se.series_id, ti.at
ORDER BY se.node, se.gpu_index, se.gpu_uuid, se.source, se.series_id, ti.at
LIMIT %(limit)s::integer

-- name: list_job_load_points
-- One row per series of a job and step of time in which it has samples, by series and time.
SELECT
    se.series_id, se.source, se.node, ti.at, avg(sa.cpu_utilization_pct) AS cpu_utilization_pct_mean,
    max(sa.cpu_utilization_pct)::double precision AS cpu_utilization_pct_max,
    max(sa.cpu_count) AS cpu_count, max(sa.cpu_time_s) AS cpu_time_s,
    avg(sa.memory_used_mib)::double precision AS memory_used_mib_mean,
    max(sa.memory_used_mib) AS memory_used_mib_max, max(sa.memory_peak_mib) AS memory_peak_mib,
    max(sa.memory_limit_mib) AS memory_limit_mib, max(sa.disk_read_mib) AS disk_read_mib,
    max(sa.disk_written_mib) AS disk_written_mib, count(*) AS samples
FROM load_series AS se
JOIN load_samples AS sa ON sa.series_id = se.series_id
CROSS JOIN LATERAL (
    SELECT
        date_bin(
            make_interval(secs => %(step_s)s::double precision), sa.observed_at,
            %(since)s::timestamptz
        ) AS at
) AS ti
WHERE
    se.cluster = %(cluster)s::text
    AND se.job_id = %(job_id)s::text
    AND se.submitted_at = %(submitted_at)s::timestamptz
    AND sa.observed_at >= %(since)s::timestamptz
    AND sa.observed_at < %(until)s::timestamptz
GROUP BY se.series_id, ti.at
ORDER BY se.node, se.source, se.series_id, ti.at
LIMIT %(limit)s::integer
