-- name: read_stream_position
-- One row at most: how far a stream was read.
SELECT sp.last_sequence, sp.last_published_at
FROM stream_positions AS sp
WHERE sp.stream = %(stream)s::text;

-- name: sum_stream_losses
-- One row: what a stream lost since a moment; nothing lost gives zeros and no moment.
SELECT
    count(*) AS losses,
    coalesce(sum(sl.messages), 0)::bigint AS messages,
    max(sl.noticed_at) AS noticed_at
FROM stream_losses AS sl
WHERE
    sl.stream = %(stream)s::text
    AND sl.noticed_at >= %(since)s::timestamptz;
