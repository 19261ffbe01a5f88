-- Every job of the tracked users and accounts, as the newest fact about it told it.
-- Up to some 50,000 rows a day over 20 clusters; kept until an admin prunes.
-- Lock: none, new table. Expected duration: below one second.

CREATE TABLE jobs (
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamptz NOT NULL,
    raw_id bigint NOT NULL,
    state text NOT NULL,
    state_flags text[] NOT NULL,
    reason text NOT NULL,
    name text NOT NULL,
    user_name text NOT NULL,
    account text NOT NULL,
    partition text NOT NULL,
    qos text NOT NULL,
    eligible_at timestamptz,
    started_at timestamptz,
    expected_start_at timestamptz,
    ended_at timestamptz,
    time_limit_s bigint,
    node_count integer NOT NULL,
    node_list text NOT NULL,
    cpu_count integer NOT NULL,
    memory_mib bigint,
    gpu_count integer NOT NULL,
    gpus_by_type jsonb NOT NULL,
    tres text NOT NULL,
    priority bigint,
    dependency text NOT NULL,
    work_dir text NOT NULL,
    command text NOT NULL,
    stdout_path text NOT NULL,
    stderr_path text NOT NULL,
    comment text NOT NULL,
    submit_line text NOT NULL,
    restart_count integer NOT NULL,
    exit_code integer,
    exit_signal integer,
    array_job_id bigint,
    array_task_id bigint,
    array_pending text NOT NULL,
    task_states jsonb NOT NULL,
    het_job_id bigint,
    het_offset integer,
    revision bigint NOT NULL,
    observed_at timestamptz NOT NULL,
    source text NOT NULL,
    first_observed_at timestamptz NOT NULL,
    vanished_at timestamptz,
    is_live boolean NOT NULL GENERATED ALWAYS AS (
        state NOT IN (
            'COMPLETED', 'CANCELLED', 'FAILED', 'TIMEOUT', 'NODE_FAIL', 'PREEMPTED', 'BOOT_FAIL',
            'DEADLINE', 'OUT_OF_MEMORY', 'VANISHED'
        )
    ) STORED,
    PRIMARY KEY (cluster, job_id, submitted_at)
) WITH (fillfactor = 80);
COMMENT ON TABLE jobs IS
    'One row per job, array, array task or het component: its newest fact by revision. Written by: projector.';
COMMENT ON COLUMN jobs.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN jobs.job_id IS 'As Slurm writes it: 4711, 4711_3 or 4711+1. Recycled by Slurm.';
COMMENT ON COLUMN jobs.submitted_at IS 'When Slurm first accepted it; a requeue keeps it.';
COMMENT ON COLUMN jobs.raw_id IS 'Slurm''s own number; differs from job_id for array tasks and het components.';
COMMENT ON COLUMN jobs.state IS 'Base state; contracts.jobs.JobState.';
COMMENT ON COLUMN jobs.state_flags IS 'Slurm''s flags beside the base state, sorted.';
COMMENT ON COLUMN jobs.reason IS 'Why it waits or why it failed, in Slurm''s word; empty for none.';
COMMENT ON COLUMN jobs.name IS 'The name that its user gave it; untrusted text.';
COMMENT ON COLUMN jobs.user_name IS 'Login name of its owner on the cluster.';
COMMENT ON COLUMN jobs.account IS 'Slurm account it is charged to.';
COMMENT ON COLUMN jobs.partition IS 'One name, or several with commas while it waits for the first that fits.';
COMMENT ON COLUMN jobs.qos IS 'Quality of service.';
COMMENT ON COLUMN jobs.eligible_at IS 'When it may start at the earliest; NULL when not told.';
COMMENT ON COLUMN jobs.started_at IS 'When it got its nodes; NULL before.';
COMMENT ON COLUMN jobs.expected_start_at IS 'Slurm''s own estimate for a pending job; NULL when not told.';
COMMENT ON COLUMN jobs.ended_at IS 'When it ended; NULL before.';
COMMENT ON COLUMN jobs.time_limit_s IS 'Seconds it may run; NULL for unlimited or not told.';
COMMENT ON COLUMN jobs.node_count IS 'Nodes allocated, or requested while pending.';
COMMENT ON COLUMN jobs.node_list IS 'Compact, as Slurm writes it: gpu[01-03]; empty while pending.';
COMMENT ON COLUMN jobs.cpu_count IS 'CPUs of the whole job.';
COMMENT ON COLUMN jobs.memory_mib IS 'Memory of the whole job in MiB; NULL where the site does not count it.';
COMMENT ON COLUMN jobs.gpu_count IS 'GPUs of the whole job, allocated, or requested while pending.';
COMMENT ON COLUMN jobs.gpus_by_type IS 'GPUs of the whole job by Slurm''s type name, as an object.';
COMMENT ON COLUMN jobs.tres IS 'Slurm''s own list of trackable resources.';
COMMENT ON COLUMN jobs.priority IS 'Slurm''s priority; NULL when not told.';
COMMENT ON COLUMN jobs.dependency IS 'Slurm''s dependency expression; empty for none.';
COMMENT ON COLUMN jobs.work_dir IS 'Working directory on the cluster.';
COMMENT ON COLUMN jobs.command IS 'Script or command; untrusted text.';
COMMENT ON COLUMN jobs.stdout_path IS 'As Slurm gave it; % patterns may stand in it.';
COMMENT ON COLUMN jobs.stderr_path IS 'As Slurm gave it; % patterns may stand in it.';
COMMENT ON COLUMN jobs.comment IS 'The user''s comment; untrusted text.';
COMMENT ON COLUMN jobs.submit_line IS 'The command line that submitted it; untrusted text.';
COMMENT ON COLUMN jobs.restart_count IS 'How often Slurm has requeued it.';
COMMENT ON COLUMN jobs.exit_code IS 'Exit status; NULL before the end or when not told.';
COMMENT ON COLUMN jobs.exit_signal IS 'Signal that ended it; NULL before the end or when not told.';
COMMENT ON COLUMN jobs.array_job_id IS 'The array it belongs to; NULL outside of arrays.';
COMMENT ON COLUMN jobs.array_task_id IS 'Its index in the array; NULL on a whole array and outside of arrays.';
COMMENT ON COLUMN jobs.array_pending IS 'Indices of a whole array that still wait: 2-9%2.';
COMMENT ON COLUMN jobs.task_states IS 'Tasks of a whole array per state, as an object; empty on everything else.';
COMMENT ON COLUMN jobs.het_job_id IS 'Leader of its heterogeneous job; NULL outside of those.';
COMMENT ON COLUMN jobs.het_offset IS 'Its component number; NULL outside of heterogeneous jobs.';
COMMENT ON COLUMN jobs.revision IS 'Revision of the fact that this row shows; only a larger one is applied.';
COMMENT ON COLUMN jobs.observed_at IS 'When the cluster showed that fact.';
COMMENT ON COLUMN jobs.source IS 'Where that fact was read; contracts.jobs.Evidence.';
COMMENT ON COLUMN jobs.first_observed_at IS 'When the cluster first showed the job, over all facts about it.';
COMMENT ON COLUMN jobs.vanished_at IS 'When it was found gone without a trace; NULL unless it is vanished.';
COMMENT ON COLUMN jobs.is_live IS 'Whether it is neither over nor vanished; an unknown state is live.';

CREATE INDEX jobs_newest ON jobs (submitted_at DESC, cluster, job_id);
COMMENT ON INDEX jobs_newest IS 'Keyset of every list.';
CREATE INDEX jobs_live ON jobs (submitted_at DESC, cluster, job_id) WHERE is_live;
COMMENT ON INDEX jobs_live IS 'Keyset of the live list.';
CREATE INDEX jobs_user ON jobs (user_name, submitted_at DESC);
COMMENT ON INDEX jobs_user IS 'History of one user.';
CREATE INDEX jobs_account ON jobs (account, submitted_at DESC);
COMMENT ON INDEX jobs_account IS 'History of one account.';
CREATE INDEX jobs_text ON jobs USING gin (name gin_trgm_ops, job_id gin_trgm_ops);
COMMENT ON INDEX jobs_text IS 'Text search over name and id.';

GRANT SELECT ON jobs TO slurmfleet_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON jobs TO slurmfleet_writer;
