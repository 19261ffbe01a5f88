"""Samples into tables, within the transaction of their batch (ADR-0016).

A roll call is a sample that is not stored: it says what a collector remembers at one moment so that
the store can be compared with it, and the next one follows in ten minutes.
"""

from collections.abc import Sequence

from psycopg.rows import scalar_row

from slurmfleet.contracts.sample import Sample
from slurmfleet.contracts.surveys import RollCalled
from slurmfleet.contracts.use import GpuSampled, LoadSampled, SamplingMissed
from slurmfleet.store.pool import Connection
from slurmfleet.store.statements import statement
from slurmfleet.store.write.cluster_samples import CLUSTER_KINDS, histories, newest_columns
from slurmfleet.store.write.job_samples import (
    SeriesBatch,
    gap_columns,
    gpu_batch,
    load_batch,
    mark_columns,
)


def stored_samples(facts: Sequence[object]) -> list[Sample]:
    """Choose the samples that have a table."""
    return [fact for fact in facts if isinstance(fact, Sample) and not isinstance(fact, RollCalled)]


async def apply_samples(connection: Connection, samples: Sequence[Sample]) -> int:
    """Store samples; give how many of them were new.

    The caller holds the lock of writing, so series that were looked for cannot appear meanwhile.
    """
    gpus = [one for one in samples if isinstance(one, GpuSampled)]
    loads = [one for one in samples if isinstance(one, LoadSampled)]
    gaps = [one for one in samples if isinstance(one, SamplingMissed)]
    of_clusters = [one for one in samples if isinstance(one, CLUSTER_KINDS)]
    added = 0
    if gpus:
        added += await _add_series(connection, "gpu", gpu_batch(gpus))
    if loads:
        added += await _add_series(connection, "load", load_batch(loads))
    if gaps:
        told = await connection.execute(statement("insert_sampling_gaps").text, gap_columns(gaps))
        added += told.rowcount
    if gpus or loads or gaps:
        marks = mark_columns([*gpus, *loads, *gaps])
        await connection.execute(statement("mark_job_use").text, marks)
    if of_clusters:
        added += await _add_of_clusters(connection, of_clusters)
    return added


async def _add_series(connection: Connection, kind: str, batch: SeriesBatch) -> int:
    series_ids = await _series_ids(connection, kind, batch)
    if None in series_ids:
        await connection.execute(statement(f"upsert_{kind}_series").text, batch.series)
        series_ids = await _series_ids(connection, kind, batch)
    numbers = [one for one in series_ids if one is not None]
    columns = batch.columns(numbers)
    inserted = await connection.execute(statement(f"insert_{kind}_samples").text, columns)
    return inserted.rowcount


async def _series_ids(
    connection: Connection, kind: str, batch: SeriesBatch
) -> Sequence[int | None]:
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(statement(f"find_{kind}_series").text, batch.series)
    return await cursor.fetchall()


async def _add_of_clusters(connection: Connection, samples: Sequence[Sample]) -> int:
    added = 0
    for history in histories(samples):
        told = await connection.execute(statement(history.statement).text, {"rows": history.rows})
        added += told.rowcount
    await connection.execute(statement("upsert_newest_samples").text, newest_columns(samples))
    return added
