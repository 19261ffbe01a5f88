-- name: find_gpu_series
-- One row per series asked for, in that order: its number, or NULL where it is not stored or is stored
-- without all that is told of it.
SELECT gs.series_id
FROM unnest(
    %(cluster)s::text[], %(job_id)s::text[], %(submitted_at)s::timestamptz[], %(source)s::text[],
    %(node)s::text[], %(gpu_uuid)s::text[], %(gpu_index)s::integer[], %(mig_profile)s::text[],
    %(model)s::text[], %(memory_total_mib)s::integer[], %(last_day)s::date[]
) WITH ORDINALITY AS ba (
    cluster, job_id, submitted_at, source, node, gpu_uuid, gpu_index, mig_profile, model,
    memory_total_mib, last_day, place
)
LEFT JOIN LATERAL (
    SELECT se.series_id
    FROM gpu_series AS se
    WHERE
        se.cluster = ba.cluster
        AND se.job_id = ba.job_id
        AND se.submitted_at = ba.submitted_at
        AND se.source = ba.source
        AND se.node = ba.node
        AND se.gpu_uuid = ba.gpu_uuid
        AND se.gpu_index IS NOT DISTINCT FROM ba.gpu_index
        AND se.mig_profile >= ba.mig_profile
        AND se.model >= ba.model
        AND coalesce(se.memory_total_mib, -1) >= coalesce(ba.memory_total_mib, -1)
        AND se.last_day >= ba.last_day
    LIMIT 1
) AS gs ON TRUE
ORDER BY ba.place

-- name: find_load_series
-- One row per series asked for, in that order: its number, or NULL where it is not stored or is stored
-- with an older last day.
SELECT ls.series_id
FROM unnest(
    %(cluster)s::text[], %(job_id)s::text[], %(submitted_at)s::timestamptz[], %(source)s::text[],
    %(node)s::text[], %(last_day)s::date[]
) WITH ORDINALITY AS ba (cluster, job_id, submitted_at, source, node, last_day, place)
LEFT JOIN LATERAL (
    SELECT se.series_id
    FROM load_series AS se
    WHERE
        se.cluster = ba.cluster
        AND se.job_id = ba.job_id
        AND se.submitted_at = ba.submitted_at
        AND se.source = ba.source
        AND se.node = ba.node
        AND se.last_day >= ba.last_day
    LIMIT 1
) AS ls ON TRUE
ORDER BY ba.place

-- name: read_job_use_marks
-- One row per marked hour, the oldest hours first; at most so many.
SELECT ma.cluster, ma.job_id, ma.submitted_at, ma.hour_at, ma.marks
FROM job_use_marks AS ma
ORDER BY ma.hour_at, ma.cluster, ma.job_id, ma.submitted_at
LIMIT %(limit)s::integer
