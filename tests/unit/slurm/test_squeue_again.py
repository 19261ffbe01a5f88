"""Records that come again: the same job, unread, until something but its priority has moved."""

from slurmfleet.slurm.columns import ANY_SLURM
from slurmfleet.slurm.records import NO_RECORDS, ParsedRows, Records, separators_for
from slurmfleet.slurm.squeue import parse_detail
from slurmfleet.testing.records import detail_record
from tests.unit.slurm.test_squeue import RUNNING


def look(nonce: str, *records: dict[str, str], known: Records = NO_RECORDS) -> ParsedRows:
    """Read what squeue would print in one call, with the separators of that call."""
    separators = separators_for(nonce * 16)
    text = "".join(detail_record(RUNNING | one, separators) for one in records)
    return parse_detail(text.encode(), separators, ANY_SLURM, known=known)


def test_a_record_that_comes_again_gives_the_very_same_job():
    before = look("a", {}, {"JobArrayID": "13", "JobID": "13"})

    after = look("b", {}, {"JobArrayID": "13", "JobID": "13"}, known=before.records)

    assert [id(job) for job in after.jobs] == [id(job) for job in before.jobs]
    assert after.records == before.records


def test_a_priority_that_moves_by_itself_makes_no_new_job():
    before = look("a", {"PriorityLong": "10"})

    after = look("b", {"PriorityLong": "11"}, known=before.records)

    assert after.jobs[0] is before.jobs[0]


def test_a_record_with_anything_else_new_is_read_with_its_priority():
    for column, value in (("State", "COMPLETED"), ("Name", "other"), ("Comment", "")):
        before = look("a", {"PriorityLong": "10"})

        after = look("b", {"PriorityLong": "11", column: value}, known=before.records)

        assert after.jobs[0] != before.jobs[0]
        assert after.jobs[0].priority == 11


def test_what_left_the_queue_is_not_kept():
    before = look("a", {}, {"JobArrayID": "13", "JobID": "13"})

    after = look("b", {}, known=before.records)

    assert list(after.records.values()) == list(after.jobs)


def test_a_record_that_cannot_be_read_is_kept_out_and_counted_each_time():
    before = look("a", {}, {"SubmitTime": "never"})

    after = look("b", {}, {"SubmitTime": "never"}, known=before.records)

    assert len(before.bad) == len(after.bad) == 1
    assert after.jobs == before.jobs
