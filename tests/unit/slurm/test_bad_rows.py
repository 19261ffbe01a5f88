from slurmfleet.slurm.columns import QUEUE_COLUMNS
from slurmfleet.slurm.records import BAD_ROWS_LIMIT, BadRow, BadRows
from slurmfleet.slurm.squeue import parse_queue


def test_bad_rows_beyond_the_first_thousand_are_not_kept():
    row = BadRow(line="x", error="y")
    rows = BadRows()

    for _ in range(BAD_ROWS_LIMIT - 1):
        rows.append(row)
    rows.extend([row] * 5)
    rows.append(row)

    assert rows == [row] * BAD_ROWS_LIMIT


def test_good_rows_after_garbage_are_read():
    told = {"JobArrayID": "7", "State": "RUNNING"}
    row = "".join(f"{told.get(column, '')}|" for column in QUEUE_COLUMNS)
    text = "x\n" * (2 * BAD_ROWS_LIMIT) + f"{row}\n"

    counts = parse_queue(text)

    assert (counts.rows, len(counts.bad)) == (1, BAD_ROWS_LIMIT)
