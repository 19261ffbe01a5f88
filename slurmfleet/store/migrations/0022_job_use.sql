-- How well jobs used what they held, for as long as jobs are kept: samples are not.
-- job_use: one row per sampled job, 20,000 a day. job_use_hours: one per job and hour, 25,000 a day for 1,000
-- running jobs. job_use_marks: what is to be worked out again; a few thousand rows, gone after each turn.
-- Lock: none, new tables. Expected duration: below one second.

CREATE TABLE job_use_marks (
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamptz NOT NULL,
    hour_at timestamptz NOT NULL,
    marks bigint NOT NULL,
    PRIMARY KEY (cluster, job_id, submitted_at, hour_at)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1);
COMMENT ON TABLE job_use_marks IS
    'Hours of jobs whose use is to be worked out again; set in the transaction that stores the samples. Written by: projector.';
COMMENT ON COLUMN job_use_marks.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN job_use_marks.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';
COMMENT ON COLUMN job_use_marks.submitted_at IS 'When Slurm first accepted the job.';
COMMENT ON COLUMN job_use_marks.hour_at IS 'Begin of the hour, UTC.';
COMMENT ON COLUMN job_use_marks.marks IS 'How often it was marked: a mark set meanwhile survives the working out.';

CREATE TABLE job_use_hours (
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamptz NOT NULL,
    hour_at timestamptz NOT NULL,
    samples integer NOT NULL,
    sampled_gpu_s double precision NOT NULL,
    utilization_gpu_s double precision NOT NULL,
    utilization_pct_max real,
    memory_gpu_s double precision NOT NULL,
    memory_mib_gpu_s double precision NOT NULL,
    memory_used_mib_max integer,
    power_gpu_s double precision NOT NULL,
    energy_j double precision NOT NULL,
    gpus_seen integer NOT NULL,
    cpu_sampled_s double precision NOT NULL,
    cpu_used_s double precision NOT NULL,
    memory_peak_mib integer,
    gaps integer NOT NULL,
    gap_s double precision NOT NULL,
    first_observed_at timestamptz,
    last_observed_at timestamptz,
    PRIMARY KEY (cluster, job_id, submitted_at, hour_at)
);
COMMENT ON TABLE job_use_hours IS
    'What the samples of one hour of one job come to; outlives them. Written by: projector.';
COMMENT ON COLUMN job_use_hours.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN job_use_hours.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';
COMMENT ON COLUMN job_use_hours.submitted_at IS 'When Slurm first accepted the job.';
COMMENT ON COLUMN job_use_hours.hour_at IS 'Begin of the hour, UTC.';
COMMENT ON COLUMN job_use_hours.samples IS 'GPU samples, load samples and gaps; an hour is never replaced by one of fewer.';
COMMENT ON COLUMN job_use_hours.sampled_gpu_s IS
    'GPU seconds for which a utilization is known: each sample stands for its span, or the time since the one before.';
COMMENT ON COLUMN job_use_hours.utilization_gpu_s IS 'Sum of utilization (0 to 1) times the GPU seconds it stands for.';
COMMENT ON COLUMN job_use_hours.utilization_pct_max IS 'Highest utilization of any GPU, in percent; NULL: not told.';
COMMENT ON COLUMN job_use_hours.memory_gpu_s IS 'GPU seconds for which GPU memory is known.';
COMMENT ON COLUMN job_use_hours.memory_mib_gpu_s IS 'Sum of GPU memory in use, in MiB, times GPU seconds.';
COMMENT ON COLUMN job_use_hours.memory_used_mib_max IS 'Most memory in use on any GPU, in MiB; NULL: not told.';
COMMENT ON COLUMN job_use_hours.power_gpu_s IS 'GPU seconds for which power is known.';
COMMENT ON COLUMN job_use_hours.energy_j IS 'Sum of power in watts times GPU seconds: joules.';
COMMENT ON COLUMN job_use_hours.gpus_seen IS 'GPUs that one source told at most in the hour.';
COMMENT ON COLUMN job_use_hours.cpu_sampled_s IS 'CPU seconds for which a utilization is known.';
COMMENT ON COLUMN job_use_hours.cpu_used_s IS 'Sum of CPU utilization (0 to 1) times the CPU seconds it stands for.';
COMMENT ON COLUMN job_use_hours.memory_peak_mib IS 'Most host memory on any node so far, in MiB; NULL: not told.';
COMMENT ON COLUMN job_use_hours.gaps IS 'Gaps that were noticed in this hour; sampling_gaps.';
COMMENT ON COLUMN job_use_hours.gap_s IS 'How long those gaps were together, in seconds.';
COMMENT ON COLUMN job_use_hours.first_observed_at IS 'First sample of the hour; NULL: only gaps.';
COMMENT ON COLUMN job_use_hours.last_observed_at IS 'Last sample of the hour; NULL: only gaps.';

CREATE TABLE job_use (
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamptz NOT NULL,
    samples bigint NOT NULL,
    sampled_gpu_s double precision NOT NULL,
    utilization_gpu_s double precision NOT NULL,
    utilization_pct_max real,
    memory_used_mib_mean double precision,
    memory_used_mib_max integer,
    power_w_mean double precision,
    energy_j double precision,
    gpus_seen integer NOT NULL,
    cpu_sampled_s double precision NOT NULL,
    cpu_utilization_pct_mean double precision,
    memory_peak_mib integer,
    gaps integer NOT NULL,
    gap_s double precision NOT NULL,
    first_observed_at timestamptz,
    last_observed_at timestamptz,
    PRIMARY KEY (cluster, job_id, submitted_at)
);
COMMENT ON TABLE job_use IS 'One row per sampled job: what its job_use_hours come to. Written by: projector.';
COMMENT ON COLUMN job_use.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN job_use.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';
COMMENT ON COLUMN job_use.submitted_at IS 'When Slurm first accepted the job.';
COMMENT ON COLUMN job_use.samples IS 'GPU samples, load samples and gaps.';
COMMENT ON COLUMN job_use.sampled_gpu_s IS 'GPU seconds for which a utilization is known; what was not sampled is not in it.';
COMMENT ON COLUMN job_use.utilization_gpu_s IS
    'Sum of utilization (0 to 1) times GPU seconds; divided by sampled_gpu_s it is the mean utilization.';
COMMENT ON COLUMN job_use.utilization_pct_max IS 'Highest utilization of any GPU, in percent; NULL: not told.';
COMMENT ON COLUMN job_use.memory_used_mib_mean IS 'Mean memory in use per GPU, in MiB; NULL: not told.';
COMMENT ON COLUMN job_use.memory_used_mib_max IS 'Most memory in use on any GPU, in MiB; NULL: not told.';
COMMENT ON COLUMN job_use.power_w_mean IS 'Mean power per GPU, in watts; NULL: not told.';
COMMENT ON COLUMN job_use.energy_j IS 'Energy of the GPUs while sampled, in joules; NULL: not told.';
COMMENT ON COLUMN job_use.gpus_seen IS 'GPUs that one source told at most within an hour.';
COMMENT ON COLUMN job_use.cpu_sampled_s IS 'CPU seconds for which a utilization is known.';
COMMENT ON COLUMN job_use.cpu_utilization_pct_mean IS 'Mean utilization of the allocated CPUs, in percent; NULL: not told.';
COMMENT ON COLUMN job_use.memory_peak_mib IS 'Most host memory on any node, in MiB; NULL: not told.';
COMMENT ON COLUMN job_use.gaps IS 'Times in which it could not be sampled.';
COMMENT ON COLUMN job_use.gap_s IS 'How long those were together, in seconds; gaps of several nodes are added up.';
COMMENT ON COLUMN job_use.first_observed_at IS 'First sample; NULL: only gaps.';
COMMENT ON COLUMN job_use.last_observed_at IS 'Last sample; NULL: only gaps.';

GRANT SELECT ON job_use_marks, job_use_hours, job_use TO slurmfleet_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON job_use_marks, job_use_hours, job_use TO slurmfleet_writer;
