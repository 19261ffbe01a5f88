-- The board: jobs that are over and that nobody has put away yet. What people said of single jobs stands here,
-- since no cluster and no fact tells it; everything else on the board follows from jobs.
-- Rows: as many as jobs are put away, up to some 50,000 a day; forgotten once no board shows so old an end.
-- Lock: SHARE on jobs while its new index is made, so writing waits. Expected duration: some seconds per
-- million jobs.

CREATE TABLE board_marks (
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamptz NOT NULL,
    restart_count integer NOT NULL,
    mark text NOT NULL,
    marked_by text NOT NULL,
    marked_at timestamptz NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (cluster, job_id, submitted_at),
    CONSTRAINT board_marks_known CHECK (mark IN ('pinned', 'dismissed'))
);
COMMENT ON TABLE board_marks IS
    'One row per job that somebody pinned to the board or put away. Written by: projector, on request.';
COMMENT ON COLUMN board_marks.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN board_marks.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';
COMMENT ON COLUMN board_marks.submitted_at IS 'When Slurm first accepted the job.';
COMMENT ON COLUMN board_marks.restart_count IS 'The run that was put away; a later one is shown again.';
COMMENT ON COLUMN board_marks.mark IS 'pinned: shown however old; dismissed: not shown any more.';
COMMENT ON COLUMN board_marks.marked_by IS 'Who said so, as the audit calls them.';
COMMENT ON COLUMN board_marks.marked_at IS 'When.';
COMMENT ON COLUMN board_marks.reason IS 'Why, in their words; untrusted text.';

CREATE INDEX board_marks_age ON board_marks (mark, marked_at);
COMMENT ON INDEX board_marks_age IS 'All pins, and what is old enough to be forgotten.';
CREATE INDEX jobs_over ON jobs (coalesce(ended_at, vanished_at, observed_at) DESC, cluster, job_id)
WHERE NOT is_live;
COMMENT ON INDEX jobs_over IS 'Keyset of the board: what was over last.';

GRANT SELECT ON board_marks TO slurmfleet_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON board_marks TO slurmfleet_writer;
