-- GPU use in steps of five minutes: kept up to date by TimescaleDB on community, worked out when asked on the others.
-- 1.4 million rows a day for 5,000 GPUs on community; none elsewhere.
-- Lock: none, new view. Expected duration: below one second; WITH NO DATA, so it may stand in a transaction.

-- if edition: community
CREATE MATERIALIZED VIEW gpu_use_5min
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE) AS
SELECT
    sa.series_id, time_bucket(INTERVAL '5 minutes', sa.observed_at) AS bucket_at,
    avg(sa.utilization_pct) AS utilization_pct_mean, max(sa.utilization_pct) AS utilization_pct_max,
    avg(sa.memory_used_mib)::double precision AS memory_used_mib_mean,
    max(sa.memory_used_mib) AS memory_used_mib_max, avg(sa.power_w) AS power_w_mean,
    max(sa.gpu_count) AS gpu_count, count(*) AS samples
FROM gpu_samples AS sa
GROUP BY sa.series_id, time_bucket(INTERVAL '5 minutes', sa.observed_at)
WITH NO DATA;
-- It must not look further back than the shortest retention of raw samples (seven days): what is refreshed
-- after its samples have gone is gone as well.
SELECT add_continuous_aggregate_policy(
    'gpu_use_5min', start_offset => INTERVAL '3 days', end_offset => INTERVAL '10 minutes',
    schedule_interval => INTERVAL '10 minutes'
);
-- end if
-- if edition: apache, plain
CREATE VIEW gpu_use_5min AS
SELECT
    sa.series_id,
    date_bin(INTERVAL '5 minutes', sa.observed_at, TIMESTAMPTZ '2000-01-03 00:00:00+00') AS bucket_at,
    avg(sa.utilization_pct) AS utilization_pct_mean, max(sa.utilization_pct) AS utilization_pct_max,
    avg(sa.memory_used_mib)::double precision AS memory_used_mib_mean,
    max(sa.memory_used_mib) AS memory_used_mib_max, avg(sa.power_w) AS power_w_mean,
    max(sa.gpu_count) AS gpu_count, count(*) AS samples
FROM gpu_samples AS sa
GROUP BY
    sa.series_id,
    date_bin(INTERVAL '5 minutes', sa.observed_at, TIMESTAMPTZ '2000-01-03 00:00:00+00');
-- end if

COMMENT ON VIEW gpu_use_5min IS
    'One row per series of gpu_series and five minutes: means and maxima of its samples.';

GRANT SELECT ON gpu_use_5min TO slurmfleet_reader, slurmfleet_writer;
