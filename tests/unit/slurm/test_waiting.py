"""Which waiting jobs compete for room."""

import pytest

from slurmfleet.slurm.waiting import waits_for_room

ROOM = [
    "Priority",
    "Resources",
    "None",
    "ReqNodeNotAvail, UnavailableNodes:hgx04",
    "ReqNodeNotAvail, May be reserved for other job",
    ("Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions"),
]
KEPT = [
    "Dependency",
    "DependencyNeverSatisfied",
    "JobHeldUser",
    "JobHeldAdmin",
    "BeginTime",
    "JobArrayTaskLimit",
    "AssocGrpGRES",
    "QOSMaxJobsPerUserLimit",
    "QOSMaxGRESPerUser",
    "MaxGRESPerAccount",
    "PartitionTimeLimit",
    "PartitionDown",
    "Licenses",
    "Reservation",
    "BadConstraints",
    "launch failed requeued held",
]


@pytest.mark.parametrize("reason", ROOM)
def test_a_job_that_lacks_room_alone_competes(reason: str):
    assert waits_for_room(reason)


@pytest.mark.parametrize("reason", KEPT)
def test_a_job_that_something_else_keeps_does_not(reason: str):
    assert not waits_for_room(reason)
