-- name: upsert_job_use_hours
-- No rows; works out the hours asked for and stores those that have samples. Each sample stands for
-- its span, else for the time since the one before it in its series: at most 90 s, 30 s for a first.
-- Looking back one hour makes that the same whichever hours are asked for together. Sums are of whole
-- thousandths, so that they do not depend on the order of rows. An hour is never replaced by one of
-- fewer samples: retention takes samples away, nothing else does.
WITH asked AS (
    SELECT DISTINCT ba.cluster, ba.job_id, ba.submitted_at, ba.hour_at
    FROM unnest(
        %(cluster)s::text[], %(job_id)s::text[], %(submitted_at)s::timestamptz[],
        %(hour_at)s::timestamptz[]
    ) AS ba (cluster, job_id, submitted_at, hour_at)
),

gpu_moments AS (
    SELECT
        ask.cluster, ask.job_id, ask.submitted_at, ask.hour_at, se.source, sa.series_id,
        sa.observed_at, sa.utilization_pct, sa.memory_used_mib, sa.power_w, sa.gpu_count, sa.span_s,
        extract(EPOCH FROM sa.observed_at - lag(sa.observed_at) OVER (
            PARTITION BY ask.hour_at, sa.series_id ORDER BY sa.observed_at
        ))::double precision AS gap_s
    FROM asked AS ask
    JOIN gpu_series AS se
        ON
            se.cluster = ask.cluster
            AND se.job_id = ask.job_id
            AND se.submitted_at = ask.submitted_at
    JOIN gpu_samples AS sa
        ON
            sa.series_id = se.series_id
            AND sa.observed_at >= ask.hour_at - INTERVAL '1 hour'
            AND sa.observed_at < ask.hour_at + INTERVAL '1 hour'
    WHERE
        sa.observed_at >= %(since)s::timestamptz
        AND sa.observed_at < %(until)s::timestamptz
),

gpu_weighed AS (
    SELECT
        mo.cluster, mo.job_id, mo.submitted_at, mo.hour_at, mo.source, mo.series_id, mo.observed_at,
        mo.utilization_pct, mo.memory_used_mib, mo.power_w, mo.gpu_count,
        1000 * mo.gpu_count * LEAST(
            coalesce(mo.span_s, CASE WHEN mo.gap_s IS NULL THEN 30 ELSE 90 END), mo.gap_s, 3600
        ) AS gpu_ms
    FROM gpu_moments AS mo
    WHERE mo.observed_at >= mo.hour_at
),

gpu_hours AS (
    SELECT
        we.cluster, we.job_id, we.submitted_at, we.hour_at, count(*) AS samples,
        sum(round(we.gpu_ms)::bigint) FILTER (WHERE we.utilization_pct IS NOT NULL) AS sampled_ms,
        sum(round(we.gpu_ms * we.utilization_pct / 100)::bigint) AS utilization_ms,
        max(we.utilization_pct) AS utilization_pct_max,
        sum(round(we.gpu_ms)::bigint) FILTER (WHERE we.memory_used_mib IS NOT NULL) AS memory_ms,
        sum(round(we.gpu_ms)::bigint * we.memory_used_mib) AS memory_mib_ms,
        max(we.memory_used_mib) AS memory_used_mib_max,
        sum(round(we.gpu_ms)::bigint) FILTER (WHERE we.power_w IS NOT NULL) AS power_ms,
        sum(round(we.gpu_ms * we.power_w)::bigint) AS energy_mj,
        min(we.observed_at) AS first_observed_at, max(we.observed_at) AS last_observed_at
    FROM gpu_weighed AS we
    GROUP BY we.cluster, we.job_id, we.submitted_at, we.hour_at
),

gpu_counts AS (
    SELECT co.cluster, co.job_id, co.submitted_at, co.hour_at, max(co.gpus) AS gpus_seen
    FROM (
        SELECT
            sr.cluster, sr.job_id, sr.submitted_at, sr.hour_at, sr.source, sum(sr.gpus) AS gpus
        FROM (
            SELECT
                we.cluster, we.job_id, we.submitted_at, we.hour_at, we.source, we.series_id,
                max(we.gpu_count) AS gpus
            FROM gpu_weighed AS we
            GROUP BY
                we.cluster, we.job_id, we.submitted_at, we.hour_at, we.source, we.series_id
        ) AS sr
        GROUP BY sr.cluster, sr.job_id, sr.submitted_at, sr.hour_at, sr.source
    ) AS co
    GROUP BY co.cluster, co.job_id, co.submitted_at, co.hour_at
),

load_moments AS (
    SELECT
        ask.cluster, ask.job_id, ask.submitted_at, ask.hour_at, sa.observed_at,
        sa.cpu_utilization_pct, sa.cpu_count, sa.memory_used_mib, sa.memory_peak_mib, sa.span_s,
        extract(EPOCH FROM sa.observed_at - lag(sa.observed_at) OVER (
            PARTITION BY ask.hour_at, sa.series_id ORDER BY sa.observed_at
        ))::double precision AS gap_s
    FROM asked AS ask
    JOIN load_series AS se
        ON
            se.cluster = ask.cluster
            AND se.job_id = ask.job_id
            AND se.submitted_at = ask.submitted_at
    JOIN load_samples AS sa
        ON
            sa.series_id = se.series_id
            AND sa.observed_at >= ask.hour_at - INTERVAL '1 hour'
            AND sa.observed_at < ask.hour_at + INTERVAL '1 hour'
    WHERE
        sa.observed_at >= %(since)s::timestamptz
        AND sa.observed_at < %(until)s::timestamptz
),

load_weighed AS (
    SELECT
        mo.cluster, mo.job_id, mo.submitted_at, mo.hour_at, mo.observed_at, mo.cpu_utilization_pct,
        mo.memory_used_mib, mo.memory_peak_mib,
        1000 * coalesce(mo.cpu_count, 1) * LEAST(
            coalesce(mo.span_s, CASE WHEN mo.gap_s IS NULL THEN 30 ELSE 90 END), mo.gap_s, 3600
        ) AS cpu_ms
    FROM load_moments AS mo
    WHERE mo.observed_at >= mo.hour_at
),

load_hours AS (
    SELECT
        we.cluster, we.job_id, we.submitted_at, we.hour_at, count(*) AS samples,
        sum(round(we.cpu_ms)::bigint) FILTER (WHERE we.cpu_utilization_pct IS NOT NULL) AS sampled_ms,
        sum(round(we.cpu_ms * we.cpu_utilization_pct / 100)::bigint) AS used_ms,
        max(GREATEST(we.memory_peak_mib, we.memory_used_mib)) AS memory_peak_mib,
        min(we.observed_at) AS first_observed_at, max(we.observed_at) AS last_observed_at
    FROM load_weighed AS we
    GROUP BY we.cluster, we.job_id, we.submitted_at, we.hour_at
),

gap_hours AS (
    SELECT
        ask.cluster, ask.job_id, ask.submitted_at, ask.hour_at, count(*) AS gaps,
        sum(round(1000 * extract(EPOCH FROM ga.observed_at - ga.since_at))::bigint) AS gap_ms
    FROM asked AS ask
    JOIN sampling_gaps AS ga
        ON
            ga.cluster = ask.cluster
            AND ga.job_id = ask.job_id
            AND ga.submitted_at = ask.submitted_at
            AND ga.observed_at >= ask.hour_at
            AND ga.observed_at < ask.hour_at + INTERVAL '1 hour'
    GROUP BY ask.cluster, ask.job_id, ask.submitted_at, ask.hour_at
)

INSERT INTO job_use_hours AS uh (
    cluster, job_id, submitted_at, hour_at, samples, sampled_gpu_s, utilization_gpu_s,
    utilization_pct_max, memory_gpu_s, memory_mib_gpu_s, memory_used_mib_max, power_gpu_s, energy_j,
    gpus_seen, cpu_sampled_s, cpu_used_s, memory_peak_mib, gaps, gap_s, first_observed_at,
    last_observed_at
)
SELECT
    ask.cluster, ask.job_id, ask.submitted_at, ask.hour_at,
    coalesce(gh.samples, 0) + coalesce(lh.samples, 0) + coalesce(ga.gaps, 0),
    coalesce(gh.sampled_ms, 0) / 1000.0, coalesce(gh.utilization_ms, 0) / 1000.0,
    gh.utilization_pct_max, coalesce(gh.memory_ms, 0) / 1000.0,
    coalesce(gh.memory_mib_ms, 0) / 1000.0, gh.memory_used_mib_max,
    coalesce(gh.power_ms, 0) / 1000.0, coalesce(gh.energy_mj, 0) / 1000.0,
    coalesce(gc.gpus_seen, 0), coalesce(lh.sampled_ms, 0) / 1000.0,
    coalesce(lh.used_ms, 0) / 1000.0, lh.memory_peak_mib, coalesce(ga.gaps, 0),
    coalesce(ga.gap_ms, 0) / 1000.0, LEAST(gh.first_observed_at, lh.first_observed_at),
    GREATEST(gh.last_observed_at, lh.last_observed_at)
FROM asked AS ask
LEFT JOIN gpu_hours AS gh USING (cluster, job_id, submitted_at, hour_at)
LEFT JOIN gpu_counts AS gc USING (cluster, job_id, submitted_at, hour_at)
LEFT JOIN load_hours AS lh USING (cluster, job_id, submitted_at, hour_at)
LEFT JOIN gap_hours AS ga USING (cluster, job_id, submitted_at, hour_at)
WHERE coalesce(gh.samples, lh.samples, ga.gaps) IS NOT NULL
ON CONFLICT (cluster, job_id, submitted_at, hour_at) DO UPDATE SET
    samples = EXCLUDED.samples, sampled_gpu_s = EXCLUDED.sampled_gpu_s,
    utilization_gpu_s = EXCLUDED.utilization_gpu_s,
    utilization_pct_max = EXCLUDED.utilization_pct_max, memory_gpu_s = EXCLUDED.memory_gpu_s,
    memory_mib_gpu_s = EXCLUDED.memory_mib_gpu_s,
    memory_used_mib_max = EXCLUDED.memory_used_mib_max, power_gpu_s = EXCLUDED.power_gpu_s,
    energy_j = EXCLUDED.energy_j, gpus_seen = EXCLUDED.gpus_seen,
    cpu_sampled_s = EXCLUDED.cpu_sampled_s, cpu_used_s = EXCLUDED.cpu_used_s,
    memory_peak_mib = EXCLUDED.memory_peak_mib, gaps = EXCLUDED.gaps, gap_s = EXCLUDED.gap_s,
    first_observed_at = EXCLUDED.first_observed_at, last_observed_at = EXCLUDED.last_observed_at
WHERE EXCLUDED.samples >= uh.samples

-- name: upsert_job_use
-- No rows; adds up the hours of jobs.
INSERT INTO job_use AS ju (
    cluster, job_id, submitted_at, samples, sampled_gpu_s, utilization_gpu_s, utilization_pct_max,
    memory_used_mib_mean, memory_used_mib_max, power_w_mean, energy_j, gpus_seen, cpu_sampled_s,
    cpu_utilization_pct_mean, memory_peak_mib, gaps, gap_s, first_observed_at, last_observed_at
)
SELECT
    uh.cluster, uh.job_id, uh.submitted_at, sum(uh.samples), sum(uh.sampled_gpu_s ORDER BY uh.hour_at),
    sum(uh.utilization_gpu_s ORDER BY uh.hour_at), max(uh.utilization_pct_max),
    sum(uh.memory_mib_gpu_s ORDER BY uh.hour_at) / nullif(sum(uh.memory_gpu_s ORDER BY uh.hour_at), 0),
    max(uh.memory_used_mib_max),
    sum(uh.energy_j ORDER BY uh.hour_at) / nullif(sum(uh.power_gpu_s ORDER BY uh.hour_at), 0),
    CASE WHEN max(uh.power_gpu_s) > 0 THEN sum(uh.energy_j ORDER BY uh.hour_at) END,
    max(uh.gpus_seen), sum(uh.cpu_sampled_s ORDER BY uh.hour_at),
    100 * sum(uh.cpu_used_s ORDER BY uh.hour_at) / nullif(sum(uh.cpu_sampled_s ORDER BY uh.hour_at), 0),
    max(uh.memory_peak_mib), sum(uh.gaps), sum(uh.gap_s ORDER BY uh.hour_at),
    min(uh.first_observed_at), max(uh.last_observed_at)
FROM job_use_hours AS uh
WHERE
    (uh.cluster, uh.job_id, uh.submitted_at) IN (
        SELECT ba.cluster, ba.job_id, ba.submitted_at
        FROM unnest(
            %(cluster)s::text[], %(job_id)s::text[], %(submitted_at)s::timestamptz[]
        ) AS ba (cluster, job_id, submitted_at)
    )
GROUP BY uh.cluster, uh.job_id, uh.submitted_at
ON CONFLICT (cluster, job_id, submitted_at) DO UPDATE SET
    samples = EXCLUDED.samples, sampled_gpu_s = EXCLUDED.sampled_gpu_s,
    utilization_gpu_s = EXCLUDED.utilization_gpu_s,
    utilization_pct_max = EXCLUDED.utilization_pct_max,
    memory_used_mib_mean = EXCLUDED.memory_used_mib_mean,
    memory_used_mib_max = EXCLUDED.memory_used_mib_max, power_w_mean = EXCLUDED.power_w_mean,
    energy_j = EXCLUDED.energy_j, gpus_seen = EXCLUDED.gpus_seen,
    cpu_sampled_s = EXCLUDED.cpu_sampled_s,
    cpu_utilization_pct_mean = EXCLUDED.cpu_utilization_pct_mean,
    memory_peak_mib = EXCLUDED.memory_peak_mib, gaps = EXCLUDED.gaps, gap_s = EXCLUDED.gap_s,
    first_observed_at = EXCLUDED.first_observed_at, last_observed_at = EXCLUDED.last_observed_at

-- name: delete_job_use_marks
-- No rows; takes away marks as they were read. One that was set meanwhile differs and stays.
DELETE FROM job_use_marks AS ma
USING unnest(
    %(cluster)s::text[], %(job_id)s::text[], %(submitted_at)s::timestamptz[],
    %(hour_at)s::timestamptz[], %(marks)s::bigint[]
) AS ba (cluster, job_id, submitted_at, hour_at, marks)
WHERE
    ma.cluster = ba.cluster
    AND ma.job_id = ba.job_id
    AND ma.submitted_at = ba.submitted_at
    AND ma.hour_at = ba.hour_at
    AND ma.marks = ba.marks
