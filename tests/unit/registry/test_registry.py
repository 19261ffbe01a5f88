"""Documents of every kind over the in-memory bus."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.bus.memory import MemoryBus
from slurmfleet.contracts.documents import (
    Account,
    GroupSettings,
    PathBase,
    PathKind,
    Project,
    TeamMember,
)
from slurmfleet.contracts.problems import ProblemCode, ProblemError, StaleRevisionError
from slurmfleet.contracts.streams import BUCKETS, REGISTRY
from slurmfleet.registry.group_settings import (
    group_settings,
    read_setting,
    reset_setting,
    write_setting,
)
from slurmfleet.registry.kinds import ACCOUNT, KINDS, PATH, PROJECT, TEAM, kind_of_key
from slurmfleet.registry.registry import Change, Registry
from slurmfleet.testing.clock import ManualClock

ATLAS = Project(name="atlas", prefixes=("atlas_", "at-"))
ADA = TeamMember(login="ada")


@pytest.fixture
async def bus() -> MemoryBus:
    made = MemoryBus(ManualClock())
    await made.prepare(buckets=BUCKETS)
    return made


@pytest.fixture
def registry(bus: MemoryBus) -> Registry:
    return Registry(bus)


async def follow(changes: AsyncIterator[Change[Any]], count: int) -> list[Change[Any]]:
    async with asyncio.timeout(2):
        return [await anext(changes) for _ in range(count)]


@given(st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable()))
def test_any_id_makes_a_key_that_the_bus_takes_and_comes_back(name: str):
    for kind in KINDS:
        key = kind.key(name)

        assert key.isascii()
        assert set(key.partition(".")[2]) <= set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-="
        )
        assert (kind_of_key(key), kind.id_of_key(key)) == (kind, name)


async def test_a_kind_lists_its_own_documents_alone(registry: Registry):
    await registry.add(TEAM, ADA)
    await registry.add(PROJECT, ATLAS)
    await registry.add(ACCOUNT, Account(name="vision@site.x"))

    assert [one.document for one in await registry.list(PROJECT)] == [ATLAS]
    assert [one.document_id for one in await registry.list(ACCOUNT)] == ["vision@site.x"]


async def test_the_same_path_is_the_same_document(registry: Registry):
    first = await registry.add(PATH, PathBase(kind=PathKind.LOGS, path="/a/b/"))

    with pytest.raises(ProblemError) as caught:
        await registry.add(PATH, PathBase(kind=PathKind.LOGS, path="/a/b"))
    other = await registry.add(PATH, PathBase(kind=PathKind.RUNS, path="/a/b"))

    assert caught.value.code is ProblemCode.ALREADY_EXISTS
    assert first.document_id != other.document_id


async def test_a_stale_change_tells_both_revisions(registry: Registry):
    added = await registry.add(PROJECT, ATLAS)
    changed = await registry.update(PROJECT, "atlas", {"colour": "#112233"}, added.revision)

    with pytest.raises(StaleRevisionError) as late:
        await registry.update(PROJECT, "atlas", {"colour": "#000000"}, added.revision)
    with pytest.raises(StaleRevisionError) as absent:
        await registry.replace(TEAM, ADA, revision=77)
    with pytest.raises(StaleRevisionError) as there:
        await registry.replace(PROJECT, ATLAS, revision=None)

    assert (late.value.given, late.value.current) == (added.revision, changed.revision)
    assert "is at revision 2 now" in late.value.detail
    assert late.value.remedy.startswith("Read it again")
    assert (absent.value.given, absent.value.current) == (77, None)
    assert (there.value.given, there.value.current) == (None, changed.revision)
    assert (await registry.get(PROJECT, "atlas")).document.colour == "#112233"


async def test_what_makes_the_id_cannot_be_changed(registry: Registry):
    added = await registry.add(PATH, PathBase(kind=PathKind.LOGS, path="/a"))

    with pytest.raises(ProblemError, match="cannot be renamed"):
        await registry.update(PATH, added.document_id, {"path": "/b"})


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        (TEAM, {"login": 7}, "login: Input should be a valid string"),
        (TEAM, {"login": "a b"}, "login: 'a b' is not a login name"),
        (PATH, {"kind": "log", "path": "/a"}, "kind: Input should be 'logs', 'runs' or 'mount'"),
        (PATH, {"kind": "logs", "path": "a"}, "not an absolute path"),
        (PATH, {"kind": "logs", "path": "/a/../b"}, "not an absolute path"),
        (PROJECT, {"name": "a", "prefixes": [""]}, "prefixes.0"),
        (PROJECT, {"name": "a", "colour": "red"}, "colour: 'red' is not a colour like #"),
    ],
)
async def test_a_wrong_document_names_field_and_mend(
    kind: Any,  # noqa: ANN401 of any document
    fields: dict[str, object],
    says: str,
):
    from slurmfleet.registry.documents import parse_document

    with pytest.raises(ProblemError) as caught:
        parse_document(kind, fields, where="It")

    assert says in caught.value.detail
    assert caught.value.remedy


async def test_a_watch_tells_every_kind_and_passes_over_what_it_does_not_know(
    bus: MemoryBus, registry: Registry
):
    await bus.kv_put(REGISTRY.name, "hologram.one", b"{}")
    await bus.kv_put(REGISTRY.name, "project.atlas", b'{"name": "other"}')
    await registry.add(TEAM, ADA)
    watch = registry.watch()

    broken, person = await follow(watch, 2)
    await registry.replace(PROJECT, ATLAS, revision=2)
    await registry.remove(TEAM, "ada")
    told = {change.kind.word: change for change in await follow(watch, 2)}
    mended, removed = told["project"], told["team"]

    assert (broken.document, "'other'" in broken.problem) == (None, True)
    assert person.document == ADA
    assert (mended.document, mended.problem) == (ATLAS, "")
    assert (removed.kind, removed.document, removed.problem) == (TEAM, None, "")


async def test_settings_are_set_and_get_their_defaults_again(registry: Registry):
    before = await group_settings(registry)
    await write_setting(registry, "team_gpus", {"alpha": 64})
    changed = await group_settings(registry)
    with pytest.raises(ProblemError, match=r"team_gpus\.A B"):
        await write_setting(registry, "team_gpus", {"A B": "many"})
    with pytest.raises(ProblemError, match="no setting 'colour'"):
        await write_setting(registry, "colour", "red")
    again = await reset_setting(registry, "team_gpus")
    twice = await reset_setting(registry, "team_gpus")

    assert before == GroupSettings()
    assert changed == GroupSettings(team_gpus={"alpha": 64})
    assert again == twice == await read_setting(registry, "team_gpus")
    assert (again.value, again.revision) == ({}, None)
