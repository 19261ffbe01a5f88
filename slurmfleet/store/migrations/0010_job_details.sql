-- What jobs wait for and what they asked for, their nodes by name and where their files are.
-- Rows that are there are filled when their next fact comes; until then they say nothing of it.
-- Lock: ACCESS EXCLUSIVE on jobs, without rewriting it. Expected duration: below one second.

ALTER TABLE jobs
    ADD COLUMN node_names text[] NOT NULL DEFAULT '{}',
    ADD COLUMN has_all_node_names boolean NOT NULL DEFAULT true,
    ADD COLUMN batch_host text NOT NULL DEFAULT '',
    ADD COLUMN gpu_source text NOT NULL DEFAULT '',
    ADD COLUMN dependencies jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN request jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN stdin_path text NOT NULL DEFAULT '',
    ADD COLUMN unexpanded_paths text[] NOT NULL DEFAULT '{}',
    ADD COLUMN sluid text NOT NULL DEFAULT '';
COMMENT ON COLUMN jobs.node_names IS 'The names in node_list, at most 1,024.';
COMMENT ON COLUMN jobs.has_all_node_names IS 'Whether node_names is all of node_list.';
COMMENT ON COLUMN jobs.batch_host IS 'Node that runs the batch script; empty while pending.';
COMMENT ON COLUMN jobs.gpu_source IS 'What gpu_count was read from: none, tres, request, unknown; empty for rows of earlier versions.';
COMMENT ON COLUMN jobs.dependencies IS 'What it waits for, as a list of objects; contracts.job_parts.Dependency.';
COMMENT ON COLUMN jobs.request IS 'What it asked for, as an object; contracts.job_parts.JobRequest. Untrusted text is in it.';
COMMENT ON COLUMN jobs.stdin_path IS 'File that the batch script reads; untrusted text.';
COMMENT ON COLUMN jobs.unexpanded_paths IS 'Which of stdout_path, stderr_path and stdin_path still hold a % pattern.';
COMMENT ON COLUMN jobs.sluid IS 'Slurm''s own id that is never used again; empty before 26.05.';
COMMENT ON COLUMN jobs.stdout_path IS 'Absolute, with its % patterns expanded unless it is among unexpanded_paths; untrusted text.';
COMMENT ON COLUMN jobs.stderr_path IS 'As stdout_path, which it equals where the user named no file of its own.';
