-- name: upsert_gpu_series
-- No rows; makes series. What is told of one is the greatest that was ever told: the same in any order.
INSERT INTO gpu_series AS gs (
    cluster, job_id, submitted_at, source, node, gpu_uuid, gpu_index, mig_profile, model,
    memory_total_mib, last_day
)
SELECT
    ba.cluster, ba.job_id, ba.submitted_at, ba.source, ba.node, ba.gpu_uuid, ba.gpu_index,
    ba.mig_profile, ba.model, ba.memory_total_mib, ba.last_day
FROM unnest(
    %(cluster)s::text[], %(job_id)s::text[], %(submitted_at)s::timestamptz[], %(source)s::text[],
    %(node)s::text[], %(gpu_uuid)s::text[], %(gpu_index)s::integer[], %(mig_profile)s::text[],
    %(model)s::text[], %(memory_total_mib)s::integer[], %(last_day)s::date[]
) AS ba (
    cluster, job_id, submitted_at, source, node, gpu_uuid, gpu_index, mig_profile, model,
    memory_total_mib, last_day
)
ON CONFLICT (cluster, job_id, submitted_at, source, node, gpu_uuid, gpu_index) DO UPDATE SET
    mig_profile = GREATEST(gs.mig_profile, EXCLUDED.mig_profile),
    model = GREATEST(gs.model, EXCLUDED.model),
    memory_total_mib = GREATEST(gs.memory_total_mib, EXCLUDED.memory_total_mib),
    last_day = GREATEST(gs.last_day, EXCLUDED.last_day)

-- name: insert_gpu_samples
-- No rows; stores each sample of the batch once.
INSERT INTO gpu_samples (
    series_id, observed_at, utilization_pct, power_w, temperature_c, span_s, memory_used_mib,
    gpu_count
)
SELECT
    ba.series_id, ba.observed_at, ba.utilization_pct, ba.power_w, ba.temperature_c, ba.span_s,
    ba.memory_used_mib, ba.gpu_count
FROM unnest(
    %(series_id)s::bigint[], %(observed_at)s::timestamptz[], %(utilization_pct)s::real[],
    %(power_w)s::real[], %(temperature_c)s::real[], %(span_s)s::real[],
    %(memory_used_mib)s::integer[], %(gpu_count)s::integer[]
) AS ba (
    series_id, observed_at, utilization_pct, power_w, temperature_c, span_s, memory_used_mib,
    gpu_count
)
ON CONFLICT (series_id, observed_at) DO NOTHING

-- name: upsert_load_series
-- No rows; makes series.
INSERT INTO load_series AS ls (cluster, job_id, submitted_at, source, node, last_day)
SELECT ba.cluster, ba.job_id, ba.submitted_at, ba.source, ba.node, ba.last_day
FROM unnest(
    %(cluster)s::text[], %(job_id)s::text[], %(submitted_at)s::timestamptz[], %(source)s::text[],
    %(node)s::text[], %(last_day)s::date[]
) AS ba (cluster, job_id, submitted_at, source, node, last_day)
ON CONFLICT (cluster, job_id, submitted_at, source, node) DO UPDATE SET
    last_day = GREATEST(ls.last_day, EXCLUDED.last_day)

-- name: insert_load_samples
-- No rows; stores each sample of the batch once.
INSERT INTO load_samples (
    series_id, observed_at, cpu_time_s, disk_read_mib, disk_written_mib, cpu_utilization_pct, span_s,
    cpu_count, memory_used_mib, memory_peak_mib, memory_limit_mib
)
SELECT
    ba.series_id, ba.observed_at, ba.cpu_time_s, ba.disk_read_mib, ba.disk_written_mib,
    ba.cpu_utilization_pct, ba.span_s, ba.cpu_count, ba.memory_used_mib, ba.memory_peak_mib,
    ba.memory_limit_mib
FROM unnest(
    %(series_id)s::bigint[], %(observed_at)s::timestamptz[], %(cpu_time_s)s::double precision[],
    %(disk_read_mib)s::double precision[], %(disk_written_mib)s::double precision[],
    %(cpu_utilization_pct)s::real[], %(span_s)s::real[], %(cpu_count)s::integer[],
    %(memory_used_mib)s::integer[], %(memory_peak_mib)s::integer[], %(memory_limit_mib)s::integer[]
) AS ba (
    series_id, observed_at, cpu_time_s, disk_read_mib, disk_written_mib, cpu_utilization_pct, span_s,
    cpu_count, memory_used_mib, memory_peak_mib, memory_limit_mib
)
ON CONFLICT (series_id, observed_at) DO NOTHING

-- name: insert_sampling_gaps
-- No rows; stores each gap of the batch once.
INSERT INTO sampling_gaps (
    cluster, job_id, submitted_at, node, source, observed_at, since_at, reason
)
SELECT
    ba.cluster, ba.job_id, ba.submitted_at, ba.node, ba.source, ba.observed_at, ba.since_at,
    ba.reason
FROM unnest(
    %(cluster)s::text[], %(job_id)s::text[], %(submitted_at)s::timestamptz[], %(node)s::text[],
    %(source)s::text[], %(observed_at)s::timestamptz[], %(since_at)s::timestamptz[],
    %(reason)s::text[]
) AS ba (cluster, job_id, submitted_at, node, source, observed_at, since_at, reason)
ON CONFLICT (cluster, job_id, submitted_at, node, source, observed_at) DO NOTHING

-- name: mark_job_use
-- No rows; marks hours of jobs. An update, never nothing: it holds the row until this transaction is
-- committed, so that who works the hour out either sees these samples or leaves the mark.
INSERT INTO job_use_marks AS ma (cluster, job_id, submitted_at, hour_at, marks)
SELECT ba.cluster, ba.job_id, ba.submitted_at, ba.hour_at, 1
FROM unnest(
    %(cluster)s::text[], %(job_id)s::text[], %(submitted_at)s::timestamptz[],
    %(hour_at)s::timestamptz[]
) AS ba (cluster, job_id, submitted_at, hour_at)
ON CONFLICT (cluster, job_id, submitted_at, hour_at) DO UPDATE SET marks = ma.marks + 1
