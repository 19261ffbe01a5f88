-- The record of every look at a cluster; a hypertable where TimescaleDB is there.
-- About 2,900 rows a day and cluster at an interval of 30 s: 57,600 a day for 20 clusters.
-- Lock: none, new table. Expected duration: below one second.

CREATE TABLE polls (
    cluster text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    duration_s double precision NOT NULL,
    link text NOT NULL,
    error text NOT NULL,
    failed boolean NOT NULL,
    interval_s double precision NOT NULL,
    state_since timestamptz NOT NULL,
    sections jsonb NOT NULL,
    slurm_version text NOT NULL,
    tracked_jobs integer NOT NULL,
    slurm_rpcs integer NOT NULL,
    clock_offset_s double precision,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (cluster, started_at)
);
COMMENT ON TABLE polls IS 'One row per look at a cluster, kept for a limited time. Written by: projector.';
COMMENT ON COLUMN polls.cluster IS 'The cluster''s name.';
COMMENT ON COLUMN polls.started_at IS 'When the look began.';
COMMENT ON COLUMN polls.finished_at IS 'When the look ended.';
COMMENT ON COLUMN polls.duration_s IS 'Seconds it took.';
COMMENT ON COLUMN polls.link IS 'How it reached the login node; contracts.events.LinkState.';
COMMENT ON COLUMN polls.error IS 'What went wrong; empty when all went well.';
COMMENT ON COLUMN polls.failed IS 'Whether the login node was not reached or did not tell the tracked jobs when asked.';
COMMENT ON COLUMN polls.interval_s IS 'Seconds until the next look is due.';
COMMENT ON COLUMN polls.state_since IS 'Since when the collector remembers.';
COMMENT ON COLUMN polls.sections IS 'Outcome of each section; contracts.events.SectionOutcome as an array of objects.';
COMMENT ON COLUMN polls.slurm_version IS 'As Slurm told it; empty when not told.';
COMMENT ON COLUMN polls.tracked_jobs IS 'Live jobs of tracked users and accounts.';
COMMENT ON COLUMN polls.slurm_rpcs IS 'Requests it cost Slurm.';
COMMENT ON COLUMN polls.clock_offset_s IS 'The login node''s clock minus ours, in seconds; NULL when not told.';
COMMENT ON COLUMN polls.recorded_at IS 'When it was stored.';

CREATE INDEX polls_failed ON polls (cluster, started_at) WHERE failed;
COMMENT ON INDEX polls_failed IS 'Finds since when a cluster fails without reading the good polls.';

-- if edition: community, apache
SELECT create_hypertable(
    'polls', 'started_at', chunk_time_interval => INTERVAL '7 days', create_default_indexes => FALSE
);
-- end if

GRANT SELECT ON polls TO slurmfleet_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON polls TO slurmfleet_writer;
