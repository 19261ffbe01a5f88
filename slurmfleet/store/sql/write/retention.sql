-- name: forget_rows
-- One row: how many rows, or chunks of a hypertable, older than a moment were forgotten.
SELECT forget_rows(%(what)s::text, %(before)s::timestamptz, %(at_most)s::integer) AS forgotten
