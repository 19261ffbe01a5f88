"""From the frames of one composite command to evidence; pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.collector.tracked import Look
from slurmfleet.contracts.events import PartitionCount
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Job, JobState
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.slurm.faults import Fault, find_fault
from slurmfleet.slurm.frames import Frames, SectionOutput
from slurmfleet.slurm.records import BadRow, Separators
from slurmfleet.slurm.sacct import parse_accounting
from slurmfleet.slurm.squeue import QueueCounts, parse_detail, parse_queue

_ERROR_LIMIT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one look asked for; the answer is read with it in hand."""

    names: tuple[str, ...]
    """Names of the sections, in order."""

    separators: Separators
    with_restarts: bool
    jobs: frozenset[JobId]
    """About whom accounting was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one look said."""

    look: Look
    sections: tuple[SectionOutcome, ...]
    population: tuple[PartitionCount, ...] | None
    bad_rows: tuple[BadRow, ...]

    @property
    def detail_ok(self) -> bool:
        """Whether the tracked jobs were read."""
        return self.look.present is not None

    @property
    def accounting_ok(self) -> bool | None:
        """Whether accounting answered; None when it was not asked."""
        asked = [one for one in self.sections if one.name is SectionName.ACCOUNTING]
        return all(one.ok for one in asked) if asked else None

    @property
    def error(self) -> str:
        """Give the first failed section's words; empty when all is well."""
        return next((one.error for one in self.sections if not one.ok), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One section, read."""

    outcome: SectionOutcome
    jobs: tuple[Job, ...] = ()
    population: tuple[PartitionCount, ...] | None = None
    bad: tuple[BadRow, ...] = ()
    absence_counts: bool = True


def read_frames(frames: Frames, asked: Asked, *, observed_at: datetime) -> Reading:
    """Read every section that was asked for; one that failed gives no evidence.

    The tracked jobs count as read only if every section that lists them is well: a job that is
    missing from one may stand in the other.
    """
    parts = {name: _read(name, frames.sections, asked) for name in asked.names}
    details = [
        part
        for part in parts.values()
        if part.outcome.name in {SectionName.DETAIL, SectionName.DETAIL_ACCOUNTS}
    ]
    ledgers = [part for part in parts.values() if part.outcome.name is SectionName.ACCOUNTING]
    present = _together(details)
    queue = parts.get(SectionName.QUEUE)
    return Reading(
        look=Look(
            observed_at=observed_at,
            present=present,
            # A row that could not be understood may be any job: then none is missing for sure.
            absence_counts=all(part.absence_counts and not part.bad for part in details),
            accounting=_together(ledgers),
            asked=asked.jobs,
        ),
        sections=tuple(part.outcome for part in parts.values()),
        population=queue.population if queue is not None else None,
        bad_rows=tuple(row for part in parts.values() for row in part.bad),
    )


def _together(parts: list[_Part]) -> tuple[Job, ...] | None:
    """Give the jobs of several sections, each job once; None when one of them failed."""
    if not parts or not all(part.outcome.ok for part in parts):
        return None
    return tuple({job.job_id: job for part in parts for job in part.jobs}.values())


def _read(name: str, outputs: Mapping[str, SectionOutput], asked: Asked) -> _Part:
    output = outputs.get(name)
    fault = find_fault(output)
    section = SectionName(name.partition("-")[0])
    if output is None or (fault is not None and not fault.rows_hold):
        return _Part(outcome=_failed(section, output, fault))
    match section:
        case SectionName.QUEUE:
            counts = parse_queue(output.stdout)
            population = _by_partition(counts)
            outcome = _well(section, output, fault, rows=counts.rows, bad=len(counts.bad))
            return _Part(outcome=outcome, population=population, bad=counts.bad)
        case SectionName.ACCOUNTING:
            rows = parse_accounting(
                output.stdout, asked.separators, with_restarts=asked.with_restarts
            )
        case _:
            rows = parse_detail(output.stdout, asked.separators)
    return _Part(
        outcome=_well(section, output, fault, rows=len(rows.jobs), bad=len(rows.bad)),
        jobs=rows.jobs,
        bad=rows.bad,
        absence_counts=fault is None,
    )


def _by_partition(counts: QueueCounts) -> tuple[PartitionCount, ...]:
    jobs: Counter[tuple[str, JobState]] = Counter()
    gpus: Counter[tuple[str, JobState]] = Counter()
    for group, one in counts.counts.items():
        jobs[group.partition, group.state] += one.jobs
        gpus[group.partition, group.state] += one.gpus
    return tuple(
        PartitionCount(partition=partition, state=state, jobs=count, gpus=gpus[partition, state])
        for (partition, state), count in sorted(jobs.items())
    )


def _failed(
    section: SectionName, output: SectionOutput | None, fault: Fault | None
) -> SectionOutcome:
    explanation = fault.explanation if fault is not None else "It was never run."
    words = fault.words if fault is not None else ""
    return SectionOutcome(
        name=section,
        ok=False,
        exit_status=output.exit_status if output is not None else None,
        error=f"{explanation} {words}".strip()[:_ERROR_LIMIT],
    )


def _well(
    section: SectionName, output: SectionOutput, fault: Fault | None, *, rows: int, bad: int
) -> SectionOutcome:
    return SectionOutcome(
        name=section,
        ok=True,
        exit_status=output.exit_status,
        error=f"{fault.explanation} {fault.words}"[:_ERROR_LIMIT] if fault is not None else "",
        rows=rows,
        bad_rows=bad,
    )
