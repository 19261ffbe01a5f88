-- What running jobs do with GPUs, CPUs and memory, as time series.
-- GPU samples: 14.4 million rows a day for 5,000 GPUs at an interval of 30 s. Load samples: some 2 million a day
-- (700 nodes). Series: one per job and GPU, 100,000 a day. In hypertables where TimescaleDB is there.
-- A sample's fact id is a digest of exactly what makes its row's key (cluster, source, job, node, GPU and
-- moment), so a sample told twice is one row without its id being stored.
-- Lock: none, new tables. Expected duration: below one second.

CREATE TABLE gpu_series (
    series_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamptz NOT NULL,
    source text NOT NULL,
    node text NOT NULL,
    gpu_uuid text NOT NULL,
    gpu_index integer,
    mig_profile text NOT NULL,
    model text NOT NULL,
    memory_total_mib integer,
    last_day date NOT NULL,
    CONSTRAINT gpu_series_key UNIQUE NULLS NOT DISTINCT
    (cluster, job_id, submitted_at, source, node, gpu_uuid, gpu_index)
);
COMMENT ON TABLE gpu_series IS
    'One row per GPU of a job as one source tells it, or per job where a source tells a mean. Written by: projector.';
COMMENT ON COLUMN gpu_series.series_id IS 'Short name for gpu_samples.';
COMMENT ON COLUMN gpu_series.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN gpu_series.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';
COMMENT ON COLUMN gpu_series.submitted_at IS 'When Slurm first accepted the job.';
COMMENT ON COLUMN gpu_series.source IS 'Where it is read: prometheus/dcgm, sstat, sidecar, step.';
COMMENT ON COLUMN gpu_series.node IS 'Node; empty: all nodes of the job together.';
COMMENT ON COLUMN gpu_series.gpu_uuid IS 'As the driver names the GPU or MIG slice; empty where the source has none.';
COMMENT ON COLUMN gpu_series.gpu_index IS 'The GPU''s number on its node; NULL where the source tells none.';
COMMENT ON COLUMN gpu_series.mig_profile IS 'As 1g.10gb; empty for a whole GPU, or not told.';
COMMENT ON COLUMN gpu_series.model IS 'As the driver names it; empty: not told.';
COMMENT ON COLUMN gpu_series.memory_total_mib IS 'The GPU''s memory in MiB; NULL: not told.';
COMMENT ON COLUMN gpu_series.last_day IS 'UTC day of its newest sample, for retention.';

CREATE TABLE gpu_samples (
    series_id bigint NOT NULL,
    observed_at timestamptz NOT NULL,
    utilization_pct real,
    power_w real,
    temperature_c real,
    span_s real,
    memory_used_mib integer,
    gpu_count integer NOT NULL,
    PRIMARY KEY (series_id, observed_at),
    CONSTRAINT gpu_samples_sane CHECK (
        utilization_pct >= 0 AND utilization_pct <= 100
        AND power_w >= 0 AND power_w < 'Infinity'
        AND temperature_c > '-Infinity' AND temperature_c < 'Infinity'
        AND span_s >= 0 AND span_s < 'Infinity'
        AND memory_used_mib >= 0 AND gpu_count > 0
    )
);
COMMENT ON TABLE gpu_samples IS
    'One row per series and moment, stored once however often it is told. Written by: projector.';
COMMENT ON COLUMN gpu_samples.series_id IS 'Which GPU of which job; gpu_series.';
COMMENT ON COLUMN gpu_samples.observed_at IS 'When the source showed it.';
COMMENT ON COLUMN gpu_samples.utilization_pct IS 'Percent of the time in which any kernel was resident; NULL: not told.';
COMMENT ON COLUMN gpu_samples.power_w IS 'Power in watts; NULL: not told.';
COMMENT ON COLUMN gpu_samples.temperature_c IS 'Temperature in degrees Celsius; NULL: not told.';
COMMENT ON COLUMN gpu_samples.span_s IS 'Seconds over which the values are a mean; NULL: a moment''s.';
COMMENT ON COLUMN gpu_samples.memory_used_mib IS 'GPU memory in use, in MiB; NULL: not told.';
COMMENT ON COLUMN gpu_samples.gpu_count IS 'How many GPUs the values are a mean of.';
COMMENT ON CONSTRAINT gpu_samples_sane ON gpu_samples IS
    'Refuses NaN and the like, which would spoil every mean; such a fact goes to the dead letters.';

CREATE TABLE load_series (
    series_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamptz NOT NULL,
    source text NOT NULL,
    node text NOT NULL,
    last_day date NOT NULL,
    CONSTRAINT load_series_key UNIQUE (cluster, job_id, submitted_at, source, node)
);
COMMENT ON TABLE load_series IS
    'One row per job and node, or per job, as one source tells CPU and memory. Written by: projector.';
COMMENT ON COLUMN load_series.series_id IS 'Short name for load_samples.';
COMMENT ON COLUMN load_series.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN load_series.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';
COMMENT ON COLUMN load_series.submitted_at IS 'When Slurm first accepted the job.';
COMMENT ON COLUMN load_series.source IS 'Where it is read: prometheus/jobstats, sstat, sidecar, step.';
COMMENT ON COLUMN load_series.node IS 'Node; empty: all nodes of the job together.';
COMMENT ON COLUMN load_series.last_day IS 'UTC day of its newest sample, for retention.';

CREATE TABLE load_samples (
    series_id bigint NOT NULL,
    observed_at timestamptz NOT NULL,
    cpu_time_s double precision,
    disk_read_mib double precision,
    disk_written_mib double precision,
    cpu_utilization_pct real,
    span_s real,
    cpu_count integer,
    memory_used_mib integer,
    memory_peak_mib integer,
    memory_limit_mib integer,
    PRIMARY KEY (series_id, observed_at),
    CONSTRAINT load_samples_sane CHECK (
        cpu_time_s >= 0 AND cpu_time_s < 'Infinity'
        AND disk_read_mib >= 0 AND disk_read_mib < 'Infinity'
        AND disk_written_mib >= 0 AND disk_written_mib < 'Infinity'
        AND cpu_utilization_pct >= 0 AND cpu_utilization_pct < 'Infinity'
        AND span_s >= 0 AND span_s < 'Infinity'
        AND cpu_count >= 0 AND memory_used_mib >= 0 AND memory_peak_mib >= 0
        AND memory_limit_mib >= 0
    )
);
COMMENT ON TABLE load_samples IS
    'One row per series and moment, stored once however often it is told. Written by: projector.';
COMMENT ON COLUMN load_samples.series_id IS 'Which node of which job; load_series.';
COMMENT ON COLUMN load_samples.observed_at IS 'When the source showed it.';
COMMENT ON COLUMN load_samples.cpu_time_s IS 'CPU seconds used since the job began; NULL: not told.';
COMMENT ON COLUMN load_samples.disk_read_mib IS 'Read since the job began, in MiB; NULL: not told.';
COMMENT ON COLUMN load_samples.disk_written_mib IS 'Written since the job began, in MiB; NULL: not told.';
COMMENT ON COLUMN load_samples.cpu_utilization_pct IS
    'Percent of all allocated CPUs; above 100 where a job may use others. NULL: not told.';
COMMENT ON COLUMN load_samples.span_s IS 'Seconds over which the utilization is a mean; NULL: a moment''s.';
COMMENT ON COLUMN load_samples.cpu_count IS 'CPUs allocated there; NULL: not told.';
COMMENT ON COLUMN load_samples.memory_used_mib IS 'Memory in use, in MiB; NULL: not told.';
COMMENT ON COLUMN load_samples.memory_peak_mib IS 'Most memory used so far, in MiB; NULL: not told.';
COMMENT ON COLUMN load_samples.memory_limit_mib IS 'Memory that the job may use there, in MiB; NULL: not told.';
COMMENT ON CONSTRAINT load_samples_sane ON load_samples IS
    'Refuses NaN and the like, which would spoil every mean; such a fact goes to the dead letters.';

CREATE TABLE sampling_gaps (
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamptz NOT NULL,
    node text NOT NULL,
    source text NOT NULL,
    observed_at timestamptz NOT NULL,
    since_at timestamptz NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (cluster, job_id, submitted_at, node, source, observed_at)
);
COMMENT ON TABLE sampling_gaps IS
    'Times in which a running job could not be sampled; a fault of ours, not idleness. Written by: projector.';
COMMENT ON COLUMN sampling_gaps.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN sampling_gaps.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';
COMMENT ON COLUMN sampling_gaps.submitted_at IS 'When Slurm first accepted the job.';
COMMENT ON COLUMN sampling_gaps.node IS 'Node; empty: all nodes of the job together.';
COMMENT ON COLUMN sampling_gaps.source IS 'Who tells the gap.';
COMMENT ON COLUMN sampling_gaps.observed_at IS 'When the gap was noticed.';
COMMENT ON COLUMN sampling_gaps.since_at IS 'The last good sample, or the job''s start.';
COMMENT ON COLUMN sampling_gaps.reason IS 'What each source said; untrusted text.';

-- if edition: community, apache
-- A day of GPU samples is 1.3 GiB with its index: what is written and looked at lies in the newest chunk or two, and
-- retention lets whole days go. A week of load samples is about as large.
SELECT create_hypertable(
    'gpu_samples', 'observed_at', chunk_time_interval => INTERVAL '1 day',
    create_default_indexes => FALSE
);
SELECT create_hypertable(
    'load_samples', 'observed_at', chunk_time_interval => INTERVAL '7 days',
    create_default_indexes => FALSE
);
-- end if
-- if edition: community
ALTER TABLE gpu_samples SET (
    timescaledb.compress, timescaledb.compress_segmentby = 'series_id',
    timescaledb.compress_orderby = 'observed_at'
);
SELECT add_compression_policy('gpu_samples', INTERVAL '3 days');
ALTER TABLE load_samples SET (
    timescaledb.compress, timescaledb.compress_segmentby = 'series_id',
    timescaledb.compress_orderby = 'observed_at'
);
SELECT add_compression_policy('load_samples', INTERVAL '7 days');
-- end if
-- if edition: plain
CREATE INDEX gpu_samples_observed ON gpu_samples USING brin (observed_at);
COMMENT ON INDEX gpu_samples_observed IS 'Old samples, for retention.';
CREATE INDEX load_samples_observed ON load_samples USING brin (observed_at);
COMMENT ON INDEX load_samples_observed IS 'Old samples, for retention.';
-- end if
CREATE INDEX sampling_gaps_observed ON sampling_gaps USING brin (observed_at);
COMMENT ON INDEX sampling_gaps_observed IS 'Old gaps, for retention.';
CREATE INDEX gpu_series_last_day ON gpu_series (last_day);
COMMENT ON INDEX gpu_series_last_day IS 'Series whose samples may all be gone, for retention.';
CREATE INDEX load_series_last_day ON load_series (last_day);
COMMENT ON INDEX load_series_last_day IS 'Series whose samples may all be gone, for retention.';

GRANT SELECT ON gpu_series, gpu_samples, load_series, load_samples, sampling_gaps
TO slurmfleet_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON gpu_series, gpu_samples, load_series, load_samples, sampling_gaps
TO slurmfleet_writer;
