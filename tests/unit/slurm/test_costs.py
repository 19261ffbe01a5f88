"""What commands ask of Slurm, as sdiag counts it."""

import pytest

from slurmfleet.slurm.commands import (
    accounting_sections,
    detail_accounts_section,
    detail_section,
    queue_section,
)
from slurmfleet.slurm.costs import requests_of
from slurmfleet.slurm.records import PLAIN


@pytest.mark.parametrize(
    ("command", "requests"),
    [
        ("squeue -h -a", 2),
        ("squeue -h -u alice", 3),
        ("squeue -h -u alice,bob", 2),
        ("squeue --version", 0),
        ("scontrol -d -o show node", 2),
        ("scontrol -o show partition", 1),
        ("scontrol show config", 2),
        ("sinfo -h", 2),
        ("sshare -a -l", 1),
        ("sacct -e", 0),
        ("sacct -j 1", 1),
        ("df -P -k", 0),
        ("printenv PATH", 0),
    ],
)
def test_a_command_costs_what_sdiag_counts(command: str, requests: int):
    assert requests_of(command.split()) == requests


def test_sections_tell_their_cost():
    sections = [
        detail_section(["alice"], PLAIN),
        detail_section(["alice", "bob"], PLAIN),
        detail_accounts_section(["ml"], PLAIN),
        queue_section(),
        *accounting_sections(range(1, 1_001), PLAIN),
    ]

    assert [section.requests for section in sections] == [3, 2, 2, 2, 1, 1]
