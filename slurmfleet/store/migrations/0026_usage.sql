-- What was used: every run that ended, and what runs used on each day (ADR-0021).
-- Some 60,000 runs a day over 20 clusters, kept as long as their jobs; some thousand rows of use a day.
-- Lock: none on tables that are there. Expected duration: ten seconds per million ended jobs, which
-- are copied once.

CREATE TABLE ended_runs (
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamptz NOT NULL,
    restart_count integer NOT NULL,
    revision bigint NOT NULL,
    state text NOT NULL,
    partition text NOT NULL,
    started_at timestamptz,
    ended_at timestamptz NOT NULL,
    gpu_count integer NOT NULL,
    cpu_count integer NOT NULL,
    PRIMARY KEY (cluster, job_id, submitted_at, restart_count)
);
COMMENT ON TABLE ended_runs IS
    'One row per run of a job that is over: a job that Slurm requeued has several. jobs shows the last. Written by: projector.';
COMMENT ON COLUMN ended_runs.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN ended_runs.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';
COMMENT ON COLUMN ended_runs.submitted_at IS 'When Slurm first accepted the job.';
COMMENT ON COLUMN ended_runs.restart_count IS 'How often Slurm had requeued it before this run.';
COMMENT ON COLUMN ended_runs.revision IS 'Revision of the fact that this row shows; only a larger one is applied.';
COMMENT ON COLUMN ended_runs.state IS 'How it ended; contracts.jobs.JobState, VANISHED and REQUEUED among them.';
COMMENT ON COLUMN ended_runs.partition IS 'The partition it ran in.';
COMMENT ON COLUMN ended_runs.started_at IS 'When it got its nodes; NULL when it never did.';
COMMENT ON COLUMN ended_runs.ended_at IS
    'When it ended; of a vanished one, when it was missed, but not later than its time limit allows.';
COMMENT ON COLUMN ended_runs.gpu_count IS 'GPUs of the whole run.';
COMMENT ON COLUMN ended_runs.cpu_count IS 'CPUs of the whole run.';

CREATE TABLE usage_marks (
    mark_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cluster text NOT NULL,
    day date NOT NULL
);
COMMENT ON TABLE usage_marks IS
    'Days whose use must be worked out anew, told in the transaction that changed a run. Written by: projector.';
COMMENT ON COLUMN usage_marks.mark_id IS 'Tells marks of one day apart.';
COMMENT ON COLUMN usage_marks.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN usage_marks.day IS 'The day in UTC.';
CREATE INDEX usage_marks_day ON usage_marks (cluster, day);
COMMENT ON INDEX usage_marks_day IS 'Marks of one day.';

CREATE TABLE usage_daily (
    day date NOT NULL,
    cluster text NOT NULL,
    user_name text NOT NULL,
    account text NOT NULL,
    project text NOT NULL,
    partition text NOT NULL,
    jobs integer NOT NULL,
    failed_jobs integer NOT NULL,
    requeued_runs integer NOT NULL,
    gpu_s double precision NOT NULL,
    cpu_s double precision NOT NULL,
    wasted_gpu_s double precision NOT NULL,
    requeued_gpu_s double precision NOT NULL,
    sampled_gpu_s double precision NOT NULL,
    utilization_gpu_s double precision NOT NULL,
    PRIMARY KEY (day, cluster, user_name, account, project, partition)
);
COMMENT ON TABLE usage_daily IS
    'What ended runs used on each day, per owner and place; worked out from ended_runs, jobs and job_use_hours. Written by: projector.';
COMMENT ON COLUMN usage_daily.day IS 'The day in UTC.';
COMMENT ON COLUMN usage_daily.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN usage_daily.user_name IS 'Login name of the jobs'' owner.';
COMMENT ON COLUMN usage_daily.account IS 'Slurm account they are charged to.';
COMMENT ON COLUMN usage_daily.project IS 'Their project; empty for none.';
COMMENT ON COLUMN usage_daily.partition IS 'The partition they ran in.';
COMMENT ON COLUMN usage_daily.jobs IS 'Jobs that were over on this day, whether they ever ran or not.';
COMMENT ON COLUMN usage_daily.failed_jobs IS
    'Those of them that ended FAILED, TIMEOUT, NODE_FAIL, OUT_OF_MEMORY, BOOT_FAIL or DEADLINE.';
COMMENT ON COLUMN usage_daily.requeued_runs IS 'Runs that ended on this day and that Slurm queued again.';
COMMENT ON COLUMN usage_daily.gpu_s IS 'GPU seconds held on this day: seconds of the run within it times its GPUs.';
COMMENT ON COLUMN usage_daily.cpu_s IS 'CPU seconds held on this day.';
COMMENT ON COLUMN usage_daily.wasted_gpu_s IS 'The part of gpu_s that runs held which ended in a failure, as failed_jobs says.';
COMMENT ON COLUMN usage_daily.requeued_gpu_s IS 'The part of gpu_s that runs held which Slurm queued again, however they ended.';
COMMENT ON COLUMN usage_daily.sampled_gpu_s IS 'The part of gpu_s during which the GPUs were sampled.';
COMMENT ON COLUMN usage_daily.utilization_gpu_s IS 'Sampled GPU seconds, each times its utilization of 0 to 1.';

INSERT INTO ended_runs (
    cluster, job_id, submitted_at, restart_count, revision, state, partition, started_at, ended_at,
    gpu_count, cpu_count
)
SELECT
    jo.cluster, jo.job_id, jo.submitted_at, jo.restart_count, jo.revision, jo.state, jo.partition,
    jo.started_at,
    coalesce(
        jo.ended_at,
        LEAST(jo.vanished_at, jo.started_at + make_interval(secs => jo.time_limit_s)),
        jo.observed_at
    ),
    jo.gpu_count, jo.cpu_count
FROM jobs AS jo
WHERE NOT jo.is_live;

-- Runs before the last one: when they began and ended is recorded, their size is that of the last.
INSERT INTO ended_runs (
    cluster, job_id, submitted_at, restart_count, revision, state, partition, started_at, ended_at,
    gpu_count, cpu_count
)
SELECT DISTINCT ON (ev.cluster, ev.job_id, ev.submitted_at, ev.restart_count)
    ev.cluster, ev.job_id, ev.submitted_at, ev.restart_count, ev.revision, ev.state, jo.partition,
    be.occurred_at, ev.occurred_at, jo.gpu_count, jo.cpu_count
FROM job_events AS ev
INNER JOIN jobs AS jo
    ON jo.cluster = ev.cluster AND jo.job_id = ev.job_id AND jo.submitted_at = ev.submitted_at
LEFT JOIN job_events AS be
    ON be.cluster = ev.cluster
    AND be.job_id = ev.job_id
    AND be.submitted_at = ev.submitted_at
    AND be.restart_count = ev.restart_count
    AND be.verb = 'started'
WHERE ev.verb = 'ended' AND ev.restart_count < jo.restart_count
ORDER BY ev.cluster, ev.job_id, ev.submitted_at, ev.restart_count, ev.revision DESC
ON CONFLICT DO NOTHING;

CREATE INDEX ended_runs_end ON ended_runs (cluster, ended_at);
COMMENT ON INDEX ended_runs_end IS 'Runs that ended on one day.';
CREATE INDEX ended_runs_over_midnight ON ended_runs USING gist (
    tstzrange(started_at, GREATEST(started_at, ended_at))
) WHERE (started_at AT TIME ZONE 'UTC')::date < (ended_at AT TIME ZONE 'UTC')::date;
COMMENT ON INDEX ended_runs_over_midnight IS 'Runs of several days that held a moment.';

INSERT INTO usage_marks (cluster, day)
SELECT DISTINCT er.cluster, dy.day::date
FROM ended_runs AS er
CROSS JOIN LATERAL generate_series(
    (LEAST(er.started_at, er.ended_at) AT TIME ZONE 'UTC')::date::timestamp,
    (er.ended_at AT TIME ZONE 'UTC')::date::timestamp,
    interval '1 day'
) AS dy (day);

CREATE VIEW grafana.usage_daily AS
SELECT
    ud.day, ud.cluster, ud.user_name, ud.account, ud.project, ud.partition, ud.jobs, ud.failed_jobs,
    ud.requeued_runs, ud.gpu_s, ud.cpu_s, ud.wasted_gpu_s, ud.requeued_gpu_s, ud.sampled_gpu_s,
    ud.utilization_gpu_s
FROM usage_daily AS ud;
COMMENT ON VIEW grafana.usage_daily IS 'What ended runs used on each UTC day, per owner and place.';

GRANT SELECT ON ended_runs, usage_marks, usage_daily TO slurmfleet_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ended_runs, usage_marks, usage_daily TO slurmfleet_writer;
GRANT SELECT ON grafana.usage_daily TO slurmfleet_grafana;
