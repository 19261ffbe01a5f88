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

CREATE FUNCTION public.forget_rows(what text, before timestamp with time zone, at_most integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
DECLARE
    condition text;
    forgotten bigint;
BEGIN

    IF what = 'gpu_use_5min' THEN
        RETURN 0;
    END IF;

    condition := CASE
        WHEN what IN (
            'gpu_samples', 'load_samples', 'partition_samples', 'share_samples', 'surveys',
            'sampling_gaps', 'qos_samples', 'usage_samples', 'occupancy_samples', 'quota_samples',
            'newest_samples', 'job_events'
        ) THEN 'ro.observed_at < $1'
        WHEN what = 'gpu_series' THEN
            'ro.last_day < ($1 AT TIME ZONE ''UTC'')::date AND NOT EXISTS ('
            'SELECT FROM public.gpu_samples AS sa WHERE sa.series_id = ro.series_id)'
        WHEN what = 'load_series' THEN
            'ro.last_day < ($1 AT TIME ZONE ''UTC'')::date AND NOT EXISTS ('
            'SELECT FROM public.load_samples AS sa WHERE sa.series_id = ro.series_id)'
        WHEN what = 'jobs' THEN
            'NOT ro.is_live AND ro.observed_at < $1 AND coalesce(ro.ended_at, ro.observed_at) < $1'
        WHEN what = 'ended_runs' THEN
            'ro.ended_at < $1 AND NOT EXISTS ('
            'SELECT FROM public.jobs AS jo WHERE jo.cluster = ro.cluster AND jo.job_id = ro.job_id'
            ' AND jo.submitted_at = ro.submitted_at)'
        WHEN what = 'usage_daily' THEN 'ro.day < ($1 AT TIME ZONE ''UTC'')::date'
        WHEN what = 'job_use' THEN
            'coalesce(ro.last_observed_at, ro.submitted_at) < $1 AND NOT EXISTS ('
            'SELECT FROM public.jobs AS jo WHERE jo.cluster = ro.cluster AND jo.job_id = ro.job_id'
            ' AND jo.submitted_at = ro.submitted_at)'
        WHEN what = 'job_use_hours' THEN
            'ro.hour_at < $1 AND NOT EXISTS ('
            'SELECT FROM public.job_use AS us WHERE us.cluster = ro.cluster AND us.job_id = ro.job_id'
            ' AND us.submitted_at = ro.submitted_at)'
    END;
    IF condition IS NULL THEN
        RAISE EXCEPTION 'rows of % are not to be forgotten', what USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format(
        'DELETE FROM public.%1$I WHERE ctid = ANY(ARRAY('
        'SELECT ro.ctid FROM public.%1$I AS ro WHERE %2$s LIMIT $2))',
        what, condition
    ) USING before, at_most;
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
END
$_$;

COMMENT ON FUNCTION public.forget_rows(what text, before timestamp with time zone, at_most integer) IS 'Forgets what is older than a moment: at most so many rows of an ordinary table, whole chunks of a hypertable; how many.';

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

CREATE TABLE public.gpu_samples (
    series_id bigint NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    utilization_pct real,
    power_w real,
    temperature_c real,
    span_s real,
    memory_used_mib integer,
    gpu_count integer NOT NULL,
    CONSTRAINT gpu_samples_sane CHECK (((utilization_pct >= (0)::double precision) AND (utilization_pct <= (100)::double precision) AND (power_w >= (0)::double precision) AND (power_w < 'Infinity'::real) AND (temperature_c > '-Infinity'::real) AND (temperature_c < 'Infinity'::real) AND (span_s >= (0)::double precision) AND (span_s < 'Infinity'::real) AND (memory_used_mib >= 0) AND (gpu_count > 0)))
);

COMMENT ON TABLE public.gpu_samples IS 'One row per series and moment, stored once however often it is told. Written by: projector.';

COMMENT ON COLUMN public.gpu_samples.series_id IS 'Which GPU of which job; gpu_series.';

COMMENT ON COLUMN public.gpu_samples.observed_at IS 'When the source showed it.';

COMMENT ON COLUMN public.gpu_samples.utilization_pct IS 'Percent of the time in which any kernel was resident; NULL: not told.';

COMMENT ON COLUMN public.gpu_samples.power_w IS 'Power in watts; NULL: not told.';

COMMENT ON COLUMN public.gpu_samples.temperature_c IS 'Temperature in degrees Celsius; NULL: not told.';

COMMENT ON COLUMN public.gpu_samples.span_s IS 'Seconds over which the values are a mean; NULL: a moment''s.';

COMMENT ON COLUMN public.gpu_samples.memory_used_mib IS 'GPU memory in use, in MiB; NULL: not told.';

COMMENT ON COLUMN public.gpu_samples.gpu_count IS 'How many GPUs the values are a mean of.';

COMMENT ON CONSTRAINT gpu_samples_sane ON public.gpu_samples IS 'Refuses NaN and the like, which would spoil every mean; such a fact goes to the dead letters.';

CREATE TABLE public.gpu_series (
    series_id bigint NOT NULL,
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamp with time zone NOT NULL,
    source text NOT NULL,
    node text NOT NULL,
    gpu_uuid text NOT NULL,
    gpu_index integer,
    mig_profile text NOT NULL,
    model text NOT NULL,
    memory_total_mib integer,
    last_day date NOT NULL
);

COMMENT ON TABLE public.gpu_series IS 'One row per GPU of a job as one source tells it, or per job where a source tells a mean. Written by: projector.';

COMMENT ON COLUMN public.gpu_series.series_id IS 'Short name for gpu_samples.';

COMMENT ON COLUMN public.gpu_series.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.gpu_series.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';

COMMENT ON COLUMN public.gpu_series.submitted_at IS 'When Slurm first accepted the job.';

COMMENT ON COLUMN public.gpu_series.source IS 'Where it is read: prometheus/dcgm, sstat, sidecar, step.';

COMMENT ON COLUMN public.gpu_series.node IS 'Node; empty: all nodes of the job together.';

COMMENT ON COLUMN public.gpu_series.gpu_uuid IS 'As the driver names the GPU or MIG slice; empty where the source has none.';

COMMENT ON COLUMN public.gpu_series.gpu_index IS 'The GPU''s number on its node; NULL where the source tells none.';

COMMENT ON COLUMN public.gpu_series.mig_profile IS 'As 1g.10gb; empty for a whole GPU, or not told.';

COMMENT ON COLUMN public.gpu_series.model IS 'As the driver names it; empty: not told.';

COMMENT ON COLUMN public.gpu_series.memory_total_mib IS 'The GPU''s memory in MiB; NULL: not told.';

COMMENT ON COLUMN public.gpu_series.last_day IS 'UTC day of its newest sample, for retention.';

CREATE VIEW public.gpu_use_5min AS
 SELECT series_id,
    date_bin('00:05:00'::interval, observed_at, '2000-01-03 00:00:00+00'::timestamp with time zone) AS bucket_at,
    avg(utilization_pct) AS utilization_pct_mean,
    max(utilization_pct) AS utilization_pct_max,
    (avg(memory_used_mib))::double precision AS memory_used_mib_mean,
    max(memory_used_mib) AS memory_used_mib_max,
    avg(power_w) AS power_w_mean,
    max(gpu_count) AS gpu_count,
    count(*) AS samples
   FROM public.gpu_samples sa
  GROUP BY series_id, (date_bin('00:05:00'::interval, observed_at, '2000-01-03 00:00:00+00'::timestamp with time zone));

COMMENT ON VIEW public.gpu_use_5min IS 'One row per series of gpu_series and five minutes: means and maxima of its samples.';

CREATE VIEW grafana.gpu_use_5min AS
 SELECT se.cluster,
    se.job_id,
    se.submitted_at,
    se.source,
    se.node,
    se.gpu_uuid,
    se.gpu_index,
    se.mig_profile,
    se.model,
    us.bucket_at,
    us.utilization_pct_mean,
    us.utilization_pct_max,
    us.memory_used_mib_mean,
    us.memory_used_mib_max,
    se.memory_total_mib,
    us.power_w_mean,
    us.gpu_count,
    us.samples
   FROM (public.gpu_use_5min us
     JOIN public.gpu_series se USING (series_id));

COMMENT ON VIEW grafana.gpu_use_5min IS 'One row per GPU of a job and five minutes.';

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

CREATE TABLE public.job_use (
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamp with time zone NOT NULL,
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
    first_observed_at timestamp with time zone,
    last_observed_at timestamp with time zone
);

COMMENT ON TABLE public.job_use IS 'One row per sampled job: what its job_use_hours come to. Written by: projector.';

COMMENT ON COLUMN public.job_use.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.job_use.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';

COMMENT ON COLUMN public.job_use.submitted_at IS 'When Slurm first accepted the job.';

COMMENT ON COLUMN public.job_use.samples IS 'GPU samples, load samples and gaps.';

COMMENT ON COLUMN public.job_use.sampled_gpu_s IS 'GPU seconds for which a utilization is known; what was not sampled is not in it.';

COMMENT ON COLUMN public.job_use.utilization_gpu_s IS 'Sum of utilization (0 to 1) times GPU seconds; divided by sampled_gpu_s it is the mean utilization.';

COMMENT ON COLUMN public.job_use.utilization_pct_max IS 'Highest utilization of any GPU, in percent; NULL: not told.';

COMMENT ON COLUMN public.job_use.memory_used_mib_mean IS 'Mean memory in use per GPU, in MiB; NULL: not told.';

COMMENT ON COLUMN public.job_use.memory_used_mib_max IS 'Most memory in use on any GPU, in MiB; NULL: not told.';

COMMENT ON COLUMN public.job_use.power_w_mean IS 'Mean power per GPU, in watts; NULL: not told.';

COMMENT ON COLUMN public.job_use.energy_j IS 'Energy of the GPUs while sampled, in joules; NULL: not told.';

COMMENT ON COLUMN public.job_use.gpus_seen IS 'GPUs that one source told at most within an hour.';

COMMENT ON COLUMN public.job_use.cpu_sampled_s IS 'CPU seconds for which a utilization is known.';

COMMENT ON COLUMN public.job_use.cpu_utilization_pct_mean IS 'Mean utilization of the allocated CPUs, in percent; NULL: not told.';

COMMENT ON COLUMN public.job_use.memory_peak_mib IS 'Most host memory on any node, in MiB; NULL: not told.';

COMMENT ON COLUMN public.job_use.gaps IS 'Times in which it could not be sampled.';

COMMENT ON COLUMN public.job_use.gap_s IS 'How long those were together, in seconds; gaps of several nodes are added up.';

COMMENT ON COLUMN public.job_use.first_observed_at IS 'First sample; NULL: only gaps.';

COMMENT ON COLUMN public.job_use.last_observed_at IS 'Last sample; NULL: only gaps.';

CREATE VIEW grafana.job_use AS
 SELECT cluster,
    job_id,
    submitted_at,
    samples,
    sampled_gpu_s,
    utilization_gpu_s,
    utilization_pct_max,
    memory_used_mib_mean,
    memory_used_mib_max,
    power_w_mean,
    energy_j,
    gpus_seen,
    cpu_sampled_s,
    cpu_utilization_pct_mean,
    memory_peak_mib,
    gaps,
    gap_s,
    first_observed_at,
    last_observed_at
   FROM public.job_use ju;

COMMENT ON VIEW grafana.job_use IS 'One row per sampled job: how well it used what it held.';

CREATE TABLE public.job_use_hours (
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamp with time zone NOT NULL,
    hour_at timestamp with time zone NOT NULL,
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
    first_observed_at timestamp with time zone,
    last_observed_at timestamp with time zone
);

COMMENT ON TABLE public.job_use_hours IS 'What the samples of one hour of one job come to; outlives them. Written by: projector.';

COMMENT ON COLUMN public.job_use_hours.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.job_use_hours.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';

COMMENT ON COLUMN public.job_use_hours.submitted_at IS 'When Slurm first accepted the job.';

COMMENT ON COLUMN public.job_use_hours.hour_at IS 'Begin of the hour, UTC.';

COMMENT ON COLUMN public.job_use_hours.samples IS 'GPU samples, load samples and gaps; an hour is never replaced by one of fewer.';

COMMENT ON COLUMN public.job_use_hours.sampled_gpu_s IS 'GPU seconds for which a utilization is known: each sample stands for its span, or the time since the one before.';

COMMENT ON COLUMN public.job_use_hours.utilization_gpu_s IS 'Sum of utilization (0 to 1) times the GPU seconds it stands for.';

COMMENT ON COLUMN public.job_use_hours.utilization_pct_max IS 'Highest utilization of any GPU, in percent; NULL: not told.';

COMMENT ON COLUMN public.job_use_hours.memory_gpu_s IS 'GPU seconds for which GPU memory is known.';

COMMENT ON COLUMN public.job_use_hours.memory_mib_gpu_s IS 'Sum of GPU memory in use, in MiB, times GPU seconds.';

COMMENT ON COLUMN public.job_use_hours.memory_used_mib_max IS 'Most memory in use on any GPU, in MiB; NULL: not told.';

COMMENT ON COLUMN public.job_use_hours.power_gpu_s IS 'GPU seconds for which power is known.';

COMMENT ON COLUMN public.job_use_hours.energy_j IS 'Sum of power in watts times GPU seconds: joules.';

COMMENT ON COLUMN public.job_use_hours.gpus_seen IS 'GPUs that one source told at most in the hour.';

COMMENT ON COLUMN public.job_use_hours.cpu_sampled_s IS 'CPU seconds for which a utilization is known.';

COMMENT ON COLUMN public.job_use_hours.cpu_used_s IS 'Sum of CPU utilization (0 to 1) times the CPU seconds it stands for.';

COMMENT ON COLUMN public.job_use_hours.memory_peak_mib IS 'Most host memory on any node so far, in MiB; NULL: not told.';

COMMENT ON COLUMN public.job_use_hours.gaps IS 'Gaps that were noticed in this hour; sampling_gaps.';

COMMENT ON COLUMN public.job_use_hours.gap_s IS 'How long those gaps were together, in seconds.';

COMMENT ON COLUMN public.job_use_hours.first_observed_at IS 'First sample of the hour; NULL: only gaps.';

COMMENT ON COLUMN public.job_use_hours.last_observed_at IS 'Last sample of the hour; NULL: only gaps.';

CREATE VIEW grafana.job_use_hours AS
 SELECT cluster,
    job_id,
    submitted_at,
    hour_at,
    sampled_gpu_s,
    utilization_gpu_s,
    energy_j,
    gpus_seen,
    cpu_sampled_s,
    cpu_used_s,
    gaps,
    gap_s
   FROM public.job_use_hours uh;

COMMENT ON VIEW grafana.job_use_hours IS 'One row per sampled job and hour.';

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
    sluid text DEFAULT ''::text NOT NULL,
    project text DEFAULT ''::text NOT NULL,
    put_away_run integer
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

COMMENT ON COLUMN public.jobs.project IS 'By its name and the rules of the moment, analysis.projects; empty for none.';

COMMENT ON COLUMN public.jobs.put_away_run IS 'Restart count of the run that somebody put away from the board; NULL: nobody did. No fact tells it.';

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
    (((array_job_id IS NOT NULL) AND (array_task_id IS NULL)) OR ((het_job_id IS NOT NULL) AND (het_offset IS NULL))) AS is_group,
    project
   FROM public.jobs jo
  WHERE ((NOT is_live) OR (NOT (cluster IN ( SELECT gone.name
           FROM public.clusters gone
          WHERE (gone.removed_at IS NOT NULL)))));

COMMENT ON VIEW grafana.jobs IS 'One row per job, without what its owner wrote on command lines.';

CREATE TABLE public.load_samples (
    series_id bigint NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    cpu_time_s double precision,
    disk_read_mib double precision,
    disk_written_mib double precision,
    cpu_utilization_pct real,
    span_s real,
    cpu_count integer,
    memory_used_mib integer,
    memory_peak_mib integer,
    memory_limit_mib integer,
    CONSTRAINT load_samples_sane CHECK (((cpu_time_s >= (0)::double precision) AND (cpu_time_s < 'Infinity'::double precision) AND (disk_read_mib >= (0)::double precision) AND (disk_read_mib < 'Infinity'::double precision) AND (disk_written_mib >= (0)::double precision) AND (disk_written_mib < 'Infinity'::double precision) AND (cpu_utilization_pct >= (0)::double precision) AND (cpu_utilization_pct < 'Infinity'::real) AND (span_s >= (0)::double precision) AND (span_s < 'Infinity'::real) AND (cpu_count >= 0) AND (memory_used_mib >= 0) AND (memory_peak_mib >= 0) AND (memory_limit_mib >= 0)))
);

COMMENT ON TABLE public.load_samples IS 'One row per series and moment, stored once however often it is told. Written by: projector.';

COMMENT ON COLUMN public.load_samples.series_id IS 'Which node of which job; load_series.';

COMMENT ON COLUMN public.load_samples.observed_at IS 'When the source showed it.';

COMMENT ON COLUMN public.load_samples.cpu_time_s IS 'CPU seconds used since the job began; NULL: not told.';

COMMENT ON COLUMN public.load_samples.disk_read_mib IS 'Read since the job began, in MiB; NULL: not told.';

COMMENT ON COLUMN public.load_samples.disk_written_mib IS 'Written since the job began, in MiB; NULL: not told.';

COMMENT ON COLUMN public.load_samples.cpu_utilization_pct IS 'Percent of all allocated CPUs; above 100 where a job may use others. NULL: not told.';

COMMENT ON COLUMN public.load_samples.span_s IS 'Seconds over which the utilization is a mean; NULL: a moment''s.';

COMMENT ON COLUMN public.load_samples.cpu_count IS 'CPUs allocated there; NULL: not told.';

COMMENT ON COLUMN public.load_samples.memory_used_mib IS 'Memory in use, in MiB; NULL: not told.';

COMMENT ON COLUMN public.load_samples.memory_peak_mib IS 'Most memory used so far, in MiB; NULL: not told.';

COMMENT ON COLUMN public.load_samples.memory_limit_mib IS 'Memory that the job may use there, in MiB; NULL: not told.';

COMMENT ON CONSTRAINT load_samples_sane ON public.load_samples IS 'Refuses NaN and the like, which would spoil every mean; such a fact goes to the dead letters.';

CREATE TABLE public.load_series (
    series_id bigint NOT NULL,
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamp with time zone NOT NULL,
    source text NOT NULL,
    node text NOT NULL,
    last_day date NOT NULL
);

COMMENT ON TABLE public.load_series IS 'One row per job and node, or per job, as one source tells CPU and memory. Written by: projector.';

COMMENT ON COLUMN public.load_series.series_id IS 'Short name for load_samples.';

COMMENT ON COLUMN public.load_series.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.load_series.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';

COMMENT ON COLUMN public.load_series.submitted_at IS 'When Slurm first accepted the job.';

COMMENT ON COLUMN public.load_series.source IS 'Where it is read: prometheus/jobstats, sstat, sidecar, step.';

COMMENT ON COLUMN public.load_series.node IS 'Node; empty: all nodes of the job together.';

COMMENT ON COLUMN public.load_series.last_day IS 'UTC day of its newest sample, for retention.';

CREATE VIEW grafana.load_samples AS
 SELECT se.cluster,
    se.job_id,
    se.submitted_at,
    se.source,
    se.node,
    sa.observed_at,
    sa.cpu_utilization_pct,
    sa.cpu_count,
    sa.cpu_time_s,
    sa.memory_used_mib,
    sa.memory_peak_mib,
    sa.memory_limit_mib,
    sa.disk_read_mib,
    sa.disk_written_mib
   FROM (public.load_samples sa
     JOIN public.load_series se USING (series_id));

COMMENT ON VIEW grafana.load_samples IS 'One row per job, node and moment: CPU and memory.';

CREATE TABLE public.occupancy_samples (
    cluster text NOT NULL,
    source text NOT NULL,
    gpus_total double precision,
    gpus_allocated double precision,
    gpus_idle double precision,
    observed_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.occupancy_samples IS 'GPUs of whole clusters as a site counts them, one row per moment. Written by: projector.';

COMMENT ON COLUMN public.occupancy_samples.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.occupancy_samples.source IS 'Where it was read: a command, or a service of the site.';

COMMENT ON COLUMN public.occupancy_samples.gpus_total IS 'GPUs; NULL: not told.';

COMMENT ON COLUMN public.occupancy_samples.gpus_allocated IS 'GPUs in use; NULL: not told.';

COMMENT ON COLUMN public.occupancy_samples.gpus_idle IS 'GPUs not in use; NULL: not told.';

COMMENT ON COLUMN public.occupancy_samples.observed_at IS 'When the source showed it.';

CREATE VIEW grafana.occupancy_samples AS
 SELECT cluster,
    source,
    observed_at,
    gpus_total,
    gpus_allocated,
    gpus_idle
   FROM public.occupancy_samples oc;

COMMENT ON VIEW grafana.occupancy_samples IS 'One row per cluster and moment, as its site counts.';

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

CREATE TABLE public.partition_samples (
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
    observed_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.partition_samples IS 'One row per partition and moment. Written by: projector.';

COMMENT ON COLUMN public.partition_samples.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.partition_samples.source IS 'Where it was read: a command, or a service of the site.';

COMMENT ON COLUMN public.partition_samples.partition IS 'The partition; empty: the whole cluster, since partitions overlap.';

COMMENT ON COLUMN public.partition_samples.state IS 'UP, DOWN, DRAIN or INACTIVE, in Slurm''s words.';

COMMENT ON COLUMN public.partition_samples.nodes_total IS 'Nodes.';

COMMENT ON COLUMN public.partition_samples.nodes_by_state IS 'Nodes by what matters most: idle, mixed, allocated, down, …';

COMMENT ON COLUMN public.partition_samples.cpus_total IS 'CPUs.';

COMMENT ON COLUMN public.partition_samples.cpus_allocated IS 'CPUs that jobs hold.';

COMMENT ON COLUMN public.partition_samples.cpus_free IS 'CPUs on nodes that may be had.';

COMMENT ON COLUMN public.partition_samples.memory_total_mib IS 'Memory of all nodes, in MiB.';

COMMENT ON COLUMN public.partition_samples.memory_free_mib IS 'Memory that may be had, in MiB.';

COMMENT ON COLUMN public.partition_samples.gpus_total IS 'GPUs of all types; NULL: there are some, and nothing tells how many are held.';

COMMENT ON COLUMN public.partition_samples.gpus_allocated IS 'GPUs that jobs hold; NULL as gpus_total.';

COMMENT ON COLUMN public.partition_samples.gpus_free IS 'GPUs that a job that fits may have now; NULL as gpus_total.';

COMMENT ON COLUMN public.partition_samples.gpus_pending IS 'GPUs that waiting jobs of everybody ask for; NULL: the queue was not read.';

COMMENT ON COLUMN public.partition_samples.gpus_pending_eligible IS 'Of them, those that wait for room alone; NULL: the queue was not read.';

COMMENT ON COLUMN public.partition_samples.gpus IS 'By type: contracts.capacity.GpuTally as a list of objects.';

COMMENT ON COLUMN public.partition_samples.observed_at IS 'When the source showed it.';

CREATE VIEW grafana.partition_samples AS
 SELECT cluster,
    partition,
    observed_at,
    state,
    nodes_total,
    nodes_by_state,
    cpus_total,
    cpus_allocated,
    cpus_free,
    memory_total_mib,
    memory_free_mib,
    gpus_total,
    gpus_allocated,
    gpus_free,
    gpus_pending,
    gpus_pending_eligible,
    gpus
   FROM public.partition_samples pa;

COMMENT ON VIEW grafana.partition_samples IS 'One row per partition and moment; partition "" is the whole cluster.';

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

CREATE TABLE public.quota_samples (
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
    observed_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.quota_samples IS 'One row per owner, file system and moment. Written by: projector.';

COMMENT ON COLUMN public.quota_samples.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.quota_samples.source IS 'Where it was read: a command, or a service of the site.';

COMMENT ON COLUMN public.quota_samples.path IS 'Path under which it was asked.';

COMMENT ON COLUMN public.quota_samples.file_system IS 'Device or mount point, as the command names it.';

COMMENT ON COLUMN public.quota_samples.kind IS 'Whose use it limits; contracts.quotas.QuotaKind.';

COMMENT ON COLUMN public.quota_samples.owner IS 'User, group, project id or fileset.';

COMMENT ON COLUMN public.quota_samples.used_bytes IS 'Bytes in use; NULL: not told.';

COMMENT ON COLUMN public.quota_samples.soft_limit_bytes IS 'May be passed for a while; NULL: no limit.';

COMMENT ON COLUMN public.quota_samples.hard_limit_bytes IS 'May never be passed; NULL: no limit.';

COMMENT ON COLUMN public.quota_samples.files IS 'Files in use; NULL: not told.';

COMMENT ON COLUMN public.quota_samples.soft_limit_files IS 'May be passed for a while; NULL: no limit.';

COMMENT ON COLUMN public.quota_samples.hard_limit_files IS 'May never be passed; NULL: no limit.';

COMMENT ON COLUMN public.quota_samples.observed_at IS 'When the source showed it.';

CREATE VIEW grafana.quota_samples AS
 SELECT cluster,
    path,
    file_system,
    kind,
    owner,
    observed_at,
    used_bytes,
    soft_limit_bytes,
    hard_limit_bytes,
    files,
    soft_limit_files,
    hard_limit_files
   FROM public.quota_samples qu;

COMMENT ON VIEW grafana.quota_samples IS 'One row per owner, file system and moment.';

CREATE TABLE public.share_samples (
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
    observed_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.share_samples IS 'One row per association, source and moment. Written by: projector.';

COMMENT ON COLUMN public.share_samples.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.share_samples.source IS 'Where it was read: a command, or a service of the site.';

COMMENT ON COLUMN public.share_samples.account IS 'Slurm account.';

COMMENT ON COLUMN public.share_samples.user_name IS 'Login name; empty: the account as a whole.';

COMMENT ON COLUMN public.share_samples.partition IS 'Partition of the association; empty: all.';

COMMENT ON COLUMN public.share_samples.fair_share IS 'Fair-share factor, 0 to 1; NULL: not told.';

COMMENT ON COLUMN public.share_samples.level_fs IS 'Above 1: used less than its share; infinity: used nothing. NULL: not told.';

COMMENT ON COLUMN public.share_samples.norm_shares IS 'Part of the parent''s shares, 0 to 1; NULL: not told.';

COMMENT ON COLUMN public.share_samples.norm_usage IS 'Part of all use, 0 to 1; NULL: not told.';

COMMENT ON COLUMN public.share_samples.raw_usage_s IS 'Decayed use in billing-weighted TRES seconds; NULL: not told.';

COMMENT ON COLUMN public.share_samples.gpus_running IS 'GPUs of running jobs; NULL: not told.';

COMMENT ON COLUMN public.share_samples.gpus_pending IS 'GPUs of waiting jobs; NULL: not told.';

COMMENT ON COLUMN public.share_samples.gpu_head_room IS 'How many more GPUs may run at once; NULL: no limit, or not told.';

COMMENT ON COLUMN public.share_samples.gpus_allocated IS 'Formally granted by the site; NULL: not told.';

COMMENT ON COLUMN public.share_samples.gpus_consumed IS 'Counted by the site as consumed; NULL: not told.';

COMMENT ON COLUMN public.share_samples.observed_at IS 'When the source showed it.';

CREATE VIEW grafana.share_samples AS
 SELECT cluster,
    source,
    account,
    user_name,
    partition,
    observed_at,
    fair_share,
    level_fs,
    norm_shares,
    norm_usage,
    raw_usage_s,
    gpus_running,
    gpus_pending,
    gpu_head_room,
    gpus_allocated,
    gpus_consumed
   FROM public.share_samples sh;

COMMENT ON VIEW grafana.share_samples IS 'One row per association, source and moment.';

CREATE TABLE public.surveys (
    cluster text NOT NULL,
    source text NOT NULL,
    topic text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ok boolean NOT NULL,
    error text NOT NULL,
    interval_s double precision NOT NULL,
    facts integer NOT NULL,
    rejected integer NOT NULL,
    slurm_rpcs integer NOT NULL,
    observed_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.surveys IS 'One row per question beside the looks. Written by: projector.';

COMMENT ON COLUMN public.surveys.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.surveys.source IS 'Where it was read: a command, or a service of the site.';

COMMENT ON COLUMN public.surveys.topic IS 'What was asked about; contracts.sample.Topic.';

COMMENT ON COLUMN public.surveys.started_at IS 'When the asking began.';

COMMENT ON COLUMN public.surveys.ok IS 'Whether it was answered.';

COMMENT ON COLUMN public.surveys.error IS 'What went wrong and what mends it; empty when all went well. Untrusted text.';

COMMENT ON COLUMN public.surveys.interval_s IS 'Seconds until it is asked again.';

COMMENT ON COLUMN public.surveys.facts IS 'Facts that it told.';

COMMENT ON COLUMN public.surveys.rejected IS 'Values that no machine can have, left out.';

COMMENT ON COLUMN public.surveys.slurm_rpcs IS 'Requests that Slurm was asked.';

COMMENT ON COLUMN public.surveys.observed_at IS 'When the source showed it.';

CREATE VIEW grafana.surveys AS
 SELECT cluster,
    topic,
    observed_at,
    started_at,
    ok,
    interval_s,
    facts,
    rejected,
    slurm_rpcs
   FROM public.surveys su;

COMMENT ON VIEW grafana.surveys IS 'One row per question beside the looks.';

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

CREATE TABLE public.usage_daily (
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
    utilization_gpu_s double precision NOT NULL
);

COMMENT ON TABLE public.usage_daily IS 'What ended runs used on each day, per owner and place; worked out from ended_runs, jobs and job_use_hours. Written by: projector.';

COMMENT ON COLUMN public.usage_daily.day IS 'The day in UTC.';

COMMENT ON COLUMN public.usage_daily.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.usage_daily.user_name IS 'Login name of the jobs'' owner.';

COMMENT ON COLUMN public.usage_daily.account IS 'Slurm account they are charged to.';

COMMENT ON COLUMN public.usage_daily.project IS 'Their project; empty for none.';

COMMENT ON COLUMN public.usage_daily.partition IS 'The partition they ran in.';

COMMENT ON COLUMN public.usage_daily.jobs IS 'Jobs that were over on this day, whether they ever ran or not.';

COMMENT ON COLUMN public.usage_daily.failed_jobs IS 'Those of them that ended FAILED, TIMEOUT, NODE_FAIL, OUT_OF_MEMORY, BOOT_FAIL or DEADLINE.';

COMMENT ON COLUMN public.usage_daily.requeued_runs IS 'Runs that ended on this day and that Slurm queued again.';

COMMENT ON COLUMN public.usage_daily.gpu_s IS 'GPU seconds held on this day: seconds of the run within it times its GPUs.';

COMMENT ON COLUMN public.usage_daily.cpu_s IS 'CPU seconds held on this day.';

COMMENT ON COLUMN public.usage_daily.wasted_gpu_s IS 'The part of gpu_s that runs held which ended in a failure, as failed_jobs says.';

COMMENT ON COLUMN public.usage_daily.requeued_gpu_s IS 'The part of gpu_s that runs held which Slurm queued again, however they ended.';

COMMENT ON COLUMN public.usage_daily.sampled_gpu_s IS 'The part of gpu_s during which the GPUs were sampled.';

COMMENT ON COLUMN public.usage_daily.utilization_gpu_s IS 'Sampled GPU seconds, each times its utilization of 0 to 1.';

CREATE VIEW grafana.usage_daily AS
 SELECT day,
    cluster,
    user_name,
    account,
    project,
    partition,
    jobs,
    failed_jobs,
    requeued_runs,
    gpu_s,
    cpu_s,
    wasted_gpu_s,
    requeued_gpu_s,
    sampled_gpu_s,
    utilization_gpu_s
   FROM public.usage_daily ud;

COMMENT ON VIEW grafana.usage_daily IS 'What ended runs used on each UTC day, per owner and place.';

CREATE TABLE public.usage_samples (
    cluster text NOT NULL,
    source text NOT NULL,
    account text NOT NULL,
    user_name text NOT NULL,
    since_at timestamp with time zone NOT NULL,
    until_at timestamp with time zone NOT NULL,
    cpu_s bigint,
    gpu_s bigint,
    tres_s jsonb NOT NULL,
    observed_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.usage_samples IS 'One row per account or user, reported time and moment of asking. Written by: projector.';

COMMENT ON COLUMN public.usage_samples.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.usage_samples.source IS 'Where it was read: a command, or a service of the site.';

COMMENT ON COLUMN public.usage_samples.account IS 'Slurm account.';

COMMENT ON COLUMN public.usage_samples.user_name IS 'Login name; empty: the account with all below it.';

COMMENT ON COLUMN public.usage_samples.since_at IS 'Begin of the time that is reported.';

COMMENT ON COLUMN public.usage_samples.until_at IS 'End of the time that is reported.';

COMMENT ON COLUMN public.usage_samples.cpu_s IS 'CPU seconds; NULL: not told.';

COMMENT ON COLUMN public.usage_samples.gpu_s IS 'GPU seconds of all types; NULL: not told.';

COMMENT ON COLUMN public.usage_samples.tres_s IS 'Resource seconds by TRES.';

COMMENT ON COLUMN public.usage_samples.observed_at IS 'When the source showed it.';

CREATE VIEW grafana.usage_samples AS
 SELECT cluster,
    account,
    user_name,
    since_at,
    until_at,
    observed_at,
    cpu_s,
    gpu_s
   FROM public.usage_samples us;

COMMENT ON VIEW grafana.usage_samples IS 'One row per account or user, reported time and moment of asking.';

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

CREATE TABLE public.board_pins (
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamp with time zone NOT NULL,
    pinned_by text NOT NULL,
    pinned_at timestamp with time zone NOT NULL,
    reason text NOT NULL
);

COMMENT ON TABLE public.board_pins IS 'One row per job that somebody pinned to the board. Written by: projector.';

COMMENT ON COLUMN public.board_pins.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.board_pins.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';

COMMENT ON COLUMN public.board_pins.submitted_at IS 'When Slurm first accepted the job.';

COMMENT ON COLUMN public.board_pins.pinned_by IS 'Who said so, as the audit calls them.';

COMMENT ON COLUMN public.board_pins.pinned_at IS 'When.';

COMMENT ON COLUMN public.board_pins.reason IS 'Why, in their words; untrusted text.';

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

CREATE TABLE public.ended_runs (
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamp with time zone NOT NULL,
    restart_count integer NOT NULL,
    revision bigint NOT NULL,
    state text NOT NULL,
    partition text NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone NOT NULL,
    gpu_count integer NOT NULL,
    cpu_count integer NOT NULL
);

COMMENT ON TABLE public.ended_runs IS 'One row per run of a job that is over: a job that Slurm requeued has several. jobs shows the last. Written by: projector.';

COMMENT ON COLUMN public.ended_runs.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.ended_runs.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';

COMMENT ON COLUMN public.ended_runs.submitted_at IS 'When Slurm first accepted the job.';

COMMENT ON COLUMN public.ended_runs.restart_count IS 'How often Slurm had requeued it before this run.';

COMMENT ON COLUMN public.ended_runs.revision IS 'Revision of the fact that this row shows; only a larger one is applied.';

COMMENT ON COLUMN public.ended_runs.state IS 'How it ended; contracts.jobs.JobState, VANISHED and REQUEUED among them.';

COMMENT ON COLUMN public.ended_runs.partition IS 'The partition it ran in.';

COMMENT ON COLUMN public.ended_runs.started_at IS 'When it got its nodes; NULL when it never did.';

COMMENT ON COLUMN public.ended_runs.ended_at IS 'When it ended; of a vanished one, when it was missed, but not later than its time limit allows.';

COMMENT ON COLUMN public.ended_runs.gpu_count IS 'GPUs of the whole run.';

COMMENT ON COLUMN public.ended_runs.cpu_count IS 'CPUs of the whole run.';

ALTER TABLE public.gpu_series ALTER COLUMN series_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.gpu_series_series_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.job_events ALTER COLUMN event_seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.job_events_event_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.job_use_marks (
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamp with time zone NOT NULL,
    hour_at timestamp with time zone NOT NULL,
    marks bigint NOT NULL
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0.1');

COMMENT ON TABLE public.job_use_marks IS 'Hours of jobs whose use is to be worked out again; set in the transaction that stores the samples. Written by: projector.';

COMMENT ON COLUMN public.job_use_marks.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.job_use_marks.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';

COMMENT ON COLUMN public.job_use_marks.submitted_at IS 'When Slurm first accepted the job.';

COMMENT ON COLUMN public.job_use_marks.hour_at IS 'Begin of the hour, UTC.';

COMMENT ON COLUMN public.job_use_marks.marks IS 'How often it was marked: a mark set meanwhile survives the working out.';

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

ALTER TABLE public.load_series ALTER COLUMN series_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.load_series_series_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

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

CREATE TABLE public.newest_samples (
    kind text NOT NULL,
    cluster text NOT NULL,
    source text NOT NULL,
    identity text[] NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    told jsonb NOT NULL
)
WITH (fillfactor='70');

COMMENT ON TABLE public.newest_samples IS 'The newest sample of each thing, whatever the order in which they came. Written by: projector.';

COMMENT ON COLUMN public.newest_samples.kind IS 'partition, share, qos, usage, occupancy, quota or survey; contracts.nouns.Noun.';

COMMENT ON COLUMN public.newest_samples.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.newest_samples.source IS 'Where it was read: what one source tells does not replace another''s.';

COMMENT ON COLUMN public.newest_samples.identity IS 'Which thing: partition; account, user, partition; QOS; account, user, since; path, file system, kind, owner; topic.';

COMMENT ON COLUMN public.newest_samples.observed_at IS 'When the source showed it.';

COMMENT ON COLUMN public.newest_samples.told IS 'All other fields of the sample, named as in contracts, units included. Untrusted text.';

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

CREATE TABLE public.project_assignment (
    only_row boolean DEFAULT true NOT NULL,
    rules jsonb NOT NULL,
    after_cluster text,
    after_job_id text,
    after_submitted_at timestamp with time zone,
    is_done boolean NOT NULL,
    CONSTRAINT project_assignment_only_row_check CHECK (only_row)
);

COMMENT ON TABLE public.project_assignment IS 'One row: by which rules stored jobs have their projects, and how far that has come. Written by: projector.';

COMMENT ON COLUMN public.project_assignment.only_row IS 'Always true: there is one row at most.';

COMMENT ON COLUMN public.project_assignment.rules IS 'The rules, as a list of objects; analysis.projects.ProjectRule.';

COMMENT ON COLUMN public.project_assignment.after_cluster IS 'Jobs up to this one, in the order of the primary key, are done; NULL at the begin.';

COMMENT ON COLUMN public.project_assignment.after_job_id IS 'The same job''s id.';

COMMENT ON COLUMN public.project_assignment.after_submitted_at IS 'When the same job was submitted.';

COMMENT ON COLUMN public.project_assignment.is_done IS 'Whether every job has been looked at.';

CREATE TABLE public.qos_samples (
    cluster text NOT NULL,
    source text NOT NULL,
    name text NOT NULL,
    priority bigint NOT NULL,
    usage_factor double precision,
    limits jsonb NOT NULL,
    observed_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.qos_samples IS 'One row per quality of service and moment. Written by: projector.';

COMMENT ON COLUMN public.qos_samples.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.qos_samples.source IS 'Where it was read: a command, or a service of the site.';

COMMENT ON COLUMN public.qos_samples.name IS 'The quality of service.';

COMMENT ON COLUMN public.qos_samples.priority IS 'Slurm''s priority of it.';

COMMENT ON COLUMN public.qos_samples.usage_factor IS 'What its use is multiplied with; NULL: not told.';

COMMENT ON COLUMN public.qos_samples.limits IS 'Its limits that are set; contracts.shares.QosSampled.';

COMMENT ON COLUMN public.qos_samples.observed_at IS 'When the source showed it.';

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

CREATE TABLE public.sampling_gaps (
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamp with time zone NOT NULL,
    node text NOT NULL,
    source text NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    since_at timestamp with time zone NOT NULL,
    reason text NOT NULL
);

COMMENT ON TABLE public.sampling_gaps IS 'Times in which a running job could not be sampled; a fault of ours, not idleness. Written by: projector.';

COMMENT ON COLUMN public.sampling_gaps.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.sampling_gaps.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';

COMMENT ON COLUMN public.sampling_gaps.submitted_at IS 'When Slurm first accepted the job.';

COMMENT ON COLUMN public.sampling_gaps.node IS 'Node; empty: all nodes of the job together.';

COMMENT ON COLUMN public.sampling_gaps.source IS 'Who tells the gap.';

COMMENT ON COLUMN public.sampling_gaps.observed_at IS 'When the gap was noticed.';

COMMENT ON COLUMN public.sampling_gaps.since_at IS 'The last good sample, or the job''s start.';

COMMENT ON COLUMN public.sampling_gaps.reason IS 'What each source said; untrusted text.';

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

CREATE TABLE public.usage_marks (
    mark_id bigint NOT NULL,
    cluster text NOT NULL,
    day date NOT NULL
);

COMMENT ON TABLE public.usage_marks IS 'Days whose use must be worked out anew, told in the transaction that changed a run. Written by: projector.';

COMMENT ON COLUMN public.usage_marks.mark_id IS 'Tells marks of one day apart.';

COMMENT ON COLUMN public.usage_marks.cluster IS 'The cluster''s name.';

COMMENT ON COLUMN public.usage_marks.day IS 'The day in UTC.';

ALTER TABLE public.usage_marks ALTER COLUMN mark_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.usage_marks_mark_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY public.audit_records
    ADD CONSTRAINT audit_records_once UNIQUE (record_id);

ALTER TABLE ONLY public.audit_records
    ADD CONSTRAINT audit_records_pkey PRIMARY KEY (audit_seq);

ALTER TABLE ONLY public.board_pins
    ADD CONSTRAINT board_pins_pkey PRIMARY KEY (cluster, job_id, submitted_at);

ALTER TABLE ONLY public.cluster_status
    ADD CONSTRAINT cluster_status_pkey PRIMARY KEY (cluster);

ALTER TABLE ONLY public.clusters
    ADD CONSTRAINT clusters_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.crashes
    ADD CONSTRAINT crashes_pkey PRIMARY KEY (event_id);

ALTER TABLE ONLY public.ended_runs
    ADD CONSTRAINT ended_runs_pkey PRIMARY KEY (cluster, job_id, submitted_at, restart_count);

ALTER TABLE ONLY public.gpu_samples
    ADD CONSTRAINT gpu_samples_pkey PRIMARY KEY (series_id, observed_at);

ALTER TABLE ONLY public.gpu_series
    ADD CONSTRAINT gpu_series_key UNIQUE NULLS NOT DISTINCT (cluster, job_id, submitted_at, source, node, gpu_uuid, gpu_index);

ALTER TABLE ONLY public.gpu_series
    ADD CONSTRAINT gpu_series_pkey PRIMARY KEY (series_id);

ALTER TABLE ONLY public.job_events
    ADD CONSTRAINT job_events_pkey PRIMARY KEY (event_id);

ALTER TABLE ONLY public.job_events
    ADD CONSTRAINT job_events_seq UNIQUE (event_seq);

ALTER TABLE ONLY public.job_use_hours
    ADD CONSTRAINT job_use_hours_pkey PRIMARY KEY (cluster, job_id, submitted_at, hour_at);

ALTER TABLE ONLY public.job_use_marks
    ADD CONSTRAINT job_use_marks_pkey PRIMARY KEY (cluster, job_id, submitted_at, hour_at);

ALTER TABLE ONLY public.job_use
    ADD CONSTRAINT job_use_pkey PRIMARY KEY (cluster, job_id, submitted_at);

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

ALTER TABLE ONLY public.load_samples
    ADD CONSTRAINT load_samples_pkey PRIMARY KEY (series_id, observed_at);

ALTER TABLE ONLY public.load_series
    ADD CONSTRAINT load_series_key UNIQUE (cluster, job_id, submitted_at, source, node);

ALTER TABLE ONLY public.load_series
    ADD CONSTRAINT load_series_pkey PRIMARY KEY (series_id);

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

ALTER TABLE ONLY public.newest_samples
    ADD CONSTRAINT newest_samples_pkey PRIMARY KEY (kind, cluster, source, identity);

ALTER TABLE ONLY public.occupancy_samples
    ADD CONSTRAINT occupancy_samples_pkey PRIMARY KEY (cluster, source, observed_at);

ALTER TABLE ONLY public.partition_counts
    ADD CONSTRAINT partition_counts_pkey PRIMARY KEY (cluster, partition, state);

ALTER TABLE ONLY public.partition_samples
    ADD CONSTRAINT partition_samples_pkey PRIMARY KEY (cluster, partition, source, observed_at);

ALTER TABLE ONLY public.polls
    ADD CONSTRAINT polls_pkey PRIMARY KEY (cluster, started_at);

ALTER TABLE ONLY public.project_assignment
    ADD CONSTRAINT project_assignment_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.qos_samples
    ADD CONSTRAINT qos_samples_pkey PRIMARY KEY (cluster, name, source, observed_at);

ALTER TABLE ONLY public.quota_samples
    ADD CONSTRAINT quota_samples_pkey PRIMARY KEY (cluster, path, file_system, kind, owner, source, observed_at);

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

ALTER TABLE ONLY public.sampling_gaps
    ADD CONSTRAINT sampling_gaps_pkey PRIMARY KEY (cluster, job_id, submitted_at, node, source, observed_at);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.share_samples
    ADD CONSTRAINT share_samples_pkey PRIMARY KEY (cluster, account, user_name, partition, source, observed_at);

ALTER TABLE ONLY public.stream_losses
    ADD CONSTRAINT stream_losses_pkey PRIMARY KEY (loss_seq);

ALTER TABLE ONLY public.stream_losses
    ADD CONSTRAINT stream_losses_stream_kind_first_sequence_last_sequence_lost_key UNIQUE (stream, kind, first_sequence, last_sequence, lost_bytes);

ALTER TABLE ONLY public.stream_positions
    ADD CONSTRAINT stream_positions_pkey PRIMARY KEY (stream);

ALTER TABLE ONLY public.surveys
    ADD CONSTRAINT surveys_pkey PRIMARY KEY (cluster, topic, source, observed_at);

ALTER TABLE ONLY public.usage_daily
    ADD CONSTRAINT usage_daily_pkey PRIMARY KEY (day, cluster, user_name, account, project, partition);

ALTER TABLE ONLY public.usage_marks
    ADD CONSTRAINT usage_marks_pkey PRIMARY KEY (mark_id);

ALTER TABLE ONLY public.usage_samples
    ADD CONSTRAINT usage_samples_pkey PRIMARY KEY (cluster, account, user_name, since_at, until_at, source, observed_at);

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

CREATE INDEX ended_runs_end ON public.ended_runs USING btree (cluster, ended_at);

COMMENT ON INDEX public.ended_runs_end IS 'Runs that ended on one day.';

CREATE INDEX ended_runs_over_midnight ON public.ended_runs USING gist (tstzrange(started_at, GREATEST(started_at, ended_at))) WHERE (((started_at AT TIME ZONE 'UTC'::text))::date < ((ended_at AT TIME ZONE 'UTC'::text))::date);

COMMENT ON INDEX public.ended_runs_over_midnight IS 'Runs of several days that held a moment.';

CREATE INDEX gpu_samples_observed ON public.gpu_samples USING brin (observed_at);

COMMENT ON INDEX public.gpu_samples_observed IS 'Old samples, for retention.';

CREATE INDEX gpu_series_last_day ON public.gpu_series USING btree (last_day);

COMMENT ON INDEX public.gpu_series_last_day IS 'Series whose samples may all be gone, for retention.';

CREATE INDEX job_events_job ON public.job_events USING btree (cluster, job_id, submitted_at, event_seq);

COMMENT ON INDEX public.job_events_job IS 'Timeline of one job.';

CREATE INDEX jobs_account ON public.jobs USING btree (account, submitted_at DESC);

COMMENT ON INDEX public.jobs_account IS 'History of one account.';

CREATE INDEX jobs_board ON public.jobs USING btree (COALESCE((put_away_run >= restart_count), false), COALESCE(ended_at, vanished_at, observed_at) DESC, cluster, job_id) WHERE (NOT is_live);

COMMENT ON INDEX public.jobs_board IS 'Keyset of the board, and of what was put away: the latest end first.';

CREATE INDEX jobs_ended ON public.jobs USING btree (submitted_at DESC, cluster, job_id) WHERE (NOT is_live);

COMMENT ON INDEX public.jobs_ended IS 'Keyset of the history.';

CREATE INDEX jobs_group ON public.jobs USING btree (cluster, COALESCE(array_job_id, het_job_id)) WHERE (COALESCE(array_job_id, het_job_id) IS NOT NULL);

COMMENT ON INDEX public.jobs_group IS 'Members of an array or of a het job, and the whole.';

CREATE INDEX jobs_live ON public.jobs USING btree (submitted_at DESC, cluster, job_id) WHERE is_live;

COMMENT ON INDEX public.jobs_live IS 'Keyset of the live list.';

CREATE INDEX jobs_newest ON public.jobs USING btree (submitted_at DESC, cluster, job_id);

COMMENT ON INDEX public.jobs_newest IS 'Keyset of every list.';

CREATE INDEX jobs_project ON public.jobs USING btree (project, submitted_at DESC);

COMMENT ON INDEX public.jobs_project IS 'History of one project.';

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

CREATE INDEX load_samples_observed ON public.load_samples USING brin (observed_at);

COMMENT ON INDEX public.load_samples_observed IS 'Old samples, for retention.';

CREATE INDEX load_series_last_day ON public.load_series USING btree (last_day);

COMMENT ON INDEX public.load_series_last_day IS 'Series whose samples may all be gone, for retention.';

CREATE INDEX logbook_entries_project ON public.logbook_entries USING btree (project, edited_at DESC, entry_id);

COMMENT ON INDEX public.logbook_entries_project IS 'Keyset of one project''s list.';

CREATE INDEX logbook_entries_text ON public.logbook_entries USING gin (title public.gin_trgm_ops, body public.gin_trgm_ops);

COMMENT ON INDEX public.logbook_entries_text IS 'Search by parts of words.';

CREATE INDEX logbook_entries_words ON public.logbook_entries USING gin (words);

COMMENT ON INDEX public.logbook_entries_words IS 'Search by words.';

CREATE INDEX logbook_links_target ON public.logbook_links USING btree (target_kind, target);

COMMENT ON INDEX public.logbook_links_target IS 'Who refers to a thing.';

CREATE INDEX occupancy_samples_observed ON public.occupancy_samples USING brin (observed_at);

COMMENT ON INDEX public.occupancy_samples_observed IS 'Old rows, for retention.';

CREATE INDEX partition_samples_observed ON public.partition_samples USING brin (observed_at);

COMMENT ON INDEX public.partition_samples_observed IS 'Old rows, for retention.';

CREATE INDEX polls_failed ON public.polls USING btree (cluster, started_at) WHERE failed;

COMMENT ON INDEX public.polls_failed IS 'Finds since when a cluster fails without reading the good polls.';

CREATE INDEX qos_samples_observed ON public.qos_samples USING brin (observed_at);

COMMENT ON INDEX public.qos_samples_observed IS 'Old rows, for retention.';

CREATE INDEX quota_samples_observed ON public.quota_samples USING brin (observed_at);

COMMENT ON INDEX public.quota_samples_observed IS 'Old rows, for retention.';

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

CREATE INDEX sampling_gaps_observed ON public.sampling_gaps USING brin (observed_at);

COMMENT ON INDEX public.sampling_gaps_observed IS 'Old gaps, for retention.';

CREATE INDEX share_samples_observed ON public.share_samples USING brin (observed_at);

COMMENT ON INDEX public.share_samples_observed IS 'Old rows, for retention.';

CREATE INDEX surveys_observed ON public.surveys USING brin (observed_at);

COMMENT ON INDEX public.surveys_observed IS 'Old rows, for retention.';

CREATE INDEX usage_marks_day ON public.usage_marks USING btree (cluster, day);

COMMENT ON INDEX public.usage_marks_day IS 'Marks of one day.';

CREATE INDEX usage_samples_observed ON public.usage_samples USING brin (observed_at);

COMMENT ON INDEX public.usage_samples_observed IS 'Old rows, for retention.';

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

REVOKE ALL ON FUNCTION public.forget_rows(what text, before timestamp with time zone, at_most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.forget_rows(what text, before timestamp with time zone, at_most integer) TO slurmfleet_writer;

GRANT SELECT ON TABLE public.cluster_status TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.cluster_status TO slurmfleet_writer;

GRANT SELECT ON TABLE public.clusters TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.clusters TO slurmfleet_writer;
GRANT SELECT ON TABLE public.clusters TO slurmfleet_kernels;
GRANT SELECT ON TABLE public.clusters TO slurmfleet_logbook;

GRANT SELECT ON TABLE grafana.cluster_status TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.gpu_samples TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.gpu_samples TO slurmfleet_writer;

GRANT SELECT ON TABLE public.gpu_series TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.gpu_series TO slurmfleet_writer;

GRANT SELECT ON TABLE public.gpu_use_5min TO slurmfleet_reader;
GRANT SELECT ON TABLE public.gpu_use_5min TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.gpu_use_5min TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.job_events TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.job_events TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.job_events TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.job_use TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.job_use TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.job_use TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.job_use_hours TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.job_use_hours TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.job_use_hours TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.jobs TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.jobs TO slurmfleet_writer;
GRANT SELECT ON TABLE public.jobs TO slurmfleet_kernels;
GRANT SELECT ON TABLE public.jobs TO slurmfleet_logbook;

GRANT SELECT ON TABLE grafana.jobs TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.load_samples TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.load_samples TO slurmfleet_writer;

GRANT SELECT ON TABLE public.load_series TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.load_series TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.load_samples TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.occupancy_samples TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.occupancy_samples TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.occupancy_samples TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.partition_counts TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.partition_counts TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.partition_counts TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.partition_samples TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.partition_samples TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.partition_samples TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.polls TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.polls TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.polls TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.registry_documents TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.registry_documents TO slurmfleet_writer;

GRANT SELECT ON TABLE public.projects TO slurmfleet_reader;
GRANT SELECT ON TABLE public.projects TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.projects TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.quota_samples TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.quota_samples TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.quota_samples TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.share_samples TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.share_samples TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.share_samples TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.surveys TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.surveys TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.surveys TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.team_members TO slurmfleet_reader;
GRANT SELECT ON TABLE public.team_members TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.team_members TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.usage_daily TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.usage_daily TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.usage_daily TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.usage_samples TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.usage_samples TO slurmfleet_writer;

GRANT SELECT ON TABLE grafana.usage_samples TO slurmfleet_grafana;

GRANT SELECT ON TABLE public.accounts TO slurmfleet_reader;
GRANT SELECT ON TABLE public.accounts TO slurmfleet_writer;

GRANT SELECT ON TABLE public.audit_records TO slurmfleet_reader;
GRANT SELECT,INSERT ON TABLE public.audit_records TO slurmfleet_writer;

GRANT SELECT ON TABLE public.board_pins TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.board_pins TO slurmfleet_writer;

GRANT SELECT ON TABLE public.crashes TO slurmfleet_reader;
GRANT SELECT ON TABLE public.crashes TO slurmfleet_logbook;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.crashes TO slurmfleet_writer;

GRANT SELECT ON TABLE public.ended_runs TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.ended_runs TO slurmfleet_writer;

GRANT SELECT ON TABLE public.job_use_marks TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.job_use_marks TO slurmfleet_writer;

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

GRANT SELECT ON TABLE public.newest_samples TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.newest_samples TO slurmfleet_writer;

GRANT SELECT ON TABLE public.path_bases TO slurmfleet_reader;
GRANT SELECT ON TABLE public.path_bases TO slurmfleet_writer;

GRANT SELECT ON TABLE public.process_filters TO slurmfleet_reader;
GRANT SELECT ON TABLE public.process_filters TO slurmfleet_writer;

GRANT SELECT ON TABLE public.project_assignment TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.project_assignment TO slurmfleet_writer;

GRANT SELECT ON TABLE public.qos_samples TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.qos_samples TO slurmfleet_writer;

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

GRANT SELECT ON TABLE public.sampling_gaps TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sampling_gaps TO slurmfleet_writer;

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

GRANT SELECT ON TABLE public.usage_marks TO slurmfleet_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.usage_marks TO slurmfleet_writer;
