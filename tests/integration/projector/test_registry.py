"""Documents of every kind from a real bus into a real database, whatever is down meanwhile."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg import sql

from services.projector.registry import project_change
from slurmfleet.contracts.documents import (
    Account,
    FilterMode,
    PathBase,
    PathKind,
    ProcessFilter,
    Project,
    Setting,
    TeamMember,
)
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.problems import ProblemCode, ProblemError, StaleRevisionError
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.registry.kinds import (
    ACCOUNT,
    CLUSTER,
    FILTER,
    KINDS,
    PATH,
    PROJECT,
    SETTING,
    TEAM,
)
from slurmfleet.registry.registry import Change, Registry
from slurmfleet.store.pool import StorePool, StoreSettings
from slurmfleet.store.roles import Role
from slurmfleet.timing.clock import SystemClock
from tests.plugins.services import Fleet, eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

ATLAS = Project(name="atlas", prefixes=("b_", "a_"), colour="#112233", emoji="🗺️")
DOCUMENTS: dict[Any, Any] = {
    CLUSTER: ClusterConfig(name=ClusterName("alpha"), host="a"),
    TEAM: TeamMember(login="ada", display_name="Ada Lovelace"),
    ACCOUNT: Account(name="vision@site", site_id="17"),
    PATH: PathBase(kind=PathKind.LOGS, path="/lustre/logs"),
    FILTER: ProcessFilter(mode=FilterMode.EXCLUDE, pattern="jupyter"),
    PROJECT: ATLAS,
    SETTING: Setting(key="team_gpus", value={"alpha": 64}),
}
VIEWS = {
    "clusters": "SELECT name FROM clusters WHERE removed_at IS NULL",
    "team_members": "SELECT login, display_name FROM team_members",
    "accounts": "SELECT name, site_id, description FROM accounts",
    "path_bases": "SELECT kind, path FROM path_bases",
    "process_filters": "SELECT mode, pattern FROM process_filters",
    "projects": "SELECT name, prefixes, colour, emoji FROM projects",
    "settings": "SELECT key, value FROM settings",
}
SHOWN = {
    "clusters": [("alpha",)],
    "team_members": [("ada", "Ada Lovelace")],
    "accounts": [("vision@site", "17", "")],
    "path_bases": [("logs", "/lustre/logs")],
    "process_filters": [("exclude", "jupyter")],
    "projects": [("atlas", ["b_", "a_"], "#112233", "🗺️")],
    "settings": [("team_gpus", {"alpha": 64})],
}
NOTHING: dict[str, list[tuple[object, ...]]] = {name: [] for name in VIEWS}


async def views(fleet: Fleet) -> dict[str, list[tuple[object, ...]]]:
    async with fleet.superuser() as connection:
        found: dict[str, list[tuple[object, ...]]] = {}
        for name, query in VIEWS.items():
            cursor = await connection.execute(query.encode())
            found[name] = await cursor.fetchall()
    return found


async def shows(fleet: Fleet, wanted: dict[str, list[tuple[Any, ...]]]) -> None:
    async def look() -> bool:
        return await views(fleet) == wanted

    await eventually(look, otherwise=fleet.running[-1].log.read_text)


async def test_every_kind_is_projected_and_removals_while_nobody_watched(fleet: Fleet):
    registry = Registry(fleet.bus)
    entries = {kind: await registry.add(kind, one) for kind, one in DOCUMENTS.items()}
    first = await fleet.start("projector")
    await shows(fleet, SHOWN)
    await registry.update(PROJECT, "atlas", {"prefixes": ["c_"]})
    await shows(fleet, SHOWN | {"projects": [("atlas", ["c_"], "#112233", "🗺️")]})
    await first.kill()
    for kind, entry in entries.items():
        await registry.remove(kind, entry.document_id)

    await fleet.start("projector")

    await shows(fleet, NOTHING)
    await registry.add(PROJECT, ATLAS)
    await shows(fleet, NOTHING | {"projects": SHOWN["projects"]})


async def test_changes_in_any_order_and_twice_end_the_same(fleet: Fleet):
    clock = SystemClock()
    old = Change(kind=PROJECT, document_id="atlas", document=Project(name="atlas"), revision=5)
    new = Change(kind=PROJECT, document_id="atlas", document=ATLAS, revision=6)
    gone = Change(kind=TEAM, document_id="ada", document=None, revision=8)
    late = Change(kind=TEAM, document_id="ada", document=TeamMember(login="ada"), revision=7)
    settings = StoreSettings(dsn=fleet.database.dsn(Role.WRITER), application_name="test")
    async with StorePool(settings) as pool:
        applied = [
            await project_change(pool, change, clock)
            for change in (new, old, new, gone, late, gone, old)
        ]

    assert applied == [True, False, False, True, False, False, False]
    assert await views(fleet) == NOTHING | {"projects": SHOWN["projects"]}


async def test_the_first_document_of_a_new_bucket_is_newer_than_what_was_restored(fleet: Fleet):
    """Rows that a backup brought have revision 0, and this bucket counts from 1."""
    async with fleet.superuser() as connection:
        await connection.execute(
            "INSERT INTO registry_documents VALUES ('project', 'atlas', '{}', 0, now(), NULL)"
        )
        await connection.execute("INSERT INTO clusters VALUES ('alpha', '{}', 0, now(), NULL)")
    await fleet.start("projector")
    await shows(fleet, NOTHING)

    first = await Registry(fleet.bus).add(PROJECT, ATLAS)

    assert first.revision == 1
    await shows(fleet, NOTHING | {"projects": SHOWN["projects"]})


async def test_of_two_writers_at_once_one_wins_and_the_other_is_told(fleet: Fleet):
    registry = Registry(fleet.bus)
    await fleet.start("projector")
    await registry.add(PROJECT, Project(name="atlas"))
    won: list[str] = []
    lost: list[StaleRevisionError] = []

    async def write(writer: str, rounds: int) -> None:
        for number in range(rounds):
            entry = await registry.get(PROJECT, "atlas")
            text = f"{entry.document.description}{writer}"
            try:
                await registry.update(
                    PROJECT, "atlas", {"description": text}, expected_revision=entry.revision
                )
            except StaleRevisionError as exc:
                lost.append(exc)
            else:
                won.append(f"{writer}{number}")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(write("a", 100))
        tasks.create_task(write("b", 100))
    end = await registry.get(PROJECT, "atlas")

    assert len(end.document.description) == len(won)
    assert len(won) + len(lost) == 200
    assert lost, "the writers never met: the test proves nothing"
    for one in lost:
        assert one.given is not None
        assert one.current is not None
        assert one.given < one.current
        assert one.code is ProblemCode.REVISION_CONFLICT
    projected = sql.SQL("SELECT count(*) FROM projects WHERE registry_revision = {}").format(
        sql.Literal(end.revision)
    )

    async def there() -> bool:
        return await fleet.count(projected) == 1  # type: ignore[arg-type]

    await eventually(there, otherwise=fleet.running[-1].log.read_text)


async def test_a_watch_and_the_tables_live_through_a_restart_of_the_bus(fleet: Fleet):
    registry = Registry(fleet.bus)
    projector = await fleet.start("projector")
    await registry.add(TEAM, TeamMember(login="ada"))
    await registry.add(TEAM, TeamMember(login="bob"))
    watch = registry.watch((TEAM,))
    before = {(await anext(watch)).document_id for _ in range(2)}

    await fleet.nats.kill()
    with pytest.raises(ProblemError) as caught:
        await registry.add(PROJECT, ATLAS)
    await fleet.nats.start()
    await eventually(lambda: _works(registry), limit_s=20)
    await registry.remove(TEAM, "bob")
    async with asyncio.timeout(20):
        while (change := await anext(watch)).document is not None:
            assert change.document_id in before

    assert (before, change.document_id) == ({"ada", "bob"}, "bob")
    assert caught.value.code is ProblemCode.BUS_UNAVAILABLE
    await shows(fleet, NOTHING | {"team_members": [("ada", "")]})
    assert projector.process.returncode is None


async def test_a_document_that_cannot_be_read_keeps_its_last_good_row(fleet: Fleet):
    registry = Registry(fleet.bus)
    await fleet.start("projector")
    await registry.add(PROJECT, ATLAS)
    await shows(fleet, NOTHING | {"projects": SHOWN["projects"]})

    body = json.dumps({"name": "atlas", "written_at": datetime.now(tz=UTC).isoformat()})
    await fleet.bus.kv_put("fleet_registry", "project.atlas", body.encode())
    await registry.add(TEAM, TeamMember(login="ada", display_name="Ada Lovelace"))

    names = ("projects", "team_members")
    await shows(fleet, NOTHING | {name: SHOWN[name] for name in names})


async def _works(registry: Registry) -> bool:
    try:
        for kind in KINDS:
            await registry.list(kind)
    except ProblemError:
        return False
    return True
