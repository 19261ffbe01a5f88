-- The board: jobs that are over and that nobody has put away yet. What people say of single jobs stands here,
-- since no cluster and no fact tells it; everything else on the board follows from jobs.
-- A job is put away up to a run: one that was requeued and ended again is shown again, however it was written.
-- Rows: as many pins as people set, at most some thousand.
-- Lock: SHARE on jobs while its new index is made, so writing waits. Expected duration: some seconds per
-- million jobs.

ALTER TABLE jobs ADD COLUMN put_away_run integer;
COMMENT ON COLUMN jobs.put_away_run IS
    'Restart count of the run that somebody put away from the board; NULL: nobody did. No fact tells it.';

CREATE INDEX jobs_board ON jobs (
    coalesce(put_away_run >= restart_count, FALSE),
    coalesce(ended_at, vanished_at, observed_at) DESC,
    cluster,
    job_id
)
WHERE NOT is_live;
COMMENT ON INDEX jobs_board IS 'Keyset of the board, and of what was put away: the latest end first.';

CREATE TABLE board_pins (
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamptz NOT NULL,
    pinned_by text NOT NULL,
    pinned_at timestamptz NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (cluster, job_id, submitted_at)
);
COMMENT ON TABLE board_pins IS
    'One row per job that somebody pinned to the board. Written by: projector.';
COMMENT ON COLUMN board_pins.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN board_pins.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';
COMMENT ON COLUMN board_pins.submitted_at IS 'When Slurm first accepted the job.';
COMMENT ON COLUMN board_pins.pinned_by IS 'Who said so, as the audit calls them.';
COMMENT ON COLUMN board_pins.pinned_at IS 'When.';
COMMENT ON COLUMN board_pins.reason IS 'Why, in their words; untrusted text.';

GRANT SELECT ON board_pins TO slurmfleet_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON board_pins TO slurmfleet_writer;
