-- Generated from migrations/ by slurmfleet.store.schema; never edited.

CREATE SCHEMA grafana;

COMMENT ON SCHEMA grafana IS 'Views for dashboards; all that slurmfleet_grafana may read.';

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';

CREATE FUNCTION public.forget_polls(before timestamp with time zone) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
    WITH gone AS (
        DELETE FROM polls AS po
        WHERE po.started_at < before
        RETURNING 1
    )
    SELECT count(*)
    FROM gone
$$;

COMMENT ON FUNCTION public.forget_polls(before timestamp with time zone) IS 'Forgets polls that began before a moment: rows of a plain table, whole chunks of a hypertable; how many.';

CREATE TABLE public.cluster_status (
    cluster text NOT NULL,
    last_poll_started_at timestamp with time zone NOT NULL,
    last_poll_finished_at timestamp with time zone NOT NULL,
    link text NOT NULL,
    error text NOT NULL,
    interval_s double precision NOT NULL,
    state_since timestamp with time zone NOT NULL,
    slurm_rpcs integer NOT NULL,
    failing_since timestamp with time zone,
    good_poll_started_at timestamp with time zone,
    observed_at timestamp with time zone,
    tracked_jobs integer NOT NULL,
    detail_asked_at timestamp with time zone,
    detail_error text NOT NULL,
    queue_observed_at timestamp with time zone,
    queue_asked_at timestamp with time zone,
    queue_error text NOT NULL,
    accounting_observed_at timestamp with time zone,
    accounting_asked_at timestamp with time zone,
    accounting_error text NOT NULL,
    slurm_version text NOT NULL,
    slurm_version_told_at timestamp with time zone,
    clock_offset_s double precision,
    clock_offset_told_at timestamp with time zone
);

COMMENT ON TABLE public.cluster_status IS 'One row per cluster: what its polls say, each value from the newest poll that told it. Written by: projector.';

COMMENT ON COLUMN public.cluster_status.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.cluster_status.last_poll_started_at IS 'Start of the newest poll.';

COMMENT ON COLUMN public.cluster_status.last_poll_finished_at IS 'End of the newest poll.';

COMMENT ON COLUMN public.cluster_status.link IS 'How the newest poll reached the login node; contracts.events.LinkState.';

COMMENT ON COLUMN public.cluster_status.error IS 'What went wrong in the newest poll; empty when all went well.';

COMMENT ON COLUMN public.cluster_status.interval_s IS 'Seconds until the poll after the newest is due.';

COMMENT ON COLUMN public.cluster_status.state_since IS 'Since when the collector remembers; live jobs not told since then are not live.';

COMMENT ON COLUMN public.cluster_status.slurm_rpcs IS 'Requests that the newest poll cost Slurm.';

COMMENT ON COLUMN public.cluster_status.failing_since IS 'Start of the first failed poll since the last good one; NULL when the last was good.';

COMMENT ON COLUMN public.cluster_status.good_poll_started_at IS 'Start of the newest poll that told the tracked jobs.';

COMMENT ON COLUMN public.cluster_status.observed_at IS 'End of the newest poll that told the tracked jobs.';

COMMENT ON COLUMN public.cluster_status.tracked_jobs IS 'Live jobs of tracked users and accounts at observed_at.';

COMMENT ON COLUMN public.cluster_status.detail_asked_at IS 'Start of the newest poll that asked for the tracked jobs.';

COMMENT ON COLUMN public.cluster_status.detail_error IS 'Error of that asking; empty when it was answered.';

COMMENT ON COLUMN public.cluster_status.queue_observed_at IS 'End of the newest poll that counted everybody''s jobs.';

COMMENT ON COLUMN public.cluster_status.queue_asked_at IS 'Start of the newest poll that asked for everybody''s jobs.';

COMMENT ON COLUMN public.cluster_status.queue_error IS 'Error of that asking; empty when it was answered.';

COMMENT ON COLUMN public.cluster_status.accounting_observed_at IS 'End of the newest poll that accounting answered.';

COMMENT ON COLUMN public.cluster_status.accounting_asked_at IS 'Start of the newest poll that asked accounting.';

COMMENT ON COLUMN public.cluster_status.accounting_error IS 'Error of that asking; empty when it was answered.';

COMMENT ON COLUMN public.cluster_status.slurm_version IS 'As Slurm told it; empty until it was told.';

COMMENT ON COLUMN public.cluster_status.slurm_version_told_at IS 'Start of the newest poll that told the version.';

COMMENT ON COLUMN public.cluster_status.clock_offset_s IS 'The login node''s clock minus ours, in seconds; NULL until told.';

COMMENT ON COLUMN public.cluster_status.clock_offset_told_at IS 'Start of the newest poll that told the offset.';

CREATE TABLE public.clusters (
    name text NOT NULL,
    config jsonb NOT NULL,
    registry_revision bigint NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    removed_at timestamp with time zone
);

COMMENT ON TABLE public.clusters IS 'Registry documents of clusters, for SQL. Written by: projector.';

COMMENT ON COLUMN public.clusters.name IS 'The cluster as the group calls it.';

COMMENT ON COLUMN public.clusters.config IS 'The registry document, contracts.registry.ClusterConfig.';

COMMENT ON COLUMN public.clusters.registry_revision IS 'Revision of the key; only a larger one is applied.';

COMMENT ON COLUMN public.clusters.updated_at IS 'When this revision was recorded here.';

COMMENT ON COLUMN public.clusters.removed_at IS 'When the document was removed; NULL while configured.';

CREATE VIEW grafana.cluster_status AS
 SELECT cluster,
    last_poll_started_at,
    last_poll_finished_at,
    link,
    error,
    interval_s,
    slurm_rpcs,
    failing_since,
    observed_at,
    tracked_jobs,
    detail_error,
    queue_observed_at,
    queue_error,
    accounting_observed_at,
    accounting_error,
    slurm_version,
    clock_offset_s
   FROM public.cluster_status cs
  WHERE (NOT (cluster IN ( SELECT gone.name
           FROM public.clusters gone
          WHERE (gone.removed_at IS NOT NULL))));

COMMENT ON VIEW grafana.cluster_status IS 'One row per cluster: what its newest polls say.';

CREATE TABLE public.job_events (
    event_seq bigint NOT NULL,
    event_id text NOT NULL,
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamp with time zone NOT NULL,
    restart_count integer NOT NULL,
    verb text NOT NULL,
    state text NOT NULL,
    reason text NOT NULL,
    source text NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    revision bigint NOT NULL,
    changed text[] NOT NULL,
    job_name text NOT NULL,
    user_name text NOT NULL,
    account text NOT NULL
);

COMMENT ON TABLE public.job_events IS 'One row per fact about a job, stored once however often it is told. Written by: projector.';

COMMENT ON COLUMN public.job_events.event_seq IS 'Order of recording; grows in commit order, with gaps.';

COMMENT ON COLUMN public.job_events.event_id IS 'The fact''s id, computed from its content.';

COMMENT ON COLUMN public.job_events.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.job_events.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';

COMMENT ON COLUMN public.job_events.submitted_at IS 'When Slurm first accepted the job.';

COMMENT ON COLUMN public.job_events.restart_count IS 'How often Slurm had requeued it.';

COMMENT ON COLUMN public.job_events.verb IS 'submitted, started, changed, ended or vanished.';

COMMENT ON COLUMN public.job_events.state IS 'The job''s state after the event; contracts.jobs.JobState.';

COMMENT ON COLUMN public.job_events.reason IS 'Slurm''s reason after the event; empty for none.';

COMMENT ON COLUMN public.job_events.source IS 'Where it was read; contracts.jobs.Evidence.';

COMMENT ON COLUMN public.job_events.occurred_at IS 'When it happened by Slurm''s own clock; observed_at where Slurm does not say.';

COMMENT ON COLUMN public.job_events.observed_at IS 'When the cluster showed it.';

COMMENT ON COLUMN public.job_events.recorded_at IS 'When it was stored.';

COMMENT ON COLUMN public.job_events.revision IS 'Order of the facts about one job.';

COMMENT ON COLUMN public.job_events.changed IS 'Names of the changed fields of a job, sorted; empty for other verbs.';

COMMENT ON COLUMN public.job_events.job_name IS 'The job''s name; untrusted text.';

COMMENT ON COLUMN public.job_events.user_name IS 'Login name of the job''s owner.';

COMMENT ON COLUMN public.job_events.account IS 'Slurm account of the job.';

CREATE VIEW grafana.job_events AS
 SELECT event_seq,
    cluster,
    job_id,
    submitted_at,
    restart_count,
    verb,
    state,
    reason,
    source,
    occurred_at,
    observed_at,
    recorded_at,
    job_name,
    user_name,
    account
   FROM public.job_events ev;

COMMENT ON VIEW grafana.job_events IS 'One row per recorded fact about a job.';

CREATE TABLE public.jobs (
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamp with time zone NOT NULL,
    raw_id bigint NOT NULL,
    state text NOT NULL,
    state_flags text[] NOT NULL,
    reason text NOT NULL,
    name text NOT NULL,
    user_name text NOT NULL,
    account text NOT NULL,
    partition text NOT NULL,
    qos text NOT NULL,
    eligible_at timestamp with time zone,
    started_at timestamp with time zone,
    expected_start_at timestamp with time zone,
    ended_at timestamp with time zone,
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
    observed_at timestamp with time zone NOT NULL,
    source text NOT NULL,
    first_observed_at timestamp with time zone NOT NULL,
    vanished_at timestamp with time zone,
    is_live boolean GENERATED ALWAYS AS ((state <> ALL (ARRAY['COMPLETED'::text, 'CANCELLED'::text, 'FAILED'::text, 'TIMEOUT'::text, 'NODE_FAIL'::text, 'PREEMPTED'::text, 'BOOT_FAIL'::text, 'DEADLINE'::text, 'OUT_OF_MEMORY'::text, 'VANISHED'::text]))) STORED NOT NULL,
    node_names text[] DEFAULT '{}'::text[] NOT NULL,
    has_all_node_names boolean DEFAULT true NOT NULL,
    batch_host text DEFAULT ''::text NOT NULL,
    gpu_source text DEFAULT ''::text NOT NULL,
    dependencies jsonb DEFAULT '[]'::jsonb NOT NULL,
    request jsonb DEFAULT '{}'::jsonb NOT NULL,
    stdin_path text DEFAULT ''::text NOT NULL,
    unexpanded_paths text[] DEFAULT '{}'::text[] NOT NULL,
    sluid text DEFAULT ''::text NOT NULL
)
WITH (fillfactor='80');

COMMENT ON TABLE public.jobs IS 'One row per job, array, array task or het component: its newest fact by revision. Written by: projector.';

COMMENT ON COLUMN public.jobs.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.jobs.job_id IS 'As Slurm writes it: 4711, 4711_3 or 4711+1. Recycled by Slurm.';

COMMENT ON COLUMN public.jobs.submitted_at IS 'When Slurm first accepted it; a requeue keeps it.';

COMMENT ON COLUMN public.jobs.raw_id IS 'Slurm''s own number; differs from job_id for array tasks and het components.';

COMMENT ON COLUMN public.jobs.state IS 'Base state; contracts.jobs.JobState.';

COMMENT ON COLUMN public.jobs.state_flags IS 'Slurm''s flags beside the base state, sorted.';

COMMENT ON COLUMN public.jobs.reason IS 'Why it waits or why it failed, in Slurm''s word; empty for none.';

COMMENT ON COLUMN public.jobs.name IS 'The name that its user gave it; untrusted text.';

COMMENT ON COLUMN public.jobs.user_name IS 'Login name of its owner on the cluster.';

COMMENT ON COLUMN public.jobs.account IS 'Slurm account it is charged to.';

COMMENT ON COLUMN public.jobs.partition IS 'One name, or several with commas while it waits for the first that fits.';

COMMENT ON COLUMN public.jobs.qos IS 'Quality of service.';

COMMENT ON COLUMN public.jobs.eligible_at IS 'When it may start at the earliest; NULL when not told.';

COMMENT ON COLUMN public.jobs.started_at IS 'When it got its nodes; NULL before.';

COMMENT ON COLUMN public.jobs.expected_start_at IS 'Slurm''s own estimate for a pending job; NULL when not told.';

COMMENT ON COLUMN public.jobs.ended_at IS 'When it ended; NULL before.';

COMMENT ON COLUMN public.jobs.time_limit_s IS 'Seconds it may run; NULL for unlimited or not told.';

COMMENT ON COLUMN public.jobs.node_count IS 'Nodes allocated, or requested while pending.';

COMMENT ON COLUMN public.jobs.node_list IS 'Compact, as Slurm writes it: gpu[01-03]; empty while pending.';

COMMENT ON COLUMN public.jobs.cpu_count IS 'CPUs of the whole job.';

COMMENT ON COLUMN public.jobs.memory_mib IS 'Memory of the whole job in MiB; NULL where the site does not count it.';

COMMENT ON COLUMN public.jobs.gpu_count IS 'GPUs of the whole job, allocated, or requested while pending.';

COMMENT ON COLUMN public.jobs.gpus_by_type IS 'GPUs of the whole job by Slurm''s type name, as an object.';

COMMENT ON COLUMN public.jobs.tres IS 'Slurm''s own list of trackable resources.';

COMMENT ON COLUMN public.jobs.priority IS 'Slurm''s priority; NULL when not told.';

COMMENT ON COLUMN public.jobs.dependency IS 'Slurm''s dependency expression; empty for none.';

COMMENT ON COLUMN public.jobs.work_dir IS 'Working directory on the cluster.';

COMMENT ON COLUMN public.jobs.command IS 'Script or command; untrusted text.';

COMMENT ON COLUMN public.jobs.stdout_path IS 'Absolute, with its % patterns expanded unless it is among unexpanded_paths; untrusted text.';

COMMENT ON COLUMN public.jobs.stderr_path IS 'As stdout_path, which it equals where the user named no file of its own.';

COMMENT ON COLUMN public.jobs.comment IS 'The user''s comment; untrusted text.';

COMMENT ON COLUMN public.jobs.submit_line IS 'The command line that submitted it; untrusted text.';

COMMENT ON COLUMN public.jobs.restart_count IS 'How often Slurm has requeued it.';

COMMENT ON COLUMN public.jobs.exit_code IS 'Exit status; NULL before the end or when not told.';

COMMENT ON COLUMN public.jobs.exit_signal IS 'Signal that ended it; NULL before the end or when not told.';

COMMENT ON COLUMN public.jobs.array_job_id IS 'The array it belongs to; NULL outside of arrays.';

COMMENT ON COLUMN public.jobs.array_task_id IS 'Its index in the array; NULL on a whole array and outside of arrays.';

COMMENT ON COLUMN public.jobs.array_pending IS 'Indices of a whole array that still wait: 2-9%2.';

COMMENT ON COLUMN public.jobs.task_states IS 'Tasks of a whole array per state, as an object; empty on everything else.';

COMMENT ON COLUMN public.jobs.het_job_id IS 'Leader of its heterogeneous job; NULL outside of those.';

COMMENT ON COLUMN public.jobs.het_offset IS 'Its component number; NULL outside of heterogeneous jobs.';

COMMENT ON COLUMN public.jobs.revision IS 'Revision of the fact that this row shows; only a larger one is applied.';

COMMENT ON COLUMN public.jobs.observed_at IS 'When the cluster showed that fact.';

COMMENT ON COLUMN public.jobs.source IS 'Where that fact was read; contracts.jobs.Evidence.';

COMMENT ON COLUMN public.jobs.first_observed_at IS 'When the cluster first showed the job, over all facts about it.';

COMMENT ON COLUMN public.jobs.vanished_at IS 'When it was found gone without a trace; NULL unless it is vanished.';

COMMENT ON COLUMN public.jobs.is_live IS 'Whether it is neither over nor vanished; an unknown state is live.';

COMMENT ON COLUMN public.jobs.node_names IS 'The names in node_list, at most 1,024.';

COMMENT ON COLUMN public.jobs.has_all_node_names IS 'Whether node_names is all of node_list.';

COMMENT ON COLUMN public.jobs.batch_host IS 'Node that runs the batch script; empty while pending.';

COMMENT ON COLUMN public.jobs.gpu_source IS 'What gpu_count was read from: none, tres, request, unknown; empty for rows of earlier versions.';

COMMENT ON COLUMN public.jobs.dependencies IS 'What it waits for, as a list of objects; contracts.job_parts.Dependency.';

COMMENT ON COLUMN public.jobs.request IS 'What it asked for, as an object; contracts.job_parts.JobRequest. Untrusted text is in it.';

COMMENT ON COLUMN public.jobs.stdin_path IS 'File that the batch script reads; untrusted text.';

COMMENT ON COLUMN public.jobs.unexpanded_paths IS 'Which of stdout_path, stderr_path and stdin_path still hold a % pattern.';

COMMENT ON COLUMN public.jobs.sluid IS 'Slurm''s own id that is never used again; empty before 26.05.';

CREATE VIEW grafana.jobs AS
 SELECT cluster,
    job_id,
    submitted_at,
    state,
    reason,
    name,
    user_name,
    account,
    partition,
    qos,
    eligible_at,
    started_at,
    expected_start_at,
    ended_at,
    time_limit_s,
    node_count,
    node_list,
    cpu_count,
    memory_mib,
    gpu_count,
    gpus_by_type,
    restart_count,
    exit_code,
    exit_signal,
    is_live,
    observed_at,
    source,
    array_job_id,
    array_task_id,
    het_job_id,
    het_offset,
    task_states,
    COALESCE(array_job_id, het_job_id) AS group_id,
    (((array_job_id IS NOT NULL) AND (array_task_id IS NULL)) OR ((het_job_id IS NOT NULL) AND (het_offset IS NULL))) AS is_group
   FROM public.jobs jo
  WHERE ((NOT is_live) OR (NOT (cluster IN ( SELECT gone.name
           FROM public.clusters gone
          WHERE (gone.removed_at IS NOT NULL)))));

COMMENT ON VIEW grafana.jobs IS 'One row per job, without what its owner wrote on command lines.';

CREATE TABLE public.partition_counts (
    cluster text NOT NULL,
    partition text NOT NULL,
    state text NOT NULL,
    jobs integer NOT NULL,
    gpus integer NOT NULL,
    observed_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.partition_counts IS 'Everybody''s jobs per partition and state; replaced as a whole by each newer count. Written by: projector.';

COMMENT ON COLUMN public.partition_counts.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.partition_counts.partition IS 'The partition''s name.';

COMMENT ON COLUMN public.partition_counts.state IS 'Slurm''s base state of the counted jobs; contracts.jobs.JobState.';

COMMENT ON COLUMN public.partition_counts.jobs IS 'How many jobs.';

COMMENT ON COLUMN public.partition_counts.gpus IS 'How many GPUs these jobs hold or ask for.';

COMMENT ON COLUMN public.partition_counts.observed_at IS 'End of the poll that counted.';

CREATE VIEW grafana.partition_counts AS
 SELECT cluster,
    partition,
    state,
    jobs,
    gpus,
    observed_at
   FROM public.partition_counts pc;

COMMENT ON VIEW grafana.partition_counts IS 'Everybody''s jobs per partition and state.';

CREATE TABLE public.polls (
    cluster text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone NOT NULL,
    duration_s double precision NOT NULL,
    link text NOT NULL,
    error text NOT NULL,
    failed boolean NOT NULL,
    interval_s double precision NOT NULL,
    state_since timestamp with time zone NOT NULL,
    sections jsonb NOT NULL,
    slurm_version text NOT NULL,
    tracked_jobs integer NOT NULL,
    slurm_rpcs integer NOT NULL,
    clock_offset_s double precision,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE public.polls IS 'One row per look at a cluster, kept for a limited time. Written by: projector.';

COMMENT ON COLUMN public.polls.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.polls.started_at IS 'When the look began.';

COMMENT ON COLUMN public.polls.finished_at IS 'When the look ended.';

COMMENT ON COLUMN public.polls.duration_s IS 'Seconds it took.';

COMMENT ON COLUMN public.polls.link IS 'How it reached the login node; contracts.events.LinkState.';

COMMENT ON COLUMN public.polls.error IS 'What went wrong; empty when all went well.';

COMMENT ON COLUMN public.polls.failed IS 'Whether the login node was not reached or did not tell the tracked jobs when asked.';

COMMENT ON COLUMN public.polls.interval_s IS 'Seconds until the next look is due.';

COMMENT ON COLUMN public.polls.state_since IS 'Since when the collector remembers.';

COMMENT ON COLUMN public.polls.sections IS 'Outcome of each section; contracts.events.SectionOutcome as an array of objects.';

COMMENT ON COLUMN public.polls.slurm_version IS 'As Slurm told it; empty when not told.';

COMMENT ON COLUMN public.polls.tracked_jobs IS 'Live jobs of tracked users and accounts.';

COMMENT ON COLUMN public.polls.slurm_rpcs IS 'Requests it cost Slurm.';

COMMENT ON COLUMN public.polls.clock_offset_s IS 'The login node''s clock minus ours, in seconds; NULL when not told.';

COMMENT ON COLUMN public.polls.recorded_at IS 'When it was stored.';

CREATE VIEW grafana.polls AS
 SELECT cluster,
    started_at,
    finished_at,
    duration_s,
    link,
    error,
    failed,
    interval_s,
    slurm_version,
    tracked_jobs,
    slurm_rpcs,
    clock_offset_s
   FROM public.polls po;

COMMENT ON VIEW grafana.polls IS 'One row per look at a cluster.';

ALTER TABLE public.job_events ALTER COLUMN event_seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.job_events_event_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.schema_migrations (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    edition text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE public.schema_migrations IS 'One row per applied migration. Written by: migrator.';

COMMENT ON COLUMN public.schema_migrations.version IS 'The number of its file.';

COMMENT ON COLUMN public.schema_migrations.name IS 'The name of its file.';

COMMENT ON COLUMN public.schema_migrations.checksum IS 'SHA-256 of its file as it was applied.';

COMMENT ON COLUMN public.schema_migrations.edition IS 'community, apache or plain: what it was applied as.';

COMMENT ON COLUMN public.schema_migrations.applied_at IS 'When it was applied.';

ALTER TABLE ONLY public.cluster_status
    ADD CONSTRAINT cluster_status_pkey PRIMARY KEY (cluster);

ALTER TABLE ONLY public.clusters
    ADD CONSTRAINT clusters_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.job_events
    ADD CONSTRAINT job_events_pkey PRIMARY KEY (event_id);

ALTER TABLE ONLY public.job_events
    ADD CONSTRAINT job_events_seq UNIQUE (event_seq);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (cluster, job_id, submitted_at);

ALTER TABLE ONLY public.partition_counts
    ADD CONSTRAINT partition_counts_pkey PRIMARY KEY (cluster, partition, state);

ALTER TABLE ONLY public.polls
    ADD CONSTRAINT polls_pkey PRIMARY KEY (cluster, started_at);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

CREATE INDEX job_events_job ON public.job_events USING btree (cluster, job_id, submitted_at, event_seq);

COMMENT ON INDEX public.job_events_job IS 'Timeline of one job.';

CREATE INDEX jobs_account ON public.jobs USING btree (account, submitted_at DESC);

COMMENT ON INDEX public.jobs_account IS 'History of one account.';

CREATE INDEX jobs_ended ON public.jobs USING btree (submitted_at DESC, cluster, job_id) WHERE (NOT is_live);

COMMENT ON INDEX public.jobs_ended IS 'Keyset of the history.';

CREATE INDEX jobs_group ON public.jobs USING btree (cluster, COALESCE(array_job_id, het_job_id)) WHERE (COALESCE(array_job_id, het_job_id) IS NOT NULL);

COMMENT ON INDEX public.jobs_group IS 'Members of an array or of a het job, and the whole.';

CREATE INDEX jobs_live ON public.jobs USING btree (submitted_at DESC, cluster, job_id) WHERE is_live;

COMMENT ON INDEX public.jobs_live IS 'Keyset of the live list.';

CREATE INDEX jobs_newest ON public.jobs USING btree (submitted_at DESC, cluster, job_id);

COMMENT ON INDEX public.jobs_newest IS 'Keyset of every list.';

CREATE INDEX jobs_text ON public.jobs USING gin (name public.gin_trgm_ops, job_id public.gin_trgm_ops);

COMMENT ON INDEX public.jobs_text IS 'Text search over name and id.';

CREATE INDEX jobs_user ON public.jobs USING btree (user_name, submitted_at DESC);

COMMENT ON INDEX public.jobs_user IS 'History of one user.';

CREATE INDEX polls_failed ON public.polls USING btree (cluster, started_at) WHERE failed;

COMMENT ON INDEX public.polls_failed IS 'Finds since when a cluster fails without reading the good polls.';

GRANT USAGE ON SCHEMA grafana TO slurmfleet_grafana;

GRANT USAGE ON SCHEMA public TO slurmfleet_writer;
GRANT USAGE ON SCHEMA public TO slurmfleet_reader;

REVOKE ALL ON FUNCTION public.forget_polls(before timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.forget_polls(before timestamp with time zone) TO slurmfleet_writer;

GRANT SELECT ON TABLE public.cluster_status TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.cluster_status TO slurmfleet_writer;

GRANT SELECT ON TABLE public.clusters TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.clusters TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.cluster_status TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.job_events TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.job_events TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.job_events TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.jobs TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.jobs TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.jobs TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.partition_counts TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.partition_counts TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.partition_counts TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.polls TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.polls TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.polls TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.schema_migrations TO slurmfleet_writer;
GRANT SELECT ON TABLE public.schema_migrations TO slurmfleet_reader;
