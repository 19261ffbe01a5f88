"""A rebuild that a projector does on request, on a real bus, and what is left when it is killed."""

import nats
import pytest
from psycopg import sql

from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.rebuilds import Phase, Projection, RebuildReport, RebuildRequest
from slurmfleet.contracts.streams import PROJECTOR
from slurmfleet.runtime.rebuilds import begin_rebuild, read_rebuild
from slurmfleet.testing.samples import a_sample_of_each_kind
from tests.harness.tables import all_rows
from tests.integration.projector.test_project import EVENTS, acknowledged, has, submissions
from tests.plugins.services import Fleet, eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

REQUEST = RebuildRequest(projection=Projection.JOBS)
HURT = sql.SQL("UPDATE jobs SET name = 'no' WHERE job_id::integer % 10 = 0")
STILL_HURT = sql.SQL("SELECT count(*) FROM jobs WHERE name = 'no'")
LAST_HURT = sql.SQL(
    "SELECT FROM jobs WHERE name = 'no' ORDER BY cluster DESC, job_id DESC LIMIT 1 FOR UPDATE"
)
CHORES = {"project_assignment", "stream_positions"}
JOBS = 12_000
FOR_EVER = {
    f"SLURMFLEET_PROJECTOR_KEEP_{name}_DAYS": "0"
    for name in ("GPU_SAMPLES", "LOAD_SAMPLES", "CLUSTER_SAMPLES", "SURVEYS")
}
"""Samples of tests are older than what is kept."""


async def begin(fleet: Fleet) -> RebuildReport:
    return await begin_rebuild(fleet.bus, REQUEST, limit_s=5)


async def finished(fleet: Fleet) -> RebuildReport:
    async def look() -> bool:
        return (await read_rebuild(fleet.bus)).is_over

    await eventually(look, limit_s=60, otherwise=fleet.running[-1].log.read_text)
    return await read_rebuild(fleet.bus)


async def hurt(fleet: Fleet) -> dict[str, list[str]]:
    """Fill a store, hurt it, and give the rows that were right."""
    await fleet.tell(submissions(JOBS))
    await fleet.start("projector")
    await acknowledged(fleet, limit_s=60)
    rows = await rows_of(fleet)
    async with fleet.superuser() as connection:
        await connection.execute(HURT)
    return rows


async def rows_of(fleet: Fleet) -> dict[str, list[str]]:
    """Give all rows but the records of chores, which come at moments of their own."""
    found = await all_rows(fleet.database.superuser_dsn)
    return {name: rows for name, rows in found.items() if name not in CHORES}


async def test_a_projector_that_dies_in_a_rebuild_leaves_sound_tables_and_does_it_again(
    fleet: Fleet,
):
    rows = await hurt(fleet)

    await begin(fleet)
    await fleet.running[-1].kill()
    broken_off = await read_rebuild(fleet.bus)
    left = await fleet.count(EVENTS)
    await fleet.start("projector")
    await begin(fleet)
    report = await finished(fleet)

    assert not broken_off.is_over
    assert left == JOBS
    assert (report.phase, report.error) == (Phase.DONE, "")
    assert report.facts == JOBS
    assert [one.unexplained for one in report.tables] == [0, 0, 0]
    assert await rows_of(fleet) == rows


async def test_a_kill_between_two_chunks_of_the_correction_leaves_nothing_half_done(fleet: Fleet):
    """Somebody holds a row of the last chunk: those before it are committed, it is not."""
    rows = await hurt(fleet)
    hurt_count = await fleet.count(STILL_HURT)

    async def has_begun_to_mend() -> bool:
        return 0 < await fleet.count(STILL_HURT) < hurt_count

    async with fleet.superuser() as holder, holder.transaction():
        await holder.execute(LAST_HURT)
        await begin(fleet)
        await eventually(has_begun_to_mend, limit_s=60, otherwise=fleet.running[-1].log.read_text)
        broken_off = await read_rebuild(fleet.bus)
        await fleet.running[-1].kill()
    left = await fleet.count(STILL_HURT)
    await fleet.start("projector")
    await begin(fleet)
    report = await finished(fleet)

    assert broken_off.phase is Phase.CORRECTING
    assert 0 < left < hurt_count
    assert report.phase is Phase.DONE
    assert report.tables[0].mended == left
    assert await rows_of(fleet) == rows


async def test_one_rebuild_at_a_time_and_the_ingest_goes_on(fleet: Fleet):
    await hurt(fleet)

    await begin(fleet)
    with pytest.raises(ProblemError, match="A rebuild goes on already") as refused:
        await begin(fleet)
    await fleet.tell(submissions(500, first=50_000))
    await has(fleet, EVENTS, JOBS + 500)
    report = await finished(fleet)

    assert refused.value.code is ProblemCode.ALREADY_RUNNING
    assert report.phase is Phase.DONE
    assert await fleet.count(STILL_HURT) == 0


async def test_a_rebuild_waits_out_a_bus_that_goes_away(fleet: Fleet):
    await hurt(fleet)

    await begin(fleet)
    await fleet.nats.kill()
    await fleet.nats.start()
    report = await finished(fleet)

    # Either it went on, or it says why not; then another one does it.
    if report.phase is Phase.FAILED:
        assert report.error
        await begin(fleet)
        report = await finished(fleet)
    assert report.phase is Phase.DONE
    assert await fleet.count(STILL_HURT) == 0


async def test_without_a_projector_it_is_said_who_is_missing(fleet: Fleet):
    with pytest.raises(ProblemError, match="No projector answers"):
        await begin(fleet)
    with pytest.raises(ProblemError, match="Nothing was rebuilt of late"):
        await read_rebuild(fleet.bus)


async def test_a_new_consumer_fills_an_empty_database_from_the_stream(fleet: Fleet):
    """What docs/replay.md advises to somebody without a backup."""
    await fleet.tell([*submissions(50), *a_sample_of_each_kind()])
    projector = await fleet.start("projector", ready=True, **FOR_EVER)
    await acknowledged(fleet)
    await projector.stop()
    rows = await all_rows(fleet.database.superuser_dsn)
    async with fleet.superuser() as connection:
        for table in [name for name in rows if rows[name]]:
            await connection.execute(
                sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(sql.Identifier(table))
            )

    login = fleet.nats.login
    client = await nats.connect(fleet.nats.url, user=login.user, password=login.password)
    await client.jetstream().delete_consumer(PROJECTOR.stream, PROJECTOR.durable)
    await client.close()
    await fleet.start("projector", ready=True, **FOR_EVER)

    async def differing() -> set[str]:
        again = await all_rows(fleet.database.superuser_dsn)
        return {name for name in rows if again[name] != rows[name]} - {"stream_positions"}

    async def all_back() -> bool:
        return not await differing()

    await eventually(all_back, limit_s=30, otherwise=fleet.running[-1].log.read_text)
    assert len(rows["jobs"]) == 50
    assert rows["partition_samples"]
