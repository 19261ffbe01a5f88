-- What clusters show of partitions, shares, limits, use and quotas, and how the questions went.
-- newest_samples is what pages show: one row per thing, the whole sample as it was told. The other tables are what
-- charts show: numbers alone, one row per thing and moment, the key being what the fact's id is a digest of.
-- For 20 clusters: partitions 200,000 rows a day, shares 1.2 million, surveys 70,000, the others below 100,000
-- together; newest_samples some 10,000 rows in all.
-- A roll call has no table: it compares what collector and store know at one moment, and is used up by that.
-- Lock: none, new tables. Expected duration: below one second.

CREATE TABLE newest_samples (
    kind text NOT NULL,
    cluster text NOT NULL,
    source text NOT NULL,
    identity text[] NOT NULL,
    observed_at timestamptz NOT NULL,
    told jsonb NOT NULL,
    PRIMARY KEY (kind, cluster, source, identity)
) WITH (fillfactor = 70);
COMMENT ON TABLE newest_samples IS
    'The newest sample of each thing, whatever the order in which they came. Written by: projector.';
COMMENT ON COLUMN newest_samples.kind IS
    'partition, share, qos, usage, occupancy, quota or survey; contracts.nouns.Noun.';
COMMENT ON COLUMN newest_samples.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN newest_samples.source IS 'Where it was read: what one source tells does not replace another''s.';
COMMENT ON COLUMN newest_samples.identity IS
    'Which thing: partition; account, user, partition; QOS; account, user, since; path, file system, kind, owner; topic.';
COMMENT ON COLUMN newest_samples.observed_at IS 'When the source showed it.';
COMMENT ON COLUMN newest_samples.told IS
    'All other fields of the sample, named as in contracts, units included. Untrusted text.';

CREATE TABLE partition_samples (
    cluster text NOT NULL,
    source text NOT NULL,
    partition text NOT NULL,
    state text NOT NULL,
    nodes_total integer NOT NULL,
    nodes_by_state jsonb NOT NULL,
    cpus_total integer NOT NULL,
    cpus_allocated integer NOT NULL,
    cpus_free integer NOT NULL,
    memory_total_mib bigint NOT NULL,
    memory_free_mib bigint NOT NULL,
    gpus_total integer,
    gpus_allocated integer,
    gpus_free integer,
    gpus_pending integer,
    gpus_pending_eligible integer,
    gpus jsonb NOT NULL,
    observed_at timestamptz NOT NULL,
    PRIMARY KEY (cluster, partition, source, observed_at)
);
COMMENT ON TABLE partition_samples IS 'One row per partition and moment. Written by: projector.';
COMMENT ON COLUMN partition_samples.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN partition_samples.source IS 'Where it was read: a command, or a service of the site.';
COMMENT ON COLUMN partition_samples.partition IS 'The partition; empty: the whole cluster, since partitions overlap.';
COMMENT ON COLUMN partition_samples.state IS 'UP, DOWN, DRAIN or INACTIVE, in Slurm''s words.';
COMMENT ON COLUMN partition_samples.nodes_total IS 'Nodes.';
COMMENT ON COLUMN partition_samples.nodes_by_state IS 'Nodes by what matters most: idle, mixed, allocated, down, …';
COMMENT ON COLUMN partition_samples.cpus_total IS 'CPUs.';
COMMENT ON COLUMN partition_samples.cpus_allocated IS 'CPUs that jobs hold.';
COMMENT ON COLUMN partition_samples.cpus_free IS 'CPUs on nodes that may be had.';
COMMENT ON COLUMN partition_samples.memory_total_mib IS 'Memory of all nodes, in MiB.';
COMMENT ON COLUMN partition_samples.memory_free_mib IS 'Memory that may be had, in MiB.';
COMMENT ON COLUMN partition_samples.gpus_total IS
    'GPUs of all types; NULL: there are some, and nothing tells how many are held.';
COMMENT ON COLUMN partition_samples.gpus_allocated IS 'GPUs that jobs hold; NULL as gpus_total.';
COMMENT ON COLUMN partition_samples.gpus_free IS 'GPUs that a job that fits may have now; NULL as gpus_total.';
COMMENT ON COLUMN partition_samples.gpus_pending IS
    'GPUs that waiting jobs of everybody ask for; NULL: the queue was not read.';
COMMENT ON COLUMN partition_samples.gpus_pending_eligible IS
    'Of them, those that wait for room alone; NULL: the queue was not read.';
COMMENT ON COLUMN partition_samples.gpus IS 'By type: contracts.capacity.GpuTally as a list of objects.';
COMMENT ON COLUMN partition_samples.observed_at IS 'When the source showed it.';

CREATE TABLE share_samples (
    cluster text NOT NULL,
    source text NOT NULL,
    account text NOT NULL,
    user_name text NOT NULL,
    partition text NOT NULL,
    fair_share double precision,
    level_fs double precision,
    norm_shares double precision,
    norm_usage double precision,
    raw_usage_s double precision,
    gpus_running integer,
    gpus_pending integer,
    gpu_head_room integer,
    gpus_allocated double precision,
    gpus_consumed double precision,
    observed_at timestamptz NOT NULL,
    PRIMARY KEY (cluster, account, user_name, partition, source, observed_at)
);
COMMENT ON TABLE share_samples IS 'One row per association, source and moment. Written by: projector.';
COMMENT ON COLUMN share_samples.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN share_samples.source IS 'Where it was read: a command, or a service of the site.';
COMMENT ON COLUMN share_samples.account IS 'Slurm account.';
COMMENT ON COLUMN share_samples.user_name IS 'Login name; empty: the account as a whole.';
COMMENT ON COLUMN share_samples.partition IS 'Partition of the association; empty: all.';
COMMENT ON COLUMN share_samples.fair_share IS 'Fair-share factor, 0 to 1; NULL: not told.';
COMMENT ON COLUMN share_samples.level_fs IS
    'Above 1: used less than its share; infinity: used nothing. NULL: not told.';
COMMENT ON COLUMN share_samples.norm_shares IS 'Part of the parent''s shares, 0 to 1; NULL: not told.';
COMMENT ON COLUMN share_samples.norm_usage IS 'Part of all use, 0 to 1; NULL: not told.';
COMMENT ON COLUMN share_samples.raw_usage_s IS 'Decayed use in billing-weighted TRES seconds; NULL: not told.';
COMMENT ON COLUMN share_samples.gpus_running IS 'GPUs of running jobs; NULL: not told.';
COMMENT ON COLUMN share_samples.gpus_pending IS 'GPUs of waiting jobs; NULL: not told.';
COMMENT ON COLUMN share_samples.gpu_head_room IS 'How many more GPUs may run at once; NULL: no limit, or not told.';
COMMENT ON COLUMN share_samples.gpus_allocated IS 'Formally granted by the site; NULL: not told.';
COMMENT ON COLUMN share_samples.gpus_consumed IS 'Counted by the site as consumed; NULL: not told.';
COMMENT ON COLUMN share_samples.observed_at IS 'When the source showed it.';

CREATE TABLE qos_samples (
    cluster text NOT NULL,
    source text NOT NULL,
    name text NOT NULL,
    priority bigint NOT NULL,
    usage_factor double precision,
    limits jsonb NOT NULL,
    observed_at timestamptz NOT NULL,
    PRIMARY KEY (cluster, name, source, observed_at)
);
COMMENT ON TABLE qos_samples IS 'One row per quality of service and moment. Written by: projector.';
COMMENT ON COLUMN qos_samples.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN qos_samples.source IS 'Where it was read: a command, or a service of the site.';
COMMENT ON COLUMN qos_samples.name IS 'The quality of service.';
COMMENT ON COLUMN qos_samples.priority IS 'Slurm''s priority of it.';
COMMENT ON COLUMN qos_samples.usage_factor IS 'What its use is multiplied with; NULL: not told.';
COMMENT ON COLUMN qos_samples.limits IS 'Its limits that are set; contracts.shares.QosSampled.';
COMMENT ON COLUMN qos_samples.observed_at IS 'When the source showed it.';

CREATE TABLE usage_samples (
    cluster text NOT NULL,
    source text NOT NULL,
    account text NOT NULL,
    user_name text NOT NULL,
    since_at timestamptz NOT NULL,
    until_at timestamptz NOT NULL,
    cpu_s bigint,
    gpu_s bigint,
    tres_s jsonb NOT NULL,
    observed_at timestamptz NOT NULL,
    PRIMARY KEY (cluster, account, user_name, since_at, until_at, source, observed_at)
);
COMMENT ON TABLE usage_samples IS 'One row per account or user, reported time and moment of asking. Written by: projector.';
COMMENT ON COLUMN usage_samples.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN usage_samples.source IS 'Where it was read: a command, or a service of the site.';
COMMENT ON COLUMN usage_samples.account IS 'Slurm account.';
COMMENT ON COLUMN usage_samples.user_name IS 'Login name; empty: the account with all below it.';
COMMENT ON COLUMN usage_samples.since_at IS 'Begin of the time that is reported.';
COMMENT ON COLUMN usage_samples.until_at IS 'End of the time that is reported.';
COMMENT ON COLUMN usage_samples.cpu_s IS 'CPU seconds; NULL: not told.';
COMMENT ON COLUMN usage_samples.gpu_s IS 'GPU seconds of all types; NULL: not told.';
COMMENT ON COLUMN usage_samples.tres_s IS 'Resource seconds by TRES.';
COMMENT ON COLUMN usage_samples.observed_at IS 'When the source showed it.';

CREATE TABLE occupancy_samples (
    cluster text NOT NULL,
    source text NOT NULL,
    gpus_total double precision,
    gpus_allocated double precision,
    gpus_idle double precision,
    observed_at timestamptz NOT NULL,
    PRIMARY KEY (cluster, source, observed_at)
);
COMMENT ON TABLE occupancy_samples IS 'GPUs of whole clusters as a site counts them, one row per moment. Written by: projector.';
COMMENT ON COLUMN occupancy_samples.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN occupancy_samples.source IS 'Where it was read: a command, or a service of the site.';
COMMENT ON COLUMN occupancy_samples.gpus_total IS 'GPUs; NULL: not told.';
COMMENT ON COLUMN occupancy_samples.gpus_allocated IS 'GPUs in use; NULL: not told.';
COMMENT ON COLUMN occupancy_samples.gpus_idle IS 'GPUs not in use; NULL: not told.';
COMMENT ON COLUMN occupancy_samples.observed_at IS 'When the source showed it.';

CREATE TABLE quota_samples (
    cluster text NOT NULL,
    source text NOT NULL,
    path text NOT NULL,
    file_system text NOT NULL,
    kind text NOT NULL,
    owner text NOT NULL,
    used_bytes bigint,
    soft_limit_bytes bigint,
    hard_limit_bytes bigint,
    files bigint,
    soft_limit_files bigint,
    hard_limit_files bigint,
    observed_at timestamptz NOT NULL,
    PRIMARY KEY (cluster, path, file_system, kind, owner, source, observed_at)
);
COMMENT ON TABLE quota_samples IS 'One row per owner, file system and moment. Written by: projector.';
COMMENT ON COLUMN quota_samples.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN quota_samples.source IS 'Where it was read: a command, or a service of the site.';
COMMENT ON COLUMN quota_samples.path IS 'Path under which it was asked.';
COMMENT ON COLUMN quota_samples.file_system IS 'Device or mount point, as the command names it.';
COMMENT ON COLUMN quota_samples.kind IS 'Whose use it limits; contracts.quotas.QuotaKind.';
COMMENT ON COLUMN quota_samples.owner IS 'User, group, project id or fileset.';
COMMENT ON COLUMN quota_samples.used_bytes IS 'Bytes in use; NULL: not told.';
COMMENT ON COLUMN quota_samples.soft_limit_bytes IS 'May be passed for a while; NULL: no limit.';
COMMENT ON COLUMN quota_samples.hard_limit_bytes IS 'May never be passed; NULL: no limit.';
COMMENT ON COLUMN quota_samples.files IS 'Files in use; NULL: not told.';
COMMENT ON COLUMN quota_samples.soft_limit_files IS 'May be passed for a while; NULL: no limit.';
COMMENT ON COLUMN quota_samples.hard_limit_files IS 'May never be passed; NULL: no limit.';
COMMENT ON COLUMN quota_samples.observed_at IS 'When the source showed it.';

CREATE TABLE surveys (
    cluster text NOT NULL,
    source text NOT NULL,
    topic text NOT NULL,
    started_at timestamptz NOT NULL,
    ok boolean NOT NULL,
    error text NOT NULL,
    interval_s double precision NOT NULL,
    facts integer NOT NULL,
    rejected integer NOT NULL,
    slurm_rpcs integer NOT NULL,
    observed_at timestamptz NOT NULL,
    PRIMARY KEY (cluster, topic, source, observed_at)
);
COMMENT ON TABLE surveys IS 'One row per question beside the looks. Written by: projector.';
COMMENT ON COLUMN surveys.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN surveys.source IS 'Where it was read: a command, or a service of the site.';
COMMENT ON COLUMN surveys.topic IS 'What was asked about; contracts.sample.Topic.';
COMMENT ON COLUMN surveys.started_at IS 'When the asking began.';
COMMENT ON COLUMN surveys.ok IS 'Whether it was answered.';
COMMENT ON COLUMN surveys.error IS 'What went wrong and what mends it; empty when all went well. Untrusted text.';
COMMENT ON COLUMN surveys.interval_s IS 'Seconds until it is asked again.';
COMMENT ON COLUMN surveys.facts IS 'Facts that it told.';
COMMENT ON COLUMN surveys.rejected IS 'Values that no machine can have, left out.';
COMMENT ON COLUMN surveys.slurm_rpcs IS 'Requests that Slurm was asked.';
COMMENT ON COLUMN surveys.observed_at IS 'When the source showed it.';

-- if edition: community, apache
-- A week of any of them is below 2 GiB; retention lets whole weeks go.
SELECT create_hypertable(
    'partition_samples', 'observed_at', chunk_time_interval => INTERVAL '7 days',
    create_default_indexes => FALSE
);
SELECT create_hypertable(
    'share_samples', 'observed_at', chunk_time_interval => INTERVAL '7 days',
    create_default_indexes => FALSE
);
SELECT create_hypertable(
    'surveys', 'observed_at', chunk_time_interval => INTERVAL '7 days',
    create_default_indexes => FALSE
);
-- end if
-- if edition: community
ALTER TABLE partition_samples SET (
    timescaledb.compress, timescaledb.compress_segmentby = 'cluster, partition',
    timescaledb.compress_orderby = 'observed_at, source'
);
SELECT add_compression_policy('partition_samples', INTERVAL '14 days');
ALTER TABLE share_samples SET (
    timescaledb.compress, timescaledb.compress_segmentby = 'cluster, account',
    timescaledb.compress_orderby = 'user_name, partition, source, observed_at'
);
SELECT add_compression_policy('share_samples', INTERVAL '14 days');
ALTER TABLE surveys SET (
    timescaledb.compress, timescaledb.compress_segmentby = 'cluster, topic',
    timescaledb.compress_orderby = 'observed_at, source'
);
SELECT add_compression_policy('surveys', INTERVAL '14 days');
-- end if
-- if edition: plain
CREATE INDEX partition_samples_observed ON partition_samples USING brin (observed_at);
COMMENT ON INDEX partition_samples_observed IS 'Old rows, for retention.';
CREATE INDEX share_samples_observed ON share_samples USING brin (observed_at);
COMMENT ON INDEX share_samples_observed IS 'Old rows, for retention.';
CREATE INDEX surveys_observed ON surveys USING brin (observed_at);
COMMENT ON INDEX surveys_observed IS 'Old rows, for retention.';
-- end if
CREATE INDEX qos_samples_observed ON qos_samples USING brin (observed_at);
COMMENT ON INDEX qos_samples_observed IS 'Old rows, for retention.';
CREATE INDEX usage_samples_observed ON usage_samples USING brin (observed_at);
COMMENT ON INDEX usage_samples_observed IS 'Old rows, for retention.';
CREATE INDEX occupancy_samples_observed ON occupancy_samples USING brin (observed_at);
COMMENT ON INDEX occupancy_samples_observed IS 'Old rows, for retention.';
CREATE INDEX quota_samples_observed ON quota_samples USING brin (observed_at);
COMMENT ON INDEX quota_samples_observed IS 'Old rows, for retention.';

GRANT SELECT ON
    newest_samples, partition_samples, share_samples, qos_samples,
    usage_samples, occupancy_samples, quota_samples, surveys
TO slurmfleet_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    newest_samples, partition_samples, share_samples, qos_samples,
    usage_samples, occupancy_samples, quota_samples, surveys
TO slurmfleet_writer;
