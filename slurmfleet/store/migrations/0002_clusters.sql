-- What is configured, and how the last look at each cluster went.
-- Lock: none, new tables. Expected duration: below one second.

CREATE TABLE clusters (
    name text PRIMARY KEY,
    config jsonb NOT NULL,
    registry_revision bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    removed_at timestamptz
);
COMMENT ON TABLE clusters IS 'Registry documents of clusters, for SQL. Written by: projector.';
COMMENT ON COLUMN clusters.name IS 'The cluster as the group calls it.';
COMMENT ON COLUMN clusters.config IS 'The registry document, contracts.registry.ClusterConfig.';
COMMENT ON COLUMN clusters.registry_revision IS 'Revision of the key; only a larger one is applied.';
COMMENT ON COLUMN clusters.updated_at IS 'When this revision was recorded here.';
COMMENT ON COLUMN clusters.removed_at IS 'When the document was removed; NULL while configured.';

CREATE TABLE cluster_status (
    cluster text PRIMARY KEY,
    last_poll_started_at timestamptz NOT NULL,
    last_poll_finished_at timestamptz NOT NULL,
    link text NOT NULL,
    error text NOT NULL,
    interval_s double precision NOT NULL,
    state_since timestamptz NOT NULL,
    slurm_rpcs integer NOT NULL,
    failing_since timestamptz,
    good_poll_started_at timestamptz,
    observed_at timestamptz,
    tracked_jobs integer NOT NULL,
    detail_asked_at timestamptz,
    detail_error text NOT NULL,
    queue_observed_at timestamptz,
    queue_asked_at timestamptz,
    queue_error text NOT NULL,
    accounting_observed_at timestamptz,
    accounting_asked_at timestamptz,
    accounting_error text NOT NULL,
    slurm_version text NOT NULL,
    slurm_version_told_at timestamptz,
    clock_offset_s double precision,
    clock_offset_told_at timestamptz
);
COMMENT ON TABLE cluster_status IS
    'One row per cluster: what its polls say, each value from the newest poll that told it. Written by: projector.';
COMMENT ON COLUMN cluster_status.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN cluster_status.last_poll_started_at IS 'Start of the newest poll.';
COMMENT ON COLUMN cluster_status.last_poll_finished_at IS 'End of the newest poll.';
COMMENT ON COLUMN cluster_status.link IS 'How the newest poll reached the login node; contracts.events.LinkState.';
COMMENT ON COLUMN cluster_status.error IS 'What went wrong in the newest poll; empty when all went well.';
COMMENT ON COLUMN cluster_status.interval_s IS 'Seconds until the poll after the newest is due.';
COMMENT ON COLUMN cluster_status.state_since IS 'Since when the collector remembers; live jobs not told since then are not live.';
COMMENT ON COLUMN cluster_status.slurm_rpcs IS 'Requests that the newest poll cost Slurm.';
COMMENT ON COLUMN cluster_status.failing_since IS 'Start of the first failed poll since the last good one; NULL when the last was good.';
COMMENT ON COLUMN cluster_status.good_poll_started_at IS 'Start of the newest poll that told the tracked jobs.';
COMMENT ON COLUMN cluster_status.observed_at IS 'End of the newest poll that told the tracked jobs.';
COMMENT ON COLUMN cluster_status.tracked_jobs IS 'Live jobs of tracked users and accounts at observed_at.';
COMMENT ON COLUMN cluster_status.detail_asked_at IS 'Start of the newest poll that asked for the tracked jobs.';
COMMENT ON COLUMN cluster_status.detail_error IS 'Error of that asking; empty when it was answered.';
COMMENT ON COLUMN cluster_status.queue_observed_at IS 'End of the newest poll that counted everybody''s jobs.';
COMMENT ON COLUMN cluster_status.queue_asked_at IS 'Start of the newest poll that asked for everybody''s jobs.';
COMMENT ON COLUMN cluster_status.queue_error IS 'Error of that asking; empty when it was answered.';
COMMENT ON COLUMN cluster_status.accounting_observed_at IS 'End of the newest poll that accounting answered.';
COMMENT ON COLUMN cluster_status.accounting_asked_at IS 'Start of the newest poll that asked accounting.';
COMMENT ON COLUMN cluster_status.accounting_error IS 'Error of that asking; empty when it was answered.';
COMMENT ON COLUMN cluster_status.slurm_version IS 'As Slurm told it; empty until it was told.';
COMMENT ON COLUMN cluster_status.slurm_version_told_at IS 'Start of the newest poll that told the version.';
COMMENT ON COLUMN cluster_status.clock_offset_s IS 'The login node''s clock minus ours, in seconds; NULL until told.';
COMMENT ON COLUMN cluster_status.clock_offset_told_at IS 'Start of the newest poll that told the offset.';

CREATE TABLE partition_counts (
    cluster text NOT NULL,
    partition text NOT NULL,
    state text NOT NULL,
    jobs integer NOT NULL,
    gpus integer NOT NULL,
    observed_at timestamptz NOT NULL,
    PRIMARY KEY (cluster, partition, state)
);
COMMENT ON TABLE partition_counts IS
    'Everybody''s jobs per partition and state; replaced as a whole by each newer count. Written by: projector.';
COMMENT ON COLUMN partition_counts.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN partition_counts.partition IS 'The partition''s name.';
COMMENT ON COLUMN partition_counts.state IS 'Slurm''s base state of the counted jobs; contracts.jobs.JobState.';
COMMENT ON COLUMN partition_counts.jobs IS 'How many jobs.';
COMMENT ON COLUMN partition_counts.gpus IS 'How many GPUs these jobs hold or ask for.';
COMMENT ON COLUMN partition_counts.observed_at IS 'End of the poll that counted.';

GRANT SELECT ON clusters, cluster_status, partition_counts TO slurmfleet_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON clusters, cluster_status, partition_counts TO slurmfleet_writer;
