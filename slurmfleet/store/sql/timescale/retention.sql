-- name: drop_old_poll_chunks
-- One row per dropped chunk; forgets polls that began before a moment, where polls is a hypertable.
SELECT drop_chunks('polls', older_than => %(before)s::timestamptz)
