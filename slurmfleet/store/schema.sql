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

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$;

COMMENT ON FUNCTION public.refuse_change() IS 'Refuses what would change or remove rows of an append-only table.';

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

CREATE TABLE public.registry_documents (
    kind text NOT NULL,
    document_id text NOT NULL,
    document jsonb NOT NULL,
    registry_revision bigint NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    removed_at timestamp with time zone
);

COMMENT ON TABLE public.registry_documents IS 'One row per document that the registry has or had, clusters apart. Written by: projector.';

COMMENT ON COLUMN public.registry_documents.kind IS 'team, account, path, filter, project or setting; registry.kinds.';

COMMENT ON COLUMN public.registry_documents.document_id IS 'What tells documents of one kind apart: a login, a name, a digest.';

COMMENT ON COLUMN public.registry_documents.document IS 'The registry document, contracts.documents; {} after a removal.';

COMMENT ON COLUMN public.registry_documents.registry_revision IS 'Revision of the key; only a larger one is applied.';

COMMENT ON COLUMN public.registry_documents.updated_at IS 'When this revision was recorded here.';

COMMENT ON COLUMN public.registry_documents.removed_at IS 'When the document was removed; NULL while it is there.';

CREATE VIEW public.projects AS
 SELECT document_id AS name,
    ARRAY( SELECT pr.prefix
           FROM jsonb_array_elements_text((rd.document -> 'prefixes'::text)) WITH ORDINALITY pr(prefix, place)
          ORDER BY pr.place) AS prefixes,
    COALESCE((document ->> 'colour'::text), ''::text) AS colour,
    COALESCE((document ->> 'emoji'::text), ''::text) AS emoji,
    COALESCE((document ->> 'description'::text), ''::text) AS description,
    registry_revision,
    updated_at
   FROM public.registry_documents rd
  WHERE ((kind = 'project'::text) AND (removed_at IS NULL));

COMMENT ON VIEW public.projects IS 'One row per project of the group; jobs belong to it by the begin of their names.';

COMMENT ON COLUMN public.projects.name IS 'The project''s name.';

COMMENT ON COLUMN public.projects.prefixes IS 'Begins of job names; of several that fit, the longest wins.';

COMMENT ON COLUMN public.projects.colour IS '#rrggbb; may be empty.';

COMMENT ON COLUMN public.projects.emoji IS 'Stands before the name; may be empty.';

COMMENT ON COLUMN public.projects.description IS 'Free text; may be empty.';

COMMENT ON COLUMN public.projects.registry_revision IS 'Revision of the document.';

COMMENT ON COLUMN public.projects.updated_at IS 'When this revision was recorded here.';

CREATE VIEW grafana.projects AS
 SELECT name,
    prefixes,
    colour,
    emoji,
    description
   FROM public.projects pr;

COMMENT ON VIEW grafana.projects IS 'One row per project of the group.';

CREATE VIEW public.team_members AS
 SELECT document_id AS login,
    COALESCE((document ->> 'display_name'::text), ''::text) AS display_name,
    registry_revision,
    updated_at
   FROM public.registry_documents rd
  WHERE ((kind = 'team'::text) AND (removed_at IS NULL));

COMMENT ON VIEW public.team_members IS 'One row per person of the group.';

COMMENT ON COLUMN public.team_members.login IS 'Login name on the clusters.';

COMMENT ON COLUMN public.team_members.display_name IS 'As people call them; may be empty.';

COMMENT ON COLUMN public.team_members.registry_revision IS 'Revision of the document.';

COMMENT ON COLUMN public.team_members.updated_at IS 'When this revision was recorded here.';

CREATE VIEW grafana.team_members AS
 SELECT login,
    display_name
   FROM public.team_members tm;

COMMENT ON VIEW grafana.team_members IS 'One row per person of the group.';

CREATE VIEW public.accounts AS
 SELECT document_id AS name,
    COALESCE((document ->> 'site_id'::text), ''::text) AS site_id,
    COALESCE((document ->> 'description'::text), ''::text) AS description,
    registry_revision,
    updated_at
   FROM public.registry_documents rd
  WHERE ((kind = 'account'::text) AND (removed_at IS NULL));

COMMENT ON VIEW public.accounts IS 'One row per Slurm account that the group may charge.';

COMMENT ON COLUMN public.accounts.name IS 'As Slurm calls it.';

COMMENT ON COLUMN public.accounts.site_id IS 'What the site''s own allocation service calls it; may be empty.';

COMMENT ON COLUMN public.accounts.description IS 'Free text; may be empty.';

COMMENT ON COLUMN public.accounts.registry_revision IS 'Revision of the document.';

COMMENT ON COLUMN public.accounts.updated_at IS 'When this revision was recorded here.';

CREATE TABLE public.audit_records (
    audit_seq bigint NOT NULL,
    record_id text NOT NULL,
    action_id text NOT NULL,
    phase text NOT NULL,
    actor text NOT NULL,
    actor_kind text NOT NULL,
    token_id text NOT NULL,
    via text NOT NULL,
    action text NOT NULL,
    cluster text NOT NULL,
    target text NOT NULL,
    reason text NOT NULL,
    details jsonb NOT NULL,
    outcome text NOT NULL,
    acted_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    previous_hash bytea NOT NULL,
    record_hash bytea NOT NULL,
    CONSTRAINT audit_records_from_one CHECK ((audit_seq > 0)),
    CONSTRAINT audit_records_hashes CHECK (((octet_length(previous_hash) = 32) AND (octet_length(record_hash) = 32)))
);

COMMENT ON TABLE public.audit_records IS 'One row per action that was tried and one per result, in order without gaps. Written by: projector.';

COMMENT ON COLUMN public.audit_records.audit_seq IS 'From 1 without gaps: a missing number is a missing row.';

COMMENT ON COLUMN public.audit_records.record_id IS 'The fact''s id, computed from its content.';

COMMENT ON COLUMN public.audit_records.action_id IS 'Shared by the trial of an action and its result.';

COMMENT ON COLUMN public.audit_records.phase IS 'tried or done.';

COMMENT ON COLUMN public.audit_records.actor IS 'Who acted: a person''s or an agent''s name.';

COMMENT ON COLUMN public.audit_records.actor_kind IS 'person, agent or service.';

COMMENT ON COLUMN public.audit_records.token_id IS 'Public id of the token; empty for none.';

COMMENT ON COLUMN public.audit_records.via IS 'Door that was used: rest, mcp, cli.';

COMMENT ON COLUMN public.audit_records.action IS 'What was done: job.cancel, cluster.update, …';

COMMENT ON COLUMN public.audit_records.cluster IS 'On which cluster; empty for none.';

COMMENT ON COLUMN public.audit_records.target IS 'To what: a job''s id, a document''s key.';

COMMENT ON COLUMN public.audit_records.reason IS 'Why, in the actor''s words; untrusted text.';

COMMENT ON COLUMN public.audit_records.details IS 'Arguments, or the result, without secrets, as an object; untrusted text.';

COMMENT ON COLUMN public.audit_records.outcome IS 'allowed, refused, ok or failed.';

COMMENT ON COLUMN public.audit_records.acted_at IS 'When the actor acted.';

COMMENT ON COLUMN public.audit_records.recorded_at IS 'When it was stored; not part of the hash.';

COMMENT ON COLUMN public.audit_records.previous_hash IS 'record_hash of the row before, 32 bytes; zeros in the first row.';

COMMENT ON COLUMN public.audit_records.record_hash IS 'SHA-256 over previous_hash and the row''s content, 32 bytes.';

CREATE TABLE public.crashes (
    event_id text NOT NULL,
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamp with time zone NOT NULL,
    restart_count integer NOT NULL,
    class text NOT NULL,
    certainty text NOT NULL,
    summary text NOT NULL,
    evidence jsonb NOT NULL,
    project text NOT NULL,
    occurred_at timestamp with time zone,
    observed_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    source text NOT NULL,
    revision bigint NOT NULL
);

COMMENT ON TABLE public.crashes IS 'One row per finding about one run of a job; a later finding does not erase the earlier. Written by: projector.';

COMMENT ON COLUMN public.crashes.event_id IS 'The fact''s id, computed from its content.';

COMMENT ON COLUMN public.crashes.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.crashes.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';

COMMENT ON COLUMN public.crashes.submitted_at IS 'When Slurm first accepted the job.';

COMMENT ON COLUMN public.crashes.restart_count IS 'How often Slurm had requeued it: which of its runs this is about.';

COMMENT ON COLUMN public.crashes.class IS 'Kind of crash: host_oom, cuda_oom, segfault, traceback, nccl, xid, …';

COMMENT ON COLUMN public.crashes.certainty IS 'confirmed: Slurm says that it failed; suspected: it runs and seems dead inside; warning: it completed all the same.';

COMMENT ON COLUMN public.crashes.summary IS 'One line for people; untrusted text from logs may stand in it.';

COMMENT ON COLUMN public.crashes.evidence IS 'What it was judged by: file, byte offset and line of each sign, as a list of objects. Untrusted text.';

COMMENT ON COLUMN public.crashes.project IS 'The job''s project when it was judged; empty for none.';

COMMENT ON COLUMN public.crashes.occurred_at IS 'When it happened by the log''s own clock; NULL where it does not tell.';

COMMENT ON COLUMN public.crashes.observed_at IS 'When the cluster showed the evidence.';

COMMENT ON COLUMN public.crashes.recorded_at IS 'When it was stored.';

COMMENT ON COLUMN public.crashes.source IS 'What was read: log, accounting, queue.';

COMMENT ON COLUMN public.crashes.revision IS 'Of two findings about one run of a job the larger one is the newer.';

ALTER TABLE public.job_events ALTER COLUMN event_seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.job_events_event_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.kernel_executions (
    execution_id text NOT NULL,
    session_id text NOT NULL,
    cell_id text,
    code_sha256 bytea NOT NULL,
    state text NOT NULL,
    error_name text NOT NULL,
    execution_count integer,
    output_bytes bigint NOT NULL,
    queued_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    observed_at timestamp with time zone NOT NULL,
    version bigint NOT NULL
);

COMMENT ON TABLE public.kernel_executions IS 'One row per execution; code and outputs lie with the kernel and in the notebook. Written by: kernels.';

COMMENT ON COLUMN public.kernel_executions.execution_id IS 'Our own id, given before the code is sent: sent twice, it runs once.';

COMMENT ON COLUMN public.kernel_executions.session_id IS 'The session.';

COMMENT ON COLUMN public.kernel_executions.cell_id IS 'nbformat''s id of the cell; NULL outside of the notebook.';

COMMENT ON COLUMN public.kernel_executions.code_sha256 IS 'SHA-256 of the code, 32 bytes.';

COMMENT ON COLUMN public.kernel_executions.state IS 'queued, running, ok, error, cancelled, lost.';

COMMENT ON COLUMN public.kernel_executions.error_name IS 'Exception''s name; empty for none.';

COMMENT ON COLUMN public.kernel_executions.execution_count IS 'Jupyter''s own count; NULL before it is told.';

COMMENT ON COLUMN public.kernel_executions.output_bytes IS 'Length of its output log so far; readers go on from an offset in it.';

COMMENT ON COLUMN public.kernel_executions.queued_at IS 'When it was asked for.';

COMMENT ON COLUMN public.kernel_executions.started_at IS 'When the kernel began it; NULL before.';

COMMENT ON COLUMN public.kernel_executions.ended_at IS 'When it ended; NULL before.';

COMMENT ON COLUMN public.kernel_executions.observed_at IS 'When its state was last seen.';

COMMENT ON COLUMN public.kernel_executions.version IS 'Grows with each change.';

CREATE TABLE public.kernel_outbox (
    outbox_seq bigint NOT NULL,
    subject text NOT NULL,
    message_id text NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    written_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE public.kernel_outbox IS 'Messages for the bus, written in the transaction that changes a row, deleted once the bus has them. Written by: kernels.';

COMMENT ON COLUMN public.kernel_outbox.outbox_seq IS 'Order of sending.';

COMMENT ON COLUMN public.kernel_outbox.subject IS 'Subject on the bus.';

COMMENT ON COLUMN public.kernel_outbox.message_id IS 'Nats-Msg-Id; the bus drops a repetition.';

COMMENT ON COLUMN public.kernel_outbox.headers IS 'The message''s other headers, as an object.';

COMMENT ON COLUMN public.kernel_outbox.body IS 'The message''s bytes.';

COMMENT ON COLUMN public.kernel_outbox.written_at IS 'When it was written.';

ALTER TABLE public.kernel_outbox ALTER COLUMN outbox_seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.kernel_outbox_outbox_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.kernel_servers (
    server_id text NOT NULL,
    cluster text NOT NULL,
    owner text NOT NULL,
    job_id text,
    submitted_at timestamp with time zone,
    submit_token text NOT NULL,
    profile text NOT NULL,
    request jsonb NOT NULL,
    state text NOT NULL,
    state_reason text NOT NULL,
    node text NOT NULL,
    reached_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    ready_at timestamp with time zone,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    observed_at timestamp with time zone NOT NULL,
    version bigint NOT NULL
);

COMMENT ON TABLE public.kernel_servers IS 'One row per Jupyter server that was asked for. Written by: kernels.';

COMMENT ON COLUMN public.kernel_servers.server_id IS 'Our own id.';

COMMENT ON COLUMN public.kernel_servers.cluster IS 'The cluster''s name; empty: this machine.';

COMMENT ON COLUMN public.kernel_servers.owner IS 'Who asked for it; nobody else may use it unless it is shared.';

COMMENT ON COLUMN public.kernel_servers.job_id IS 'Its Slurm job; NULL before submission is confirmed, and on this machine.';

COMMENT ON COLUMN public.kernel_servers.submitted_at IS 'When Slurm accepted the job; NULL with job_id.';

COMMENT ON COLUMN public.kernel_servers.submit_token IS 'Written before the submission, so that a lost reply is found again.';

COMMENT ON COLUMN public.kernel_servers.profile IS 'Named profile of the registry; empty for none.';

COMMENT ON COLUMN public.kernel_servers.request IS 'What was asked for: time, GPUs, partition, …, as an object.';

COMMENT ON COLUMN public.kernel_servers.state IS 'submitting, pending, starting, ready, ending, ended, failed or unknown.';

COMMENT ON COLUMN public.kernel_servers.state_reason IS 'Why, in words: Slurm''s reason, the last lines of its log; untrusted text.';

COMMENT ON COLUMN public.kernel_servers.node IS 'Where it runs; empty before.';

COMMENT ON COLUMN public.kernel_servers.reached_by IS 'How it is reached: local, node_sshd, relay; empty before.';

COMMENT ON COLUMN public.kernel_servers.created_at IS 'When it was asked for.';

COMMENT ON COLUMN public.kernel_servers.ready_at IS 'When it first answered; NULL before.';

COMMENT ON COLUMN public.kernel_servers.expires_at IS 'When its allocation ends; NULL when not known.';

COMMENT ON COLUMN public.kernel_servers.last_used_at IS 'When something was last done with it; idle release counts from here.';

COMMENT ON COLUMN public.kernel_servers.ended_at IS 'When it ended; NULL before.';

COMMENT ON COLUMN public.kernel_servers.observed_at IS 'When its state was last seen.';

COMMENT ON COLUMN public.kernel_servers.version IS 'Grows with each change; a change names the one it is based on.';

CREATE TABLE public.kernel_sessions (
    session_id text NOT NULL,
    server_id text NOT NULL,
    owner text NOT NULL,
    name text NOT NULL,
    kernel_id text,
    kernelspec text NOT NULL,
    notebook_path text NOT NULL,
    work_dir text NOT NULL,
    origin text NOT NULL,
    state text NOT NULL,
    state_reason text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    observed_at timestamp with time zone NOT NULL,
    version bigint NOT NULL
);

COMMENT ON TABLE public.kernel_sessions IS 'One row per session: a kernel and its notebook. Written by: kernels.';

COMMENT ON COLUMN public.kernel_sessions.session_id IS 'Our own id; what agents name.';

COMMENT ON COLUMN public.kernel_sessions.server_id IS 'The server that it runs on.';

COMMENT ON COLUMN public.kernel_sessions.owner IS 'Who opened it.';

COMMENT ON COLUMN public.kernel_sessions.name IS 'What its owner calls it; untrusted text.';

COMMENT ON COLUMN public.kernel_sessions.kernel_id IS 'Jupyter''s id of the kernel; NULL before it is there.';

COMMENT ON COLUMN public.kernel_sessions.kernelspec IS 'Name of the kernel''s kind: python3.';

COMMENT ON COLUMN public.kernel_sessions.notebook_path IS 'On the cluster; untrusted text.';

COMMENT ON COLUMN public.kernel_sessions.work_dir IS 'Working directory of the kernel.';

COMMENT ON COLUMN public.kernel_sessions.origin IS 'new, resumed, continued or adopted.';

COMMENT ON COLUMN public.kernel_sessions.state IS 'starting, idle, busy, lost, ended or failed.';

COMMENT ON COLUMN public.kernel_sessions.state_reason IS 'Why, in words; untrusted text.';

COMMENT ON COLUMN public.kernel_sessions.created_at IS 'When it was opened.';

COMMENT ON COLUMN public.kernel_sessions.last_used_at IS 'When something was last done in it.';

COMMENT ON COLUMN public.kernel_sessions.ended_at IS 'When it ended; NULL before.';

COMMENT ON COLUMN public.kernel_sessions.observed_at IS 'When its state was last seen.';

COMMENT ON COLUMN public.kernel_sessions.version IS 'Grows with each change; a change names the one it is based on.';

CREATE TABLE public.logbook_entries (
    entry_id bigint NOT NULL,
    project text NOT NULL,
    kind text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    author text NOT NULL,
    is_pinned boolean DEFAULT false NOT NULL,
    revision integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    edited_at timestamp with time zone NOT NULL,
    edited_by text NOT NULL,
    deleted_at timestamp with time zone,
    words tsvector GENERATED ALWAYS AS ((setweight(to_tsvector('english'::regconfig, title), 'A'::"char") || setweight(to_tsvector('english'::regconfig, "left"(body, 200000)), 'B'::"char"))) STORED NOT NULL,
    CONSTRAINT logbook_entries_title CHECK ((btrim(title) <> ''::text))
);

COMMENT ON TABLE public.logbook_entries IS 'One row per entry as it is now. Written by: logbook.';

COMMENT ON COLUMN public.logbook_entries.entry_id IS 'Number that people write as #12; imports keep theirs.';

COMMENT ON COLUMN public.logbook_entries.project IS 'The project it belongs to.';

COMMENT ON COLUMN public.logbook_entries.kind IS 'note or plan.';

COMMENT ON COLUMN public.logbook_entries.title IS 'One line; untrusted text.';

COMMENT ON COLUMN public.logbook_entries.body IS 'Markdown; untrusted text.';

COMMENT ON COLUMN public.logbook_entries.tags IS 'Words to find it by, sorted.';

COMMENT ON COLUMN public.logbook_entries.author IS 'Who wrote it first: a person or an agent.';

COMMENT ON COLUMN public.logbook_entries.is_pinned IS 'Whether it stands above the others.';

COMMENT ON COLUMN public.logbook_entries.revision IS 'From 1; a change names the one it is based on.';

COMMENT ON COLUMN public.logbook_entries.created_at IS 'When it was first written.';

COMMENT ON COLUMN public.logbook_entries.edited_at IS 'When it was last changed.';

COMMENT ON COLUMN public.logbook_entries.edited_by IS 'Who changed it last.';

COMMENT ON COLUMN public.logbook_entries.deleted_at IS 'When it was taken away; it can be brought back. NULL: it is there.';

COMMENT ON COLUMN public.logbook_entries.words IS 'Words of title (weight A) and of the first 200,000 characters of body (weight B), for search: more would not fit.';

ALTER TABLE public.logbook_entries ALTER COLUMN entry_id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.logbook_entries_entry_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.logbook_image_names (
    project text NOT NULL,
    file_name text NOT NULL,
    sha256 bytea NOT NULL
);

COMMENT ON TABLE public.logbook_image_names IS 'One row per name under which a project''s entries show a picture. Written by: logbook.';

COMMENT ON COLUMN public.logbook_image_names.project IS 'The project.';

COMMENT ON COLUMN public.logbook_image_names.file_name IS 'One path element, never a folder.';

COMMENT ON COLUMN public.logbook_image_names.sha256 IS 'The picture.';

CREATE TABLE public.logbook_images (
    sha256 bytea NOT NULL,
    media_type text NOT NULL,
    size_bytes bigint NOT NULL,
    content bytea NOT NULL,
    uploaded_at timestamp with time zone NOT NULL,
    uploaded_by text NOT NULL,
    CONSTRAINT logbook_images_size CHECK ((size_bytes = octet_length(content)))
);

COMMENT ON TABLE public.logbook_images IS 'One row per picture, known by its content, so that every backup of the store has it. Written by: logbook.';

COMMENT ON COLUMN public.logbook_images.sha256 IS 'SHA-256 of the content, 32 bytes.';

COMMENT ON COLUMN public.logbook_images.media_type IS 'As it was recognised, not as its name says: image/png.';

COMMENT ON COLUMN public.logbook_images.size_bytes IS 'Length of the content in bytes.';

COMMENT ON COLUMN public.logbook_images.content IS 'The picture; untrusted bytes.';

COMMENT ON COLUMN public.logbook_images.uploaded_at IS 'When it first came.';

COMMENT ON COLUMN public.logbook_images.uploaded_by IS 'Who brought it.';

CREATE TABLE public.logbook_links (
    source_id bigint NOT NULL,
    target_kind text NOT NULL,
    target text NOT NULL
);

COMMENT ON TABLE public.logbook_links IS 'One row per thing that an entry''s body refers to; rebuilt with the body. Written by: logbook.';

COMMENT ON COLUMN public.logbook_links.source_id IS 'The entry that refers.';

COMMENT ON COLUMN public.logbook_links.target_kind IS 'entry, run, job or session.';

COMMENT ON COLUMN public.logbook_links.target IS 'The entry''s number, the run''s id, cluster/job; it need not exist.';

CREATE TABLE public.logbook_outbox (
    outbox_seq bigint NOT NULL,
    subject text NOT NULL,
    message_id text NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    written_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE public.logbook_outbox IS 'Messages for the bus, written in the transaction that changes a row, deleted once the bus has them. Written by: logbook.';

COMMENT ON COLUMN public.logbook_outbox.outbox_seq IS 'Order of sending.';

COMMENT ON COLUMN public.logbook_outbox.subject IS 'Subject on the bus.';

COMMENT ON COLUMN public.logbook_outbox.message_id IS 'Nats-Msg-Id; the bus drops a repetition.';

COMMENT ON COLUMN public.logbook_outbox.headers IS 'The message''s other headers, as an object.';

COMMENT ON COLUMN public.logbook_outbox.body IS 'The message''s bytes.';

COMMENT ON COLUMN public.logbook_outbox.written_at IS 'When it was written.';

ALTER TABLE public.logbook_outbox ALTER COLUMN outbox_seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.logbook_outbox_outbox_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.logbook_revisions (
    entry_id bigint NOT NULL,
    revision integer NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    tags text[] NOT NULL,
    edited_at timestamp with time zone NOT NULL,
    edited_by text NOT NULL
);

COMMENT ON TABLE public.logbook_revisions IS 'One row per change of an entry, the first writing included. Written by: logbook.';

COMMENT ON COLUMN public.logbook_revisions.entry_id IS 'The entry.';

COMMENT ON COLUMN public.logbook_revisions.revision IS 'From 1.';

COMMENT ON COLUMN public.logbook_revisions.title IS 'Title after the change; untrusted text.';

COMMENT ON COLUMN public.logbook_revisions.body IS 'Body after the change; untrusted text.';

COMMENT ON COLUMN public.logbook_revisions.tags IS 'Tags after the change.';

COMMENT ON COLUMN public.logbook_revisions.edited_at IS 'When it was changed.';

COMMENT ON COLUMN public.logbook_revisions.edited_by IS 'Who changed it.';

CREATE VIEW public.path_bases AS
 SELECT document_id AS path_id,
    (document ->> 'kind'::text) AS kind,
    (document ->> 'path'::text) AS path,
    registry_revision,
    updated_at
   FROM public.registry_documents rd
  WHERE ((kind = 'path'::text) AND (removed_at IS NULL));

COMMENT ON VIEW public.path_bases IS 'One row per folder below which something is looked for.';

COMMENT ON COLUMN public.path_bases.path_id IS 'Digest of kind and path.';

COMMENT ON COLUMN public.path_bases.kind IS 'What is found below it: logs, runs or mount.';

COMMENT ON COLUMN public.path_bases.path IS 'An absolute path.';

COMMENT ON COLUMN public.path_bases.registry_revision IS 'Revision of the document.';

COMMENT ON COLUMN public.path_bases.updated_at IS 'When this revision was recorded here.';

CREATE VIEW public.process_filters AS
 SELECT document_id AS filter_id,
    (document ->> 'mode'::text) AS mode,
    (document ->> 'pattern'::text) AS pattern,
    registry_revision,
    updated_at
   FROM public.registry_documents rd
  WHERE ((kind = 'filter'::text) AND (removed_at IS NULL));

COMMENT ON VIEW public.process_filters IS 'One row per rule of which local processes are shown.';

COMMENT ON COLUMN public.process_filters.filter_id IS 'Digest of mode and pattern.';

COMMENT ON COLUMN public.process_filters.mode IS 'include or exclude; exclude wins.';

COMMENT ON COLUMN public.process_filters.pattern IS 'Text that the command line holds.';

COMMENT ON COLUMN public.process_filters.registry_revision IS 'Revision of the document.';

COMMENT ON COLUMN public.process_filters.updated_at IS 'When this revision was recorded here.';

CREATE TABLE public.run_events (
    event_id text NOT NULL,
    sdk_uuid uuid NOT NULL,
    sdk_seq bigint NOT NULL,
    kind text NOT NULL,
    told_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    payload jsonb NOT NULL
);

COMMENT ON TABLE public.run_events IS 'One row per event that training code sent, metrics left out; stored once however often it is sent. Written by: projector.';

COMMENT ON COLUMN public.run_events.event_id IS 'The fact''s id, computed from its content.';

COMMENT ON COLUMN public.run_events.sdk_uuid IS 'The run as the SDK names it.';

COMMENT ON COLUMN public.run_events.sdk_seq IS 'The SDK''s own number; it may have gaps.';

COMMENT ON COLUMN public.run_events.kind IS 'run_started, job_submitted, artifact_logged, run_finished, …';

COMMENT ON COLUMN public.run_events.told_at IS 'The sender''s clock; it may be wrong.';

COMMENT ON COLUMN public.run_events.received_at IS 'When it reached us.';

COMMENT ON COLUMN public.run_events.payload IS 'As it was sent, within the limits of the door; untrusted text.';

CREATE TABLE public.run_jobs (
    run_id text NOT NULL,
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamp with time zone NOT NULL,
    stage text NOT NULL,
    joined_by text NOT NULL,
    revision bigint NOT NULL
);

COMMENT ON TABLE public.run_jobs IS 'Which run a job belongs to: at most one. Written by: projector.';

COMMENT ON COLUMN public.run_jobs.run_id IS 'The run.';

COMMENT ON COLUMN public.run_jobs.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.run_jobs.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';

COMMENT ON COLUMN public.run_jobs.submitted_at IS 'When Slurm first accepted the job.';

COMMENT ON COLUMN public.run_jobs.stage IS 'Its part in the run, as its name tells: judge, chunk3; empty for none.';

COMMENT ON COLUMN public.run_jobs.joined_by IS 'What tells that it belongs here: root, dependency, array, name, folder, sdk.';

COMMENT ON COLUMN public.run_jobs.revision IS 'Of two decisions the larger one is the newer.';

CREATE TABLE public.run_metric_values (
    metric_id bigint NOT NULL,
    told_at timestamp with time zone NOT NULL,
    sdk_seq bigint NOT NULL,
    step bigint,
    value double precision NOT NULL
);

COMMENT ON TABLE public.run_metric_values IS 'One row per value of a metric; the SDK''s number in the key makes a repetition one row. Written by: projector.';

COMMENT ON COLUMN public.run_metric_values.metric_id IS 'The metric; run_metrics.';

COMMENT ON COLUMN public.run_metric_values.told_at IS 'The sender''s clock.';

COMMENT ON COLUMN public.run_metric_values.sdk_seq IS 'The SDK''s own number of the event.';

COMMENT ON COLUMN public.run_metric_values.step IS 'As the sender counts; NULL where it does not.';

COMMENT ON COLUMN public.run_metric_values.value IS 'In the sender''s unit; may be NaN or infinite, as training goes.';

CREATE TABLE public.run_metrics (
    metric_id bigint NOT NULL,
    sdk_uuid uuid NOT NULL,
    name text NOT NULL,
    context jsonb NOT NULL,
    last_step bigint,
    last_value double precision NOT NULL,
    last_at timestamp with time zone NOT NULL,
    "least" double precision NOT NULL,
    "greatest" double precision NOT NULL
);

COMMENT ON TABLE public.run_metrics IS 'One row per metric of a run: its newest value and its range. Written by: projector.';

COMMENT ON COLUMN public.run_metrics.metric_id IS 'Short name for run_metric_values.';

COMMENT ON COLUMN public.run_metrics.sdk_uuid IS 'The run as the SDK names it.';

COMMENT ON COLUMN public.run_metrics.name IS 'As in loss or val/accuracy; its unit is the sender''s. Untrusted text.';

COMMENT ON COLUMN public.run_metrics.context IS 'What tells equal names apart, as an object: {"subset": "val"}.';

COMMENT ON COLUMN public.run_metrics.last_step IS 'Step of the newest value; NULL where the sender counts none.';

COMMENT ON COLUMN public.run_metrics.last_value IS 'The newest value by last_at.';

COMMENT ON COLUMN public.run_metrics.last_at IS 'The sender''s clock at the newest value.';

COMMENT ON COLUMN public.run_metrics."least" IS 'Smallest value so far; NaN is left out.';

COMMENT ON COLUMN public.run_metrics."greatest" IS 'Largest value so far; NaN is left out.';

ALTER TABLE public.run_metrics ALTER COLUMN metric_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.run_metrics_metric_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.runs (
    run_id text NOT NULL,
    cluster text NOT NULL,
    name text NOT NULL,
    project text NOT NULL,
    campaign text NOT NULL,
    user_name text NOT NULL,
    root_job_id text,
    root_submitted_at timestamp with time zone,
    sdk_uuid uuid,
    state text NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    params jsonb DEFAULT '{}'::jsonb NOT NULL,
    origin jsonb DEFAULT '{}'::jsonb NOT NULL,
    notes text DEFAULT ''::text NOT NULL,
    is_starred boolean DEFAULT false NOT NULL,
    noted_at timestamp with time zone,
    noted_by text DEFAULT ''::text NOT NULL,
    revision bigint NOT NULL,
    first_observed_at timestamp with time zone NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    CONSTRAINT runs_known_by CHECK (((root_job_id IS NOT NULL) OR (sdk_uuid IS NOT NULL))),
    CONSTRAINT runs_root CHECK (((root_job_id IS NULL) = (root_submitted_at IS NULL)))
);

COMMENT ON TABLE public.runs IS 'One row per run: jobs that belong together, or what the SDK announced, or both. Written by: projector.';

COMMENT ON COLUMN public.runs.run_id IS 'Computed from what founded the run, so that it stays the same when jobs join.';

COMMENT ON COLUMN public.runs.cluster IS 'The cluster''s name; empty for a run that the SDK tells of without one.';

COMMENT ON COLUMN public.runs.name IS 'What its jobs'' names have in common, or the SDK''s name; untrusted text.';

COMMENT ON COLUMN public.runs.project IS 'Project; empty where nothing tells one.';

COMMENT ON COLUMN public.runs.campaign IS 'Campaign within the project; empty where nothing tells one.';

COMMENT ON COLUMN public.runs.user_name IS 'Login name of the owner on the cluster.';

COMMENT ON COLUMN public.runs.root_job_id IS 'The job that founded it; NULL before its first job is known.';

COMMENT ON COLUMN public.runs.root_submitted_at IS 'Submit time of that job, since Slurm recycles ids.';

COMMENT ON COLUMN public.runs.sdk_uuid IS 'The SDK''s own id; NULL for a run that is known by its jobs alone.';

COMMENT ON COLUMN public.runs.state IS 'How it stands, from its jobs and from what the SDK says.';

COMMENT ON COLUMN public.runs.started_at IS 'Start of its first job, or when the SDK says; NULL before.';

COMMENT ON COLUMN public.runs.ended_at IS 'End of its last job, or when the SDK says; NULL before.';

COMMENT ON COLUMN public.runs.params IS 'Parameters that the SDK told, as an object; untrusted text.';

COMMENT ON COLUMN public.runs.origin IS 'Where it came from: command line, folder, commit, host, as an object; untrusted text.';

COMMENT ON COLUMN public.runs.notes IS 'What people wrote about it, in Markdown; untrusted text.';

COMMENT ON COLUMN public.runs.is_starred IS 'Whether somebody marked it as worth finding again.';

COMMENT ON COLUMN public.runs.noted_at IS 'When notes or star were last changed; only a later change is applied. NULL: never.';

COMMENT ON COLUMN public.runs.noted_by IS 'Who changed them; empty: nobody.';

COMMENT ON COLUMN public.runs.revision IS 'Revision of the fact that this row shows; only a larger one is applied.';

COMMENT ON COLUMN public.runs.first_observed_at IS 'When it was first known.';

COMMENT ON COLUMN public.runs.observed_at IS 'When the newest fact of it was observed.';

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

CREATE VIEW public.settings AS
 SELECT document_id AS key,
    (document -> 'value'::text) AS value,
    registry_revision,
    updated_at
   FROM public.registry_documents rd
  WHERE ((kind = 'setting'::text) AND (removed_at IS NULL));

COMMENT ON VIEW public.settings IS 'One row per setting that was set; others have their defaults, docs/configuration.md.';

COMMENT ON COLUMN public.settings.key IS 'A field of contracts.documents.GroupSettings.';

COMMENT ON COLUMN public.settings.value IS 'As JSON; its unit is in the description of the field.';

COMMENT ON COLUMN public.settings.registry_revision IS 'Revision of the document.';

COMMENT ON COLUMN public.settings.updated_at IS 'When this revision was recorded here.';

CREATE TABLE public.stream_losses (
    loss_seq bigint NOT NULL,
    stream text NOT NULL,
    kind text NOT NULL,
    first_sequence bigint NOT NULL,
    last_sequence bigint NOT NULL,
    messages bigint NOT NULL,
    lost_bytes bigint NOT NULL,
    noticed_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.stream_losses IS 'One row per loss of messages that a stream had acknowledged. Written by: projector.';

COMMENT ON COLUMN public.stream_losses.loss_seq IS 'Number of the row.';

COMMENT ON COLUMN public.stream_losses.stream IS 'The stream''s name; contracts.streams.';

COMMENT ON COLUMN public.stream_losses.kind IS 'missing: cannot be read; cut: places were given away again; told: the server itself counts lost bytes.';

COMMENT ON COLUMN public.stream_losses.first_sequence IS 'First place that is concerned; 0 where the server tells none.';

COMMENT ON COLUMN public.stream_losses.last_sequence IS 'Last place that is concerned; 0 where the server tells none.';

COMMENT ON COLUMN public.stream_losses.messages IS 'Messages that are lost; 0 where it is not known.';

COMMENT ON COLUMN public.stream_losses.lost_bytes IS 'Bytes that are lost, by the server''s count; 0 where it is not known.';

COMMENT ON COLUMN public.stream_losses.noticed_at IS 'When the projector found it.';

ALTER TABLE public.stream_losses ALTER COLUMN loss_seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.stream_losses_loss_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.stream_positions (
    stream text NOT NULL,
    last_sequence bigint NOT NULL,
    last_published_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.stream_positions IS 'One row per stream: how far it was read. Written by: projector.';

COMMENT ON COLUMN public.stream_positions.stream IS 'The stream''s name; contracts.streams.';

COMMENT ON COLUMN public.stream_positions.last_sequence IS 'Place of the newest message that was read; seconds old at most.';

COMMENT ON COLUMN public.stream_positions.last_published_at IS 'When the bus took it; a younger message at an older place tells that the stream was cut.';

ALTER TABLE ONLY public.audit_records
    ADD CONSTRAINT audit_records_once UNIQUE (record_id);

ALTER TABLE ONLY public.audit_records
    ADD CONSTRAINT audit_records_pkey PRIMARY KEY (audit_seq);

ALTER TABLE ONLY public.cluster_status
    ADD CONSTRAINT cluster_status_pkey PRIMARY KEY (cluster);

ALTER TABLE ONLY public.clusters
    ADD CONSTRAINT clusters_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.crashes
    ADD CONSTRAINT crashes_pkey PRIMARY KEY (event_id);

ALTER TABLE ONLY public.job_events
    ADD CONSTRAINT job_events_pkey PRIMARY KEY (event_id);

ALTER TABLE ONLY public.job_events
    ADD CONSTRAINT job_events_seq UNIQUE (event_seq);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (cluster, job_id, submitted_at);

ALTER TABLE ONLY public.kernel_executions
    ADD CONSTRAINT kernel_executions_pkey PRIMARY KEY (execution_id);

ALTER TABLE ONLY public.kernel_outbox
    ADD CONSTRAINT kernel_outbox_message UNIQUE (message_id);

ALTER TABLE ONLY public.kernel_outbox
    ADD CONSTRAINT kernel_outbox_pkey PRIMARY KEY (outbox_seq);

ALTER TABLE ONLY public.kernel_servers
    ADD CONSTRAINT kernel_servers_pkey PRIMARY KEY (server_id);

ALTER TABLE ONLY public.kernel_servers
    ADD CONSTRAINT kernel_servers_token UNIQUE (submit_token);

ALTER TABLE ONLY public.kernel_sessions
    ADD CONSTRAINT kernel_sessions_pkey PRIMARY KEY (session_id);

ALTER TABLE ONLY public.logbook_entries
    ADD CONSTRAINT logbook_entries_pkey PRIMARY KEY (entry_id);

ALTER TABLE ONLY public.logbook_image_names
    ADD CONSTRAINT logbook_image_names_pkey PRIMARY KEY (project, file_name);

ALTER TABLE ONLY public.logbook_images
    ADD CONSTRAINT logbook_images_pkey PRIMARY KEY (sha256);

ALTER TABLE ONLY public.logbook_links
    ADD CONSTRAINT logbook_links_pkey PRIMARY KEY (source_id, target_kind, target);

ALTER TABLE ONLY public.logbook_outbox
    ADD CONSTRAINT logbook_outbox_message UNIQUE (message_id);

ALTER TABLE ONLY public.logbook_outbox
    ADD CONSTRAINT logbook_outbox_pkey PRIMARY KEY (outbox_seq);

ALTER TABLE ONLY public.logbook_revisions
    ADD CONSTRAINT logbook_revisions_pkey PRIMARY KEY (entry_id, revision);

ALTER TABLE ONLY public.partition_counts
    ADD CONSTRAINT partition_counts_pkey PRIMARY KEY (cluster, partition, state);

ALTER TABLE ONLY public.polls
    ADD CONSTRAINT polls_pkey PRIMARY KEY (cluster, started_at);

ALTER TABLE ONLY public.registry_documents
    ADD CONSTRAINT registry_documents_pkey PRIMARY KEY (kind, document_id);

ALTER TABLE ONLY public.run_events
    ADD CONSTRAINT run_events_pkey PRIMARY KEY (event_id);

ALTER TABLE ONLY public.run_events
    ADD CONSTRAINT run_events_seq UNIQUE (sdk_uuid, sdk_seq);

ALTER TABLE ONLY public.run_jobs
    ADD CONSTRAINT run_jobs_pkey PRIMARY KEY (cluster, job_id, submitted_at);

ALTER TABLE ONLY public.run_metric_values
    ADD CONSTRAINT run_metric_values_pkey PRIMARY KEY (metric_id, told_at, sdk_seq);

ALTER TABLE ONLY public.run_metrics
    ADD CONSTRAINT run_metrics_id UNIQUE (metric_id);

ALTER TABLE ONLY public.run_metrics
    ADD CONSTRAINT run_metrics_pkey PRIMARY KEY (sdk_uuid, name, context);

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (run_id);

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_sdk_uuid UNIQUE (sdk_uuid);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.stream_losses
    ADD CONSTRAINT stream_losses_pkey PRIMARY KEY (loss_seq);

ALTER TABLE ONLY public.stream_losses
    ADD CONSTRAINT stream_losses_stream_kind_first_sequence_last_sequence_lost_key UNIQUE (stream, kind, first_sequence, last_sequence, lost_bytes);

ALTER TABLE ONLY public.stream_positions
    ADD CONSTRAINT stream_positions_pkey PRIMARY KEY (stream);

CREATE INDEX audit_records_actor ON public.audit_records USING btree (actor, acted_at DESC);

COMMENT ON INDEX public.audit_records_actor IS 'What one actor did.';

CREATE INDEX audit_records_newest ON public.audit_records USING btree (acted_at DESC, audit_seq);

COMMENT ON INDEX public.audit_records_newest IS 'Search by time.';

CREATE INDEX audit_records_target ON public.audit_records USING btree (cluster, target);

COMMENT ON INDEX public.audit_records_target IS 'What was done to one thing.';

CREATE INDEX crashes_job ON public.crashes USING btree (cluster, job_id, submitted_at, revision DESC);

COMMENT ON INDEX public.crashes_job IS 'Findings about one job, newest first.';

CREATE INDEX crashes_newest ON public.crashes USING btree (observed_at DESC, event_id);

COMMENT ON INDEX public.crashes_newest IS 'Keyset of the list of crashes.';

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

CREATE INDEX kernel_executions_session ON public.kernel_executions USING btree (session_id, queued_at);

COMMENT ON INDEX public.kernel_executions_session IS 'Executions of one session in order.';

CREATE INDEX kernel_servers_live ON public.kernel_servers USING btree (owner, created_at) WHERE (ended_at IS NULL);

COMMENT ON INDEX public.kernel_servers_live IS 'Servers of one owner that are not over.';

CREATE INDEX kernel_sessions_owner ON public.kernel_sessions USING btree (owner, last_used_at DESC);

COMMENT ON INDEX public.kernel_sessions_owner IS 'Sessions of one owner, the last used first.';

CREATE INDEX kernel_sessions_server ON public.kernel_sessions USING btree (server_id, created_at);

COMMENT ON INDEX public.kernel_sessions_server IS 'Sessions of one server.';

CREATE INDEX logbook_entries_project ON public.logbook_entries USING btree (project, edited_at DESC, entry_id);

COMMENT ON INDEX public.logbook_entries_project IS 'Keyset of one project''s list.';

CREATE INDEX logbook_entries_text ON public.logbook_entries USING gin (title public.gin_trgm_ops, body public.gin_trgm_ops);

COMMENT ON INDEX public.logbook_entries_text IS 'Search by parts of words.';

CREATE INDEX logbook_entries_words ON public.logbook_entries USING gin (words);

COMMENT ON INDEX public.logbook_entries_words IS 'Search by words.';

CREATE INDEX logbook_links_target ON public.logbook_links USING btree (target_kind, target);

COMMENT ON INDEX public.logbook_links_target IS 'Who refers to a thing.';

CREATE INDEX polls_failed ON public.polls USING btree (cluster, started_at) WHERE failed;

COMMENT ON INDEX public.polls_failed IS 'Finds since when a cluster fails without reading the good polls.';

CREATE INDEX run_jobs_run ON public.run_jobs USING btree (run_id, submitted_at);

COMMENT ON INDEX public.run_jobs_run IS 'Jobs of one run.';

CREATE INDEX run_metric_values_told ON public.run_metric_values USING brin (told_at);

COMMENT ON INDEX public.run_metric_values_told IS 'Old values, for retention.';

CREATE INDEX runs_newest ON public.runs USING btree (first_observed_at DESC, run_id);

COMMENT ON INDEX public.runs_newest IS 'Keyset of every list.';

CREATE INDEX runs_project ON public.runs USING btree (project, first_observed_at DESC);

COMMENT ON INDEX public.runs_project IS 'Runs of one project.';

CREATE INDEX runs_root ON public.runs USING btree (cluster, root_job_id);

COMMENT ON INDEX public.runs_root IS 'The run that a job founded.';

CREATE INDEX runs_text ON public.runs USING gin (name public.gin_trgm_ops);

COMMENT ON INDEX public.runs_text IS 'Text search over names.';

CREATE TRIGGER audit_records_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_records FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE ONLY public.kernel_executions
    ADD CONSTRAINT kernel_executions_session_id_fkey FOREIGN KEY (session_id) REFERENCES public.kernel_sessions(session_id);

ALTER TABLE ONLY public.kernel_sessions
    ADD CONSTRAINT kernel_sessions_server_id_fkey FOREIGN KEY (server_id) REFERENCES public.kernel_servers(server_id);

ALTER TABLE ONLY public.logbook_image_names
    ADD CONSTRAINT logbook_image_names_sha256_fkey FOREIGN KEY (sha256) REFERENCES public.logbook_images(sha256);

ALTER TABLE ONLY public.logbook_links
    ADD CONSTRAINT logbook_links_source_id_fkey FOREIGN KEY (source_id) REFERENCES public.logbook_entries(entry_id) ON DELETE CASCADE;

ALTER TABLE ONLY public.logbook_revisions
    ADD CONSTRAINT logbook_revisions_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES public.logbook_entries(entry_id);

GRANT USAGE ON SCHEMA grafana TO slurmfleet_grafana;

GRANT USAGE ON SCHEMA public TO slurmfleet_writer;
GRANT USAGE ON SCHEMA public TO slurmfleet_reader;
GRANT USAGE ON SCHEMA public TO slurmfleet_kernels;
GRANT USAGE ON SCHEMA public TO slurmfleet_logbook;

REVOKE ALL ON FUNCTION public.forget_polls(before timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.forget_polls(before timestamp with time zone) TO slurmfleet_writer;

GRANT SELECT ON TABLE public.cluster_status TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.cluster_status TO slurmfleet_writer;

GRANT SELECT ON TABLE public.clusters TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.clusters TO slurmfleet_writer;
GRANT SELECT ON TABLE public.clusters TO slurmfleet_kernels;
GRANT SELECT ON TABLE public.clusters TO slurmfleet_logbook;

GRANT SELECT ON TABLE grafana.cluster_status TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.job_events TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.job_events TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.job_events TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.jobs TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.jobs TO slurmfleet_writer;
GRANT SELECT ON TABLE public.jobs TO slurmfleet_kernels;
GRANT SELECT ON TABLE public.jobs TO slurmfleet_logbook;

GRANT SELECT ON TABLE grafana.jobs TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.partition_counts TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.partition_counts TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.partition_counts TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.polls TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.polls TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.polls TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.registry_documents TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.registry_documents TO slurmfleet_writer;

GRANT SELECT ON TABLE public.projects TO slurmfleet_reader;
GRANT SELECT ON TABLE public.projects TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.projects TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.team_members TO slurmfleet_reader;
GRANT SELECT ON TABLE public.team_members TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.team_members TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.accounts TO slurmfleet_reader;
GRANT SELECT ON TABLE public.accounts TO slurmfleet_writer;

GRANT SELECT ON TABLE public.audit_records TO slurmfleet_reader;
GRANT SELECT,INSERT ON TABLE public.audit_records TO slurmfleet_writer;

GRANT SELECT ON TABLE public.crashes TO slurmfleet_reader;
GRANT SELECT ON TABLE public.crashes TO slurmfleet_logbook;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.crashes TO slurmfleet_writer;

GRANT SELECT ON TABLE public.kernel_executions TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.kernel_executions TO slurmfleet_kernels;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.kernel_outbox TO slurmfleet_kernels;

GRANT SELECT ON TABLE public.kernel_servers TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.kernel_servers TO slurmfleet_kernels;

GRANT SELECT ON TABLE public.kernel_sessions TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.kernel_sessions TO slurmfleet_kernels;

GRANT SELECT ON TABLE public.logbook_entries TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.logbook_entries TO slurmfleet_logbook;

GRANT SELECT ON TABLE public.logbook_image_names TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.logbook_image_names TO slurmfleet_logbook;

GRANT SELECT ON TABLE public.logbook_images TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.logbook_images TO slurmfleet_logbook;

GRANT SELECT ON TABLE public.logbook_links TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.logbook_links TO slurmfleet_logbook;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.logbook_outbox TO slurmfleet_logbook;

GRANT SELECT ON TABLE public.logbook_revisions TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.logbook_revisions TO slurmfleet_logbook;

GRANT SELECT ON TABLE public.path_bases TO slurmfleet_reader;
GRANT SELECT ON TABLE public.path_bases TO slurmfleet_writer;

GRANT SELECT ON TABLE public.process_filters TO slurmfleet_reader;
GRANT SELECT ON TABLE public.process_filters TO slurmfleet_writer;

GRANT SELECT ON TABLE public.run_events TO slurmfleet_reader;
GRANT SELECT ON TABLE public.run_events TO slurmfleet_logbook;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.run_events TO slurmfleet_writer;

GRANT SELECT ON TABLE public.run_jobs TO slurmfleet_reader;
GRANT SELECT ON TABLE public.run_jobs TO slurmfleet_logbook;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.run_jobs TO slurmfleet_writer;

GRANT SELECT ON TABLE public.run_metric_values TO slurmfleet_reader;
GRANT SELECT ON TABLE public.run_metric_values TO slurmfleet_logbook;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.run_metric_values TO slurmfleet_writer;

GRANT SELECT ON TABLE public.run_metrics TO slurmfleet_reader;
GRANT SELECT ON TABLE public.run_metrics TO slurmfleet_logbook;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.run_metrics TO slurmfleet_writer;

GRANT SELECT ON TABLE public.runs TO slurmfleet_reader;
GRANT SELECT ON TABLE public.runs TO slurmfleet_logbook;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.runs TO slurmfleet_writer;

GRANT SELECT ON TABLE public.schema_migrations TO slurmfleet_writer;
GRANT SELECT ON TABLE public.schema_migrations TO slurmfleet_reader;
GRANT SELECT ON TABLE public.schema_migrations TO slurmfleet_kernels;
GRANT SELECT ON TABLE public.schema_migrations TO slurmfleet_logbook;

GRANT SELECT ON TABLE public.settings TO slurmfleet_reader;
GRANT SELECT ON TABLE public.settings TO slurmfleet_writer;

GRANT SELECT ON TABLE public.stream_losses TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.stream_losses TO slurmfleet_writer;

GRANT SELECT ON TABLE public.stream_positions TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.stream_positions TO slurmfleet_writer;
