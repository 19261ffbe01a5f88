-- name: write_stream_position
-- Keeps how far a stream was read; a stream that was cut moves back.
INSERT INTO stream_positions AS sp (stream, last_sequence, last_published_at)
VALUES (%(stream)s::text, %(last_sequence)s::bigint, %(last_published_at)s::timestamptz)
ON CONFLICT (stream) DO UPDATE SET
    last_sequence = EXCLUDED.last_sequence,
    last_published_at = EXCLUDED.last_published_at;

-- name: insert_stream_losses
-- Keeps losses; one that is known changes nothing.
INSERT INTO stream_losses (
    stream, kind, first_sequence, last_sequence, messages, lost_bytes, noticed_at
)
SELECT
    %(stream)s::text, nl.kind, nl.first_sequence, nl.last_sequence, nl.messages, nl.lost_bytes,
    %(noticed_at)s::timestamptz
FROM unnest(
    %(kind)s::text[],
    %(first_sequence)s::bigint[],
    %(last_sequence)s::bigint[],
    %(messages)s::bigint[],
    %(lost_bytes)s::bigint[]
) AS nl (kind, first_sequence, last_sequence, messages, lost_bytes)
ON CONFLICT DO NOTHING;
