"""Failures that real Slurm printed, as recorded."""

import pytest

from slurmfleet.slurm.faults import FaultKind, find_fault
from tests.unit.slurm.recorded import Recorded


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("queue-controller-down", FaultKind.CONTROLLER_DOWN),
        ("accounting-database-down", FaultKind.ACCOUNTING_DOWN),
        ("queue-unknown-id", FaultKind.INVALID_JOB),
        ("queue-unknown-field", FaultKind.INVALID_FORMAT),
    ],
)
def test_failures_are_known_by_slurms_words(recorded: Recorded, case: str, kind: FaultKind):
    fault = find_fault(recorded(case).output)

    assert fault is not None
    assert fault.kind is kind


@pytest.mark.parametrize("slurm_version", ["22.05.8"], indirect=True)
def test_a_field_that_sacct_does_not_know_is_a_fault(recorded: Recorded):
    fault = find_fault(recorded("accounting-restarts").output)

    assert fault is not None
    assert fault.kind is FaultKind.INVALID_FORMAT


@pytest.mark.parametrize(
    "case", ["queue", "queue-empty", "queue-some-unknown-ids", "accounting-unknown-id"]
)
def test_what_went_well_is_no_fault(recorded: Recorded, case: str):
    assert find_fault(recorded(case).output) is None
