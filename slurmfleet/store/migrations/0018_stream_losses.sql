-- How far the stream of facts was read, and what was found to be missing in it: a damaged disk takes
-- messages that were acknowledged, and nats-server drops them without a word to its consumers.
-- Rows per day: none, but where a disk is damaged.
-- Lock: none, new tables. Expected duration: below one second.

CREATE TABLE stream_positions (
    stream TEXT PRIMARY KEY,
    last_sequence BIGINT NOT NULL,
    last_published_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE stream_positions IS 'One row per stream: how far it was read. Written by: projector.';
COMMENT ON COLUMN stream_positions.stream IS 'The stream''s name; contracts.streams.';
COMMENT ON COLUMN stream_positions.last_sequence IS 'Place of the newest message that was read; seconds old at most.';
COMMENT ON COLUMN stream_positions.last_published_at IS 'When the bus took it; a younger message at an older place tells that the stream was cut.';

CREATE TABLE stream_losses (
    loss_seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream TEXT NOT NULL,
    kind TEXT NOT NULL,
    first_sequence BIGINT NOT NULL,
    last_sequence BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    lost_bytes BIGINT NOT NULL,
    noticed_at TIMESTAMPTZ NOT NULL,
    UNIQUE (stream, kind, first_sequence, last_sequence, lost_bytes)
);
COMMENT ON TABLE stream_losses IS 'One row per loss of messages that a stream had acknowledged. Written by: projector.';
COMMENT ON COLUMN stream_losses.loss_seq IS 'Number of the row.';
COMMENT ON COLUMN stream_losses.stream IS 'The stream''s name; contracts.streams.';
COMMENT ON COLUMN stream_losses.kind IS 'missing: cannot be read; cut: places were given away again; told: the server itself counts lost bytes.';
COMMENT ON COLUMN stream_losses.first_sequence IS 'First place that is concerned; 0 where the server tells none.';
COMMENT ON COLUMN stream_losses.last_sequence IS 'Last place that is concerned; 0 where the server tells none.';
COMMENT ON COLUMN stream_losses.messages IS 'Messages that are lost; 0 where it is not known.';
COMMENT ON COLUMN stream_losses.lost_bytes IS 'Bytes that are lost, by the server''s count; 0 where it is not known.';
COMMENT ON COLUMN stream_losses.noticed_at IS 'When the projector found it.';

GRANT SELECT ON stream_positions, stream_losses TO slurmfleet_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON stream_positions, stream_losses TO slurmfleet_writer;
