"""How many jobs of everybody wait and run, out of the queue."""

from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.contracts.jobs import JobState
from slurmfleet.slurm.abilities import Abilities
from slurmfleet.slurm.columns import (
    dialect_for,
)
from slurmfleet.slurm.records import BadRow
from slurmfleet.slurm.squeue import QueueCount, QueueGroup, parse_queue


def test_queue_counts_jobs_and_gpus_by_partition_account_user_and_state():
    text = (
        "1|alice|ml|batch|RUNNING|cpu=8,gres/gpu=2|None|\n"
        "2|alice|ml|batch|RUNNING|cpu=8,gres/gpu=2|None|\n"
        "3|alice|ml|batch|COMPLETING|cpu=1,gres/gpu:h100=1|None|\n"
        "4|bob|ml|batch|RUNNING|cpu=8|None|\n"
        "5|alice|(null)|batch|RUNNING|cpu=8|None|\n"
        "15_[2-9%2]|bob|ml|batch|PENDING|cpu=1,gres/gpu=4|JobArrayTaskLimit|\n"
        "15_1|bob|ml|cpu,batch|PENDING|cpu=1|Priority|\n"
        "17+1|bob|ml|cpu|SUSPENDED|N/A|None|\n"
    )

    counts = parse_queue(text)

    assert (counts.rows, counts.bad) == (8, ())
    assert counts.counts == {
        ("batch", "ml", "alice", JobState.RUNNING): QueueCount(
            jobs=3, gpus=5, gpus_by_type={"h100": 1}
        ),
        ("batch", "ml", "bob", JobState.RUNNING): QueueCount(jobs=1, gpus=0),
        ("batch", "", "alice", JobState.RUNNING): QueueCount(jobs=1, gpus=0),
        ("batch", "ml", "bob", JobState.PENDING): QueueCount(jobs=8, gpus=32),
        ("cpu,batch", "ml", "bob", JobState.PENDING): QueueCount(jobs=1, gpus=0),
        ("cpu", "ml", "bob", JobState.SUSPENDED): QueueCount(jobs=1, gpus=0),
    }


def test_a_malformed_line_of_the_queue_costs_only_itself():
    text = (
        "1|a|ml|batch|RUNNING|cpu=1|None|\n"
        "noise\n"
        "Last login: today|x\n"
        "2|a|ml|batch|RUNNING|None|\n"
        "3|a|ml|batch||cpu=1|None|\n"
        "4_[9-2]|a|ml|batch|PENDING|cpu=1|None|\n"
        "5|a|ml|batch|RUNNING|cpu=1|None|extra\n"
    )

    counts = parse_queue(text)

    assert counts.rows == 1
    assert counts.counts == {("batch", "ml", "a", JobState.RUNNING): QueueCount(jobs=1, gpus=0)}
    assert {row.line for row in counts.bad} == {
        "noise",
        "Last login: today|x",
        "a|ml|batch|RUNNING|None|",
        "a|ml|batch||cpu=1|None|",
        "4_[9-2]|a|ml|batch|PENDING|cpu=1|None|",
        "a|ml|batch|RUNNING|cpu=1|None|extra",
    }
    assert BadRow(line="noise", error="no field separator: 'noise'") in counts.bad


def test_gpus_of_a_site_that_counts_none_are_counted_from_the_requests():
    dialect = dialect_for(Abilities(counted_tres=("cpu", "mem", "node")))
    text = (
        "1|alice|ml|batch|RUNNING|cpu=8|None|gres:gpu:4|gres:gpu:2|N/A|2|2|\n"
        "2|alice|ml|batch|RUNNING|cpu=8|None|N/A|gres/gpu:h100:2|N/A|3|3|\n"
        "3|alice|ml|batch|RUNNING|cpu=8|None|N/A|N/A|gres/gpu=1|1|5|\n"
        "9_[0-9]|alice|ml|batch|PENDING|cpu=8|None|N/A|gres:gpu:1|N/A|1|1|\n"
    )

    counts = parse_queue(text, dialect)

    assert (counts.rows, counts.bad) == (4, ())
    assert counts.counts == {
        ("batch", "ml", "alice", JobState.RUNNING): QueueCount(
            jobs=3, gpus=15, gpus_by_type={"h100": 6}
        ),
        ("batch", "ml", "alice", JobState.PENDING): QueueCount(jobs=10, gpus=10),
    }


def test_waiting_jobs_are_counted_by_the_type_they_name_and_by_what_keeps_them():
    text = (
        "1|alice|ml|batch|RUNNING|gres/gpu=8|None|\n"
        "2|alice|ml|batch|PENDING|gres/gpu=8,gres/gpu:h100=8|Resources|\n"
        "3|bob|bio|batch|PENDING|gres/gpu=4,gres/gpu:h100=4|Priority|\n"
        "4_[0-9]|bob|bio|batch|PENDING|gres/gpu=1|Priority|\n"
        "5|bob|bio|batch|PENDING|gres/gpu=1|QOSMaxGRESPerUser|\n"
        "6|bob|bio|batch|PENDING|gres/gpu=3,gres/gpu:a100=1|ReqNodeNotAvail, May be reserved|\n"
        "7|bob|bio|a,batch|PENDING|gres/gpu=2|JobHeldUser|\n"
        "8|bob|bio|batch|PENDING|cpu=8|Priority|\n"
    )

    counts = parse_queue(text)

    assert (counts.rows, counts.bad) == (8, ())
    assert {
        (one.partitions, one.gpu_type, one.is_eligible): (one.jobs, one.gpus)
        for one in counts.waiting
    } == {
        ("a,batch", "", False): (1, 2),
        ("batch", "", False): (1, 1),
        ("batch", "", True): (11, 12),
        ("batch", "a100", True): (1, 1),
        ("batch", "h100", True): (2, 12),
    }
    assert counts.counts[QueueGroup("batch", "bio", "bob", JobState.PENDING)] == QueueCount(
        jobs=14, gpus=18, gpus_by_type={"h100": 4, "a100": 1}
    )


@given(st.text())
def test_garbage_is_never_counted(garbage: str):
    assert parse_queue(garbage).counts == {}
