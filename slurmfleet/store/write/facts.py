"""Facts into tables: one transaction a batch, the same rows however often and in what order."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import class_row

from slurmfleet.analysis.projects import OWN_PROJECTS, ProjectOf
from slurmfleet.contracts.events import Fact, JobFact, PollFinished
from slurmfleet.store.pool import Connection, StorePool
from slurmfleet.store.statements import statement
from slurmfleet.store.write.job_batch import event_columns, job_columns, newest_per_job
from slurmfleet.store.write.poll_batch import (
    count_columns,
    folded,
    newest_populations,
    poll_columns,
    status_params,
    told_until,
)
from slurmfleet.store.write.samples import apply_samples, stored_samples
from slurmfleet.store.write.status import ClusterStatus
from slurmfleet.store.write.usage import apply_runs

LOCK_KEY = 0x736C_666C_6661_6374
"""Our own key among the server's advisory locks: "slflfact"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a batch did."""

    jobs: int = 0
    """Rows of `jobs` that were made or moved on."""

    job_events: int = 0
    """Job facts that were new."""

    polls: int = 0
    """Polls that were new."""

    samples: int = 0
    """Samples that were new."""

    duplicates: int = 0
    """Facts that had been recorded before, or came twice in the batch."""

    last_event_seq: int = 0
    """Newest number of recording in the batch; 0 when no job fact was new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What became of the events of a batch."""

    added: int
    last_event_seq: int
    """Newest number of recording among them; 0 when none was new."""


async def apply_facts(
    pool: StorePool, facts: Sequence[Fact], *, project_of: ProjectOf = OWN_PROJECTS
) -> Applied:
    """Store a batch of facts, all of it or nothing; listeners are woken when it is committed.

    Args:
        pool: Where.
        facts: In the order in which they were told.
        project_of: Gives the project of a job's name, by the rules of the moment.

    Raises:
        StoreError: A retryable one: the same batch may succeed later. StatementError: a fact in
            the batch cannot be stored; the others can, by themselves.
    """
    job_facts = [fact for fact in facts if isinstance(fact, JobFact)]
    polls = [fact for fact in facts if isinstance(fact, PollFinished)]
    samples = stored_samples(facts)
    if not facts:
        return Applied()
    async with pool.transaction("apply facts") as connection:
        await connection.execute(statement("lock_writing").text, {"key": LOCK_KEY})
        new_polls = await _apply_polls(connection, polls) if polls else 0
        jobs, added = await write_job_facts(connection, job_facts, project_of)
        if added.added:
            newest = {"event_seq": added.last_event_seq}
            await connection.execute(statement("notify_events").text, newest)
        new_samples = await apply_samples(connection, samples) if samples else 0
    told = len(job_facts) + len(polls) + len(samples)
    return Applied(
        jobs=jobs,
        job_events=added.added,
        polls=new_polls,
        samples=new_samples,
        duplicates=told - added.added - new_polls - new_samples,
        last_event_seq=added.last_event_seq,
    )


async def write_job_facts(
    connection: Connection, facts: Sequence[JobFact], project_of: ProjectOf = OWN_PROJECTS
) -> tuple[int, Added]:
    """Write facts about jobs into the tables that the connection finds under their names.

    A rebuild has tables of its own there: what a fact means is said here and nowhere else.

    Returns:
        Rows of `jobs` that were made or moved on, and what became of `job_events`.
    """
    if not facts:
        return 0, Added(added=0, last_event_seq=0)
    stored = await _apply_jobs(connection, facts, project_of)
    await apply_runs(connection, facts)
    return stored, await _apply_events(connection, facts)


async def _apply_jobs(
    connection: Connection, facts: Sequence[JobFact], project_of: ProjectOf
) -> int:
    newest = newest_per_job(facts)
    columns = job_columns(newest, project_of)
    upserted = await connection.execute(statement("upsert_jobs").text, columns)
    stored = upserted.rowcount
    if stored < len(newest):
        await connection.execute(statement("lower_first_observed").text, columns)
    return stored


async def _apply_events(connection: Connection, facts: Sequence[JobFact]) -> Added:
    cursor = connection.cursor(row_factory=class_row(Added))
    await cursor.execute(statement("insert_job_events").text, event_columns(facts))
    (added,) = await cursor.fetchall()
    return added


async def _apply_polls(connection: Connection, polls: Sequence[PollFinished]) -> int:
    inserted = await connection.execute(statement("insert_polls").text, poll_columns(polls))
    cursor = connection.cursor(row_factory=class_row(ClusterStatus))
    await cursor.execute(statement("read_cluster_status").text, told_until(polls))
    stored = await cursor.fetchall()
    for poll in newest_populations(stored, polls):
        await _replace_counts(connection, poll)
    for status in folded(stored, polls).values():
        await connection.execute(statement("write_cluster_status").text, status_params(status))
    return inserted.rowcount


async def _replace_counts(connection: Connection, poll: PollFinished) -> None:
    only = {"cluster": poll.cluster}
    await connection.execute(statement("delete_partition_counts").text, only)
    columns = count_columns(poll.population or ())
    await connection.execute(
        statement("insert_partition_counts").text,
        {**only, **columns, "observed_at": poll.finished_at},
    )
