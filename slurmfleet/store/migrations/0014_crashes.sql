-- Why jobs failed, and jobs that seem to have died inside, with the evidence.
-- A few hundred rows a day; kept as long as jobs are.
-- Lock: none, new table. Expected duration: below one second.

CREATE TABLE crashes (
    event_id text PRIMARY KEY,
    cluster text NOT NULL,
    job_id text NOT NULL,
    submitted_at timestamptz NOT NULL,
    restart_count integer NOT NULL,
    class text NOT NULL,
    certainty text NOT NULL,
    summary text NOT NULL,
    evidence jsonb NOT NULL,
    project text NOT NULL,
    occurred_at timestamptz,
    observed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    source text NOT NULL,
    revision bigint NOT NULL
);
COMMENT ON TABLE crashes IS
    'One row per finding about one run of a job; a later finding does not erase the earlier. Written by: projector.';
COMMENT ON COLUMN crashes.event_id IS 'The fact''s id, computed from its content.';
COMMENT ON COLUMN crashes.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN crashes.job_id IS 'The job''s id; with cluster and submitted_at the key of jobs.';
COMMENT ON COLUMN crashes.submitted_at IS 'When Slurm first accepted the job.';
COMMENT ON COLUMN crashes.restart_count IS 'How often Slurm had requeued it: which of its runs this is about.';
COMMENT ON COLUMN crashes.class IS 'Kind of crash: host_oom, cuda_oom, segfault, traceback, nccl, xid, …';
COMMENT ON COLUMN crashes.certainty IS
    'confirmed: Slurm says that it failed; suspected: it runs and seems dead inside; warning: it completed all the same.';
COMMENT ON COLUMN crashes.summary IS 'One line for people; untrusted text from logs may stand in it.';
COMMENT ON COLUMN crashes.evidence IS
    'What it was judged by: file, byte offset and line of each sign, as a list of objects. Untrusted text.';
COMMENT ON COLUMN crashes.project IS 'The job''s project when it was judged; empty for none.';
COMMENT ON COLUMN crashes.occurred_at IS 'When it happened by the log''s own clock; NULL where it does not tell.';
COMMENT ON COLUMN crashes.observed_at IS 'When the cluster showed the evidence.';
COMMENT ON COLUMN crashes.recorded_at IS 'When it was stored.';
COMMENT ON COLUMN crashes.source IS 'What was read: log, accounting, queue.';
COMMENT ON COLUMN crashes.revision IS 'Of two findings about one run of a job the larger one is the newer.';

CREATE INDEX crashes_job ON crashes (cluster, job_id, submitted_at, revision DESC);
COMMENT ON INDEX crashes_job IS 'Findings about one job, newest first.';
CREATE INDEX crashes_newest ON crashes (observed_at DESC, event_id);
COMMENT ON INDEX crashes_newest IS 'Keyset of the list of crashes.';

GRANT SELECT ON crashes TO slurmfleet_reader, slurmfleet_logbook;
GRANT SELECT, INSERT, UPDATE, DELETE ON crashes TO slurmfleet_writer;
