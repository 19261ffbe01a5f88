-- The project of a job. Rows that are there get theirs from the projector, in small steps.
-- Lock: ACCESS EXCLUSIVE on jobs for the column, without rewriting it; then SHARE, so writing waits.
-- Expected duration: two seconds per million jobs.

ALTER TABLE jobs ADD COLUMN project text NOT NULL DEFAULT '';
COMMENT ON COLUMN jobs.project IS 'By its name and the rules of the moment, analysis.projects; empty for none.';

CREATE INDEX jobs_project ON jobs (project, submitted_at DESC);
COMMENT ON INDEX jobs_project IS 'History of one project.';

CREATE TABLE project_assignment (
    only_row boolean PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    rules jsonb NOT NULL,
    after_cluster text,
    after_job_id text,
    after_submitted_at timestamptz,
    is_done boolean NOT NULL
);
COMMENT ON TABLE project_assignment IS
    'One row: by which rules stored jobs have their projects, and how far that has come. Written by: projector.';
COMMENT ON COLUMN project_assignment.only_row IS 'Always true: there is one row at most.';
COMMENT ON COLUMN project_assignment.rules IS 'The rules, as a list of objects; analysis.projects.ProjectRule.';
COMMENT ON COLUMN project_assignment.after_cluster IS 'Jobs up to this one, in the order of the primary key, are done; NULL at the begin.';
COMMENT ON COLUMN project_assignment.after_job_id IS 'The same job''s id.';
COMMENT ON COLUMN project_assignment.after_submitted_at IS 'When the same job was submitted.';
COMMENT ON COLUMN project_assignment.is_done IS 'Whether every job has been looked at.';

CREATE OR REPLACE VIEW grafana.jobs AS
SELECT
    jo.cluster, jo.job_id, jo.submitted_at, jo.state, jo.reason, jo.name, jo.user_name, jo.account,
    jo.partition, jo.qos, jo.eligible_at, jo.started_at, jo.expected_start_at, jo.ended_at,
    jo.time_limit_s, jo.node_count, jo.node_list, jo.cpu_count, jo.memory_mib, jo.gpu_count,
    jo.gpus_by_type, jo.restart_count, jo.exit_code, jo.exit_signal, jo.is_live, jo.observed_at,
    jo.source, jo.array_job_id, jo.array_task_id, jo.het_job_id, jo.het_offset, jo.task_states,
    coalesce(jo.array_job_id, jo.het_job_id) AS group_id,
    (jo.array_job_id IS NOT NULL AND jo.array_task_id IS NULL)
    OR (jo.het_job_id IS NOT NULL AND jo.het_offset IS NULL) AS is_group,
    jo.project
FROM jobs AS jo
WHERE
    NOT jo.is_live
    OR jo.cluster NOT IN (
        SELECT gone.name FROM clusters AS gone WHERE gone.removed_at IS NOT NULL
    );

GRANT SELECT ON project_assignment TO slurmfleet_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON project_assignment TO slurmfleet_writer;
