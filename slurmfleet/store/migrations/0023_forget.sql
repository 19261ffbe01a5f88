-- Retention of samples, of job events and of jobs. Chunks of a hypertable can be dropped by its owner alone, so
-- the writer gets this one function, for these tables and columns alone.
-- Rows of ordinary tables go a bounded number at a time: no call holds locks for long.
-- Lock: none, new function. Expected duration: below one second.

CREATE FUNCTION forget_rows(what text, before timestamptz, at_most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $body$
DECLARE
    condition text;
    forgotten bigint;
BEGIN
-- if edition: community, apache
    IF what IN ('gpu_samples', 'load_samples', 'partition_samples', 'share_samples', 'surveys') THEN
        SELECT count(*) INTO forgotten
        FROM drop_chunks(format('public.%I', what)::regclass, older_than => before) AS dropped;
        RETURN forgotten;
    END IF;
-- end if
-- if edition: apache, plain
    IF what = 'gpu_use_5min' THEN
        RETURN 0;
    END IF;
-- end if
-- if edition: community
    IF what = 'gpu_use_5min' THEN
        SELECT count(*) INTO forgotten
        FROM drop_chunks('public.gpu_use_5min'::regclass, older_than => before) AS dropped;
        RETURN forgotten;
    END IF;
-- end if
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
$body$;

COMMENT ON FUNCTION forget_rows(text, timestamptz, integer) IS
    'Forgets what is older than a moment: at most so many rows of an ordinary table, whole chunks of a hypertable; how many.';
REVOKE EXECUTE ON FUNCTION forget_rows(text, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_rows(text, timestamptz, integer) TO slurmfleet_writer;
