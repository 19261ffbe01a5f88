-- Runs: jobs that are one piece of work to their owner, and what training code tells of itself.
-- Runs: up to some 5,000 rows a day. Events of the SDK: 100,000. Metric values: 10 million a day (1,000 runs
-- that each tell ten values every 90 s), in a hypertable where TimescaleDB is there.
-- Lock: none, new tables. Expected duration: below one second.

CREATE TABLE runs (
    run_id text PRIMARY KEY,
    cluster text NOT NULL,
    name text NOT NULL,
    project text NOT NULL,
    campaign text NOT NULL,
    user_name text NOT NULL,
    root_job_id text,
    root_submitted_at timestamptz,
    sdk_uuid uuid,
    state text NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    params jsonb NOT NULL DEFAULT '{}',
    origin jsonb NOT NULL DEFAULT '{}',
    notes text NOT NULL DEFAULT '',
    is_starred boolean NOT NULL DEFAULT FALSE,
    noted_at timestamptz,
    noted_by text NOT NULL DEFAULT '',
    revision bigint NOT NULL,
    first_observed_at timestamptz NOT NULL,
    observed_at timestamptz NOT NULL,
    CONSTRAINT runs_sdk_uuid UNIQUE (sdk_uuid),
    CONSTRAINT runs_root CHECK ((root_job_id IS NULL) = (root_submitted_at IS NULL)),
    CONSTRAINT runs_known_by CHECK (root_job_id IS NOT NULL OR sdk_uuid IS NOT NULL)
);
COMMENT ON TABLE runs IS
    'One row per run: jobs that belong together, or what the SDK announced, or both. Written by: projector.';
COMMENT ON COLUMN runs.run_id IS 'Computed from what founded the run, so that it stays the same when jobs join.';
COMMENT ON COLUMN runs.cluster IS 'The cluster''s name; empty for a run that the SDK tells of without one.';
COMMENT ON COLUMN runs.name IS 'What its jobs'' names have in common, or the SDK''s name; untrusted text.';
COMMENT ON COLUMN runs.project IS 'Project; empty where nothing tells one.';
COMMENT ON COLUMN runs.campaign IS 'Campaign within the project; empty where nothing tells one.';
COMMENT ON COLUMN runs.user_name IS 'Login name of the owner on the cluster.';
COMMENT ON COLUMN runs.root_job_id IS 'The job that founded it; NULL before its first job is known.';
COMMENT ON COLUMN runs.root_submitted_at IS 'Submit time of that job, since Slurm recycles ids.';
COMMENT ON COLUMN runs.sdk_uuid IS 'The SDK''s own id; NULL for a run that is known by its jobs alone.';
COMMENT ON COLUMN runs.state IS 'How it stands, from its jobs and from what the SDK says.';
COMMENT ON COLUMN runs.started_at IS 'Start of its first job, or when the SDK says; NULL before.';
COMMENT ON COLUMN runs.ended_at IS 'End of its last job, or when the SDK says; NULL before.';
COMMENT ON COLUMN runs.params IS 'Parameters that the SDK told, as an object; untrusted text.';
COMMENT ON COLUMN runs.origin IS 'Where it came from: command line, folder, commit, host, as an object; untrusted text.';
COMMENT ON COLUMN runs.notes IS 'What people wrote about it, in Markdown; untrusted text.';
COMMENT ON COLUMN runs.is_starred IS 'Whether somebody marked it as worth finding again.';
COMMENT ON COLUMN runs.noted_at IS 'When notes or star were last changed; only a later change is applied. NULL: never.';
COMMENT ON COLUMN runs.noted_by IS 'Who changed them; empty: nobody.';
COMMENT ON COLUMN runs.revision IS 'Revision of the fact that this row shows; only a larger one is applied.';
COMMENT ON COLUMN runs.first_observed_at IS 'When it was first known.';
COMMENT ON COLUMN runs.observed_at IS 'When the newest fact of it was observed.';

CREATE INDEX runs_newest ON runs (first_observed_at DESC, run_id);
COMMENT ON INDEX runs_newest IS 'Keyset of every list.';
CREATE INDEX runs_project ON runs (project, first_observed_at DESC);
COMMENT ON INDEX runs_project IS 'Runs of one project.';
CREATE INDEX runs_root ON runs (cluster, root_job_id);
COMMENT ON INDEX runs_root IS 'The run that a job founded.';
CREATE INDEX runs_text ON runs USING gin (name gin_trgm_ops);
COMMENT ON INDEX runs_text IS 'Text search over names.';

CREATE TABLE run_jobs (
    run_id text NOT NULL,
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamptz NOT NULL,
    stage text NOT NULL,
    joined_by text NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (cluster, job_id, submitted_at)
);
COMMENT ON TABLE run_jobs IS 'Which run a job belongs to: at most one. Written by: projector.';
COMMENT ON COLUMN run_jobs.run_id IS 'The run.';
COMMENT ON COLUMN run_jobs.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN run_jobs.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';
COMMENT ON COLUMN run_jobs.submitted_at IS 'When Slurm first accepted the job.';
COMMENT ON COLUMN run_jobs.stage IS 'Its part in the run, as its name tells: judge, chunk3; empty for none.';
COMMENT ON COLUMN run_jobs.joined_by IS 'What tells that it belongs here: root, dependency, array, name, folder, sdk.';
COMMENT ON COLUMN run_jobs.revision IS 'Of two decisions the larger one is the newer.';

CREATE INDEX run_jobs_run ON run_jobs (run_id, submitted_at);
COMMENT ON INDEX run_jobs_run IS 'Jobs of one run.';

CREATE TABLE run_events (
    event_id text PRIMARY KEY,
    sdk_uuid uuid NOT NULL,
    sdk_seq bigint NOT NULL,
    kind text NOT NULL,
    told_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    payload jsonb NOT NULL,
    CONSTRAINT run_events_seq UNIQUE (sdk_uuid, sdk_seq)
);
COMMENT ON TABLE run_events IS
    'One row per event that training code sent, metrics left out; stored once however often it is sent. Written by: projector.';
COMMENT ON COLUMN run_events.event_id IS 'The fact''s id, computed from its content.';
COMMENT ON COLUMN run_events.sdk_uuid IS 'The run as the SDK names it.';
COMMENT ON COLUMN run_events.sdk_seq IS 'The SDK''s own number; it may have gaps.';
COMMENT ON COLUMN run_events.kind IS 'run_started, job_submitted, artifact_logged, run_finished, …';
COMMENT ON COLUMN run_events.told_at IS 'The sender''s clock; it may be wrong.';
COMMENT ON COLUMN run_events.received_at IS 'When it reached us.';
COMMENT ON COLUMN run_events.payload IS 'As it was sent, within the limits of the door; untrusted text.';

CREATE TABLE run_metrics (
    metric_id bigint GENERATED ALWAYS AS IDENTITY,
    sdk_uuid uuid NOT NULL,
    name text NOT NULL,
    context jsonb NOT NULL,
    last_step bigint,
    last_value double precision NOT NULL,
    last_at timestamptz NOT NULL,
    least double precision NOT NULL,
    greatest double precision NOT NULL,
    PRIMARY KEY (sdk_uuid, name, context),
    CONSTRAINT run_metrics_id UNIQUE (metric_id)
);
COMMENT ON TABLE run_metrics IS 'One row per metric of a run: its newest value and its range. Written by: projector.';
COMMENT ON COLUMN run_metrics.metric_id IS 'Short name for run_metric_values.';
COMMENT ON COLUMN run_metrics.sdk_uuid IS 'The run as the SDK names it.';
COMMENT ON COLUMN run_metrics.name IS 'As in loss or val/accuracy; its unit is the sender''s. Untrusted text.';
COMMENT ON COLUMN run_metrics.context IS 'What tells equal names apart, as an object: {"subset": "val"}.';
COMMENT ON COLUMN run_metrics.last_step IS 'Step of the newest value; NULL where the sender counts none.';
COMMENT ON COLUMN run_metrics.last_value IS 'The newest value by last_at.';
COMMENT ON COLUMN run_metrics.last_at IS 'The sender''s clock at the newest value.';
COMMENT ON COLUMN run_metrics.least IS 'Smallest value so far; NaN is left out.';
COMMENT ON COLUMN run_metrics.greatest IS 'Largest value so far; NaN is left out.';

CREATE TABLE run_metric_values (
    metric_id bigint NOT NULL,
    told_at timestamptz NOT NULL,
    sdk_seq bigint NOT NULL,
    step bigint,
    value double precision NOT NULL,
    PRIMARY KEY (metric_id, told_at, sdk_seq)
);
COMMENT ON TABLE run_metric_values IS
    'One row per value of a metric; the SDK''s number in the key makes a repetition one row. Written by: projector.';
COMMENT ON COLUMN run_metric_values.metric_id IS 'The metric; run_metrics.';
COMMENT ON COLUMN run_metric_values.told_at IS 'The sender''s clock.';
COMMENT ON COLUMN run_metric_values.sdk_seq IS 'The SDK''s own number of the event.';
COMMENT ON COLUMN run_metric_values.step IS 'As the sender counts; NULL where it does not.';
COMMENT ON COLUMN run_metric_values.value IS 'In the sender''s unit; may be NaN or infinite, as training goes.';

-- if edition: community, apache
-- 10 million rows a day are some 0.7 GiB; a chunk of a day and its index stay in memory.
SELECT create_hypertable(
    'run_metric_values', 'told_at', chunk_time_interval => INTERVAL '1 day',
    create_default_indexes => FALSE
);
-- end if
-- if edition: community
ALTER TABLE run_metric_values SET (
    timescaledb.compress, timescaledb.compress_segmentby = 'metric_id',
    timescaledb.compress_orderby = 'told_at, sdk_seq'
);
SELECT add_compression_policy('run_metric_values', INTERVAL '7 days');
-- end if
-- if edition: plain
CREATE INDEX run_metric_values_told ON run_metric_values USING brin (told_at);
COMMENT ON INDEX run_metric_values_told IS 'Old values, for retention.';
-- end if

GRANT SELECT ON runs, run_jobs, run_events, run_metrics, run_metric_values
TO slurmfleet_reader, slurmfleet_logbook;
GRANT SELECT, INSERT, UPDATE, DELETE ON runs, run_jobs, run_events, run_metrics, run_metric_values
TO slurmfleet_writer;
