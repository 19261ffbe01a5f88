"""What follows from what others believe of jobs or have missed of them; pure.

Others find by a roll that they know jobs as live that the collector does not name, or that they
missed facts. Whoever knows less takes up what the other knows (ADR-0015).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.collector.jobs.ledger import Ledger
from services.collector.jobs.tracked import Memory, Outcome, Tracked
from services.collector.jobs.verdicts import end_past_runs
from slurmfleet.contracts.ids import ClusterName, JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What follows from jobs that others believe live."""

    outcome: Outcome
    adopted: int
    """Taken up: accounting will be asked about them."""

    told: int
    """Of these more was known, or that another job has their id now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retelling:
    """What follows from jobs of which others missed facts."""

    outcome: Outcome
    told: int


def adopt(
    cluster: ClusterName, memory: Memory, claims: Sequence[Tracked], now: datetime
) -> Adoption:
    """Take up jobs that others believe live, or tell what is known better.

    Args:
        cluster: Whose jobs these are.
        memory: What is remembered.
        claims: What others know; ended ones are members that a group is put together from.
        now: When this is asked.
    """
    ledger = Ledger(cluster, memory, now)
    adopted = told = 0
    for claim in claims:
        known = ledger.get(claim.job.job_id)
        if known is None:
            ledger.remember(claim)
            adopted += not claim.ended
        elif not claim.ended:
            if _is_taken_up(ledger, known, claim):
                adopted += 1
            else:
                told += _tell_better(ledger, known, claim)
    return Adoption(outcome=ledger.outcome(), adopted=adopted, told=told)


def tell_again(
    cluster: ClusterName, memory: Memory, jobs: Sequence[tuple[JobId, datetime]], now: datetime
) -> Retelling:
    """Tell remembered jobs as they are; one that is not remembered by id and submission is not.

    Args:
        cluster: Whose jobs these are.
        memory: What is remembered.
        jobs: Their ids and when they were submitted.
        now: When this is asked.
    """
    ledger = Ledger(cluster, memory, now)
    told = 0
    for job_id, submitted_at in dict.fromkeys(jobs):
        known = ledger.get(job_id)
        if known is not None and known.job.submitted_at == submitted_at:
            ledger.tell_again(known)
            told += 1
    return Retelling(outcome=ledger.outcome(), told=told)


def _is_taken_up(ledger: Ledger, known: Tracked, claim: Tracked) -> bool:
    """Take a claim up where it is newer than what is remembered under its id; say whether."""
    if claim.job.submitted_at > known.job.submitted_at:
        # Slurm used the id again while somebody else looked: the one that is remembered is over.
        end_past_runs(ledger, known)
        if not known.is_over:
            ledger.tell_gone(known)
    elif not (
        claim.job.submitted_at == known.job.submitted_at
        and known.ended
        and claim.job.restart_count > known.job.restart_count
    ):
        return False
    ledger.remember(claim)
    return True


def _tell_better(ledger: Ledger, known: Tracked, claim: Tracked) -> bool:
    """Tell what is known better than a claim; say whether there was something."""
    if claim.job.submitted_at < known.job.submitted_at:
        ledger.tell_gone(claim)
    elif known.ended or known.revision > claim.revision:
        ledger.tell_again(known, above=claim.revision)
    else:
        return False
    return True
