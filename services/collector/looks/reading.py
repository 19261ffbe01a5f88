"""From the frames of a look to evidence; pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.collector.jobs.coverage import EVERYBODY, Coverage
from services.collector.jobs.tracked import Look
from services.collector.outcomes import section_of, went_well, went_wrong
from slurmfleet.contracts.events import PartitionCount
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import NO_GPUS, Job, JobState
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.slurm.arrays import parse_job_ref
from slurmfleet.slurm.columns import ANY_SLURM, Dialect
from slurmfleet.slurm.errors import SlurmParseError
from slurmfleet.slurm.faults import find_fault
from slurmfleet.slurm.frames import Frames, SectionOutput
from slurmfleet.slurm.records import NO_RECORDS, BadRow, Records, Separators
from slurmfleet.slurm.squeue import QueueCounts, parse_detail, parse_queue
from slurmfleet.slurm.waiting import Waiting

MOST_GROUPS = 5_000
"""Groups of everybody's jobs that are told with their users."""

_Group = tuple[str, str, str, JobState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one look asked for; the answer is read with it in hand."""

    names: tuple[str, ...]
    """Names of the sections, in order."""

    separators: Separators
    dialect: Dialect = ANY_SLURM
    covered: Coverage = EVERYBODY
    """Whose jobs the detail sections list."""

    followed: Coverage = EVERYBODY
    known: Records = field(default_factory=lambda: NO_RECORDS)
    """The records of looks before, read in the same dialect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one look said."""

    look: Look
    sections: tuple[SectionOutcome, ...]
    population: tuple[PartitionCount, ...] | None
    waiting: tuple[Waiting, ...] | None
    """What everybody's waiting jobs ask for; None where they were not counted."""

    bad_rows: Mapping[SectionName, Sequence[BadRow]]
    records: Records
    """What was read, for the next look."""

    @property
    def detail_ok(self) -> bool:
        """Whether the tracked jobs were read."""
        return self.look.present is not None

    @property
    def queue_rows(self) -> int | None:
        """How many records everybody's jobs take; None where they were not counted."""
        counted = [one.rows for one in self.sections if one.name is SectionName.QUEUE and one.ok]
        return counted[0] if counted else None

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
    waiting: tuple[Waiting, ...] | None = None
    bad: tuple[BadRow, ...] = ()
    records: Records = field(default_factory=lambda: NO_RECORDS)
    absence_counts: bool = True


def read_frames(frames: Frames, asked: Asked, *, observed_at: datetime) -> Reading:
    """Read every section that was asked for; one that failed gives no evidence.

    The tracked jobs count as read only if every section that lists them is well: a job that is
    missing from one may stand in the other.
    """
    parts = [_read(name, frames.sections.get(name), asked) for name in asked.names]
    details = [part for part in parts if part.outcome.name is not SectionName.QUEUE]
    unreadable = [_id_of(row, asked.separators) for part in details for row in part.bad]
    queue = next((part for part in parts if part.outcome.name is SectionName.QUEUE), None)
    return Reading(
        look=Look(
            observed_at=observed_at,
            present=_together(details),
            covered=asked.covered,
            followed=asked.followed,
            unreadable=frozenset(one for one in unreadable if one is not None),
            # A row that does not even tell its id may be any job: then none is missing for sure.
            absence_counts=None not in unreadable and all(part.absence_counts for part in details),
        ),
        sections=tuple(part.outcome for part in parts),
        population=queue.population if queue is not None else None,
        waiting=queue.waiting if queue is not None else None,
        bad_rows={part.outcome.name: part.bad for part in parts if part.bad},
        records=_all_records(details),
    )


def _together(parts: Sequence[_Part]) -> tuple[Job, ...] | None:
    """Give the jobs of several sections, each job once; None when one of them failed."""
    if not parts or not all(part.outcome.ok for part in parts):
        return None
    return tuple({job.job_id: job for part in parts for job in part.jobs}.values())


def _all_records(parts: Sequence[_Part]) -> Records:
    """Give the records of several sections; of one alone, which is most looks, uncopied."""
    if len(parts) == 1:
        return parts[0].records
    return {digest: job for part in parts for digest, job in part.records.items()}


def _id_of(row: BadRow, separators: Separators) -> JobId | None:
    """Give whose record could not be understood; None where not even that can be read."""
    try:
        return parse_job_ref(row.line.partition(separators.inner or separators.field)[0]).job_id
    except SlurmParseError:
        return None


def _read(name: str, output: SectionOutput | None, asked: Asked) -> _Part:
    fault = find_fault(output)
    section = section_of(name)
    if output is None or (fault is not None and not fault.rows_hold):
        return _Part(outcome=went_wrong(section, output, fault))
    if section is SectionName.QUEUE:
        counts = parse_queue(output.stdout, asked.dialect)
        bad = counts.bad
        outcome = went_well(section, output, fault=fault, rows=counts.rows, bad_rows=len(bad))
        return _Part(outcome=outcome, population=_by_group(counts), waiting=counts.waiting, bad=bad)
    rows = parse_detail(output.raw, asked.separators, asked.dialect, known=asked.known)
    return _Part(
        outcome=went_well(
            section, output, fault=fault, rows=len(rows.jobs), bad_rows=len(rows.bad)
        ),
        jobs=rows.jobs,
        bad=rows.bad,
        records=rows.records,
        absence_counts=fault is None,
    )


def _by_group(counts: QueueCounts) -> tuple[PartitionCount, ...]:
    """Give the counts by partition, account, user and state; without users where they are many.

    A fact must fit into one message of the bus.
    """
    by_group: Counter[_Group] = Counter()
    gpus: Counter[_Group] = Counter()
    by_type: dict[_Group, Counter[str]] = {}
    with_users = len(counts.counts) <= MOST_GROUPS
    for one, count in counts.counts.items():
        group = (one.partition, one.account, one.user if with_users else "", one.state)
        by_group[group] += count.jobs
        gpus[group] += count.gpus
        if count.gpus_by_type:
            by_type.setdefault(group, Counter()).update(count.gpus_by_type)
    return tuple(
        PartitionCount(
            partition=partition,
            account=account,
            user=user,
            state=state,
            jobs=jobs,
            gpus=gpus[partition, account, user, state],
            gpus_by_type=dict(by_type.get((partition, account, user, state), NO_GPUS)),
        )
        for (partition, account, user, state), jobs in sorted(by_group.items())
    )
