-- name: upsert_jobs
-- No rows; stores each job of the batch (one per key) unless a newer revision of it is stored.
INSERT INTO jobs AS jo (
    cluster, job_id, submitted_at, raw_id, state, state_flags, reason, name, user_name, account,
    partition, qos, eligible_at, started_at, expected_start_at, ended_at, time_limit_s, node_count,
    node_list, cpu_count, memory_mib, gpu_count, gpus_by_type, tres, priority, dependency, work_dir,
    command, stdout_path, stderr_path, comment, submit_line, restart_count, exit_code, exit_signal,
    array_job_id, array_task_id, array_pending, task_states, het_job_id, het_offset, revision,
    observed_at, source, first_observed_at, vanished_at, node_names, has_all_node_names, batch_host,
    gpu_source, dependencies, request, stdin_path, unexpanded_paths, sluid, project
)
SELECT
    ba.cluster, ba.job_id, ba.submitted_at, ba.raw_id, ba.state, ba.state_flags::text[], ba.reason,
    ba.name, ba.user_name, ba.account, ba.partition, ba.qos, ba.eligible_at, ba.started_at,
    ba.expected_start_at, ba.ended_at, ba.time_limit_s, ba.node_count, ba.node_list, ba.cpu_count,
    ba.memory_mib, ba.gpu_count, ba.gpus_by_type::jsonb, ba.tres, ba.priority, ba.dependency,
    ba.work_dir, ba.command, ba.stdout_path, ba.stderr_path, ba.comment, ba.submit_line,
    ba.restart_count, ba.exit_code, ba.exit_signal, ba.array_job_id, ba.array_task_id,
    ba.array_pending, ba.task_states::jsonb, ba.het_job_id, ba.het_offset, ba.revision,
    ba.observed_at, ba.source, ba.first_observed_at, ba.vanished_at, ba.node_names::text[],
    ba.has_all_node_names, ba.batch_host, ba.gpu_source, ba.dependencies::jsonb, ba.request::jsonb,
    ba.stdin_path, ba.unexpanded_paths::text[], ba.sluid, ba.project
FROM unnest(
    %(cluster)s::text[], %(job_id)s::text[], %(submitted_at)s::timestamptz[], %(raw_id)s::bigint[],
    %(state)s::text[], %(state_flags)s::text[], %(reason)s::text[], %(name)s::text[],
    %(user)s::text[], %(account)s::text[], %(partition)s::text[], %(qos)s::text[],
    %(eligible_at)s::timestamptz[], %(started_at)s::timestamptz[],
    %(expected_start_at)s::timestamptz[], %(ended_at)s::timestamptz[], %(time_limit_s)s::bigint[],
    %(node_count)s::integer[], %(node_list)s::text[], %(cpu_count)s::integer[],
    %(memory_mib)s::bigint[], %(gpu_count)s::integer[], %(gpus_by_type)s::text[], %(tres)s::text[],
    %(priority)s::bigint[], %(dependency)s::text[], %(work_dir)s::text[], %(command)s::text[],
    %(stdout_path)s::text[], %(stderr_path)s::text[], %(comment)s::text[], %(submit_line)s::text[],
    %(restart_count)s::integer[], %(exit_code)s::integer[], %(exit_signal)s::integer[],
    %(array_job_id)s::bigint[], %(array_task_id)s::bigint[], %(array_pending)s::text[],
    %(task_states)s::text[], %(het_job_id)s::bigint[], %(het_offset)s::integer[],
    %(revision)s::bigint[], %(observed_at)s::timestamptz[], %(source)s::text[],
    %(first_observed_at)s::timestamptz[], %(vanished_at)s::timestamptz[], %(node_names)s::text[],
    %(has_all_node_names)s::boolean[], %(batch_host)s::text[], %(gpu_source)s::text[],
    %(dependencies)s::text[], %(request)s::text[], %(stdin_path)s::text[],
    %(unexpanded_paths)s::text[], %(sluid)s::text[], %(project)s::text[]
) AS ba (
    cluster, job_id, submitted_at, raw_id, state, state_flags, reason, name, user_name, account,
    partition, qos, eligible_at, started_at, expected_start_at, ended_at, time_limit_s, node_count,
    node_list, cpu_count, memory_mib, gpu_count, gpus_by_type, tres, priority, dependency, work_dir,
    command, stdout_path, stderr_path, comment, submit_line, restart_count, exit_code, exit_signal,
    array_job_id, array_task_id, array_pending, task_states, het_job_id, het_offset, revision,
    observed_at, source, first_observed_at, vanished_at, node_names, has_all_node_names, batch_host,
    gpu_source, dependencies, request, stdin_path, unexpanded_paths, sluid, project
)
ON CONFLICT (cluster, job_id, submitted_at) DO UPDATE SET
    raw_id = EXCLUDED.raw_id, state = EXCLUDED.state, state_flags = EXCLUDED.state_flags,
    reason = EXCLUDED.reason, name = EXCLUDED.name, user_name = EXCLUDED.user_name,
    account = EXCLUDED.account, partition = EXCLUDED.partition, qos = EXCLUDED.qos,
    eligible_at = EXCLUDED.eligible_at, started_at = EXCLUDED.started_at,
    expected_start_at = EXCLUDED.expected_start_at, ended_at = EXCLUDED.ended_at,
    time_limit_s = EXCLUDED.time_limit_s, node_count = EXCLUDED.node_count,
    node_list = EXCLUDED.node_list, cpu_count = EXCLUDED.cpu_count,
    memory_mib = EXCLUDED.memory_mib, gpu_count = EXCLUDED.gpu_count,
    gpus_by_type = EXCLUDED.gpus_by_type, tres = EXCLUDED.tres, priority = EXCLUDED.priority,
    dependency = EXCLUDED.dependency, work_dir = EXCLUDED.work_dir, command = EXCLUDED.command,
    stdout_path = EXCLUDED.stdout_path, stderr_path = EXCLUDED.stderr_path,
    comment = EXCLUDED.comment, submit_line = EXCLUDED.submit_line,
    restart_count = EXCLUDED.restart_count, exit_code = EXCLUDED.exit_code,
    exit_signal = EXCLUDED.exit_signal, array_job_id = EXCLUDED.array_job_id,
    array_task_id = EXCLUDED.array_task_id, array_pending = EXCLUDED.array_pending,
    task_states = EXCLUDED.task_states, het_job_id = EXCLUDED.het_job_id,
    het_offset = EXCLUDED.het_offset, revision = EXCLUDED.revision,
    observed_at = EXCLUDED.observed_at, source = EXCLUDED.source,
    first_observed_at = LEAST(jo.first_observed_at, EXCLUDED.first_observed_at),
    vanished_at = EXCLUDED.vanished_at, node_names = EXCLUDED.node_names,
    has_all_node_names = EXCLUDED.has_all_node_names, batch_host = EXCLUDED.batch_host,
    gpu_source = EXCLUDED.gpu_source, dependencies = EXCLUDED.dependencies,
    request = EXCLUDED.request, stdin_path = EXCLUDED.stdin_path,
    unexpanded_paths = EXCLUDED.unexpanded_paths, sluid = EXCLUDED.sluid, project = EXCLUDED.project
WHERE EXCLUDED.revision > jo.revision

-- name: lower_first_observed
-- No rows; a fact that comes late may still be the first that was seen of its job.
UPDATE jobs AS jo
SET first_observed_at = ba.first_observed_at
FROM unnest(
    %(cluster)s::text[], %(job_id)s::text[], %(submitted_at)s::timestamptz[],
    %(first_observed_at)s::timestamptz[]
) AS ba (cluster, job_id, submitted_at, first_observed_at)
WHERE
    jo.cluster = ba.cluster
    AND jo.job_id = ba.job_id
    AND jo.submitted_at = ba.submitted_at
    AND ba.first_observed_at < jo.first_observed_at

-- name: insert_job_events
-- One row: how many facts of the batch were new, and the newest number of recording among them.
-- Numbers follow the order of the batch.
WITH added AS (
    INSERT INTO job_events (
        event_id, cluster, job_id, submitted_at, restart_count, verb, state, reason, source,
        occurred_at, observed_at, revision, changed, job_name, user_name, account
    )
    SELECT
        ba.event_id, ba.cluster, ba.job_id, ba.submitted_at, ba.restart_count, ba.verb, ba.state,
        ba.reason, ba.source, ba.occurred_at, ba.observed_at, ba.revision, ba.changed::text[],
        ba.job_name, ba.user_name, ba.account
    FROM unnest(
        %(event_id)s::text[], %(cluster)s::text[], %(job_id)s::text[],
        %(submitted_at)s::timestamptz[], %(restart_count)s::integer[], %(verb)s::text[],
        %(state)s::text[], %(reason)s::text[], %(source)s::text[], %(occurred_at)s::timestamptz[],
        %(observed_at)s::timestamptz[], %(revision)s::bigint[], %(changed)s::text[],
        %(name)s::text[], %(user)s::text[], %(account)s::text[]
    ) WITH ORDINALITY AS ba (
        event_id, cluster, job_id, submitted_at, restart_count, verb, state, reason, source,
        occurred_at, observed_at, revision, changed, job_name, user_name, account, place
    )
    ORDER BY ba.place
    ON CONFLICT (event_id) DO NOTHING
    RETURNING event_seq
)
SELECT count(*) AS added, coalesce(max(ad.event_seq), 0) AS last_event_seq
FROM added AS ad

-- name: notify_events
-- One row without meaning; wakes who listens, once this transaction is committed.
SELECT pg_notify('slurmfleet_events', %(event_seq)s::bigint::text)

-- name: lock_writing
-- One row without meaning; waits for the writing transaction before this one, so that numbers of
-- recording grow in the order in which they become visible.
SELECT pg_advisory_xact_lock(%(key)s::bigint)
