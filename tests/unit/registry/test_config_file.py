"""The configuration as TOML: what is written is what is read, and errors say where."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from slurmfleet.bus.memory import MemoryBus
from slurmfleet.contracts.documents import (
    Account,
    FilterMode,
    GroupSettings,
    PathBase,
    PathKind,
    ProcessFilter,
    Project,
    Setting,
    TeamMember,
)
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import ClusterConfig, PrometheusConfig, Transport
from slurmfleet.contracts.sample import Topic
from slurmfleet.contracts.streams import BUCKETS
from slurmfleet.registry.config_file import Given, parse_config, render_config
from slurmfleet.registry.exchange import as_documents, from_documents
from slurmfleet.registry.importing import Action, apply_import, everything, plan_import
from slurmfleet.registry.kinds import CLUSTER, KINDS, PROJECT, TEAM
from slurmfleet.registry.registry import Registry
from slurmfleet.testing.clock import ManualClock

FILE = Path("group.toml")
TEXT = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters=[*map(chr, range(32)), "\x7f"]),
    max_size=20,
)
SOME = TEXT.filter(bool)
NAME = st.from_regex(r"[a-z0-9][a-z0-9-]{0,12}", fullmatch=True).map("x".__add__)
SETTINGS = st.one_of(
    st.builds(Setting, key=st.just("team_name"), value=TEXT),
    st.builds(
        Setting,
        key=st.just("team_gpus"),
        value=st.dictionaries(NAME, st.integers(0, 9_999), max_size=3),
    ),
    st.builds(Setting, key=st.just("dimmed_suffixes"), value=st.lists(SOME, max_size=3)),
)
CLUSTERS = st.builds(
    ClusterConfig,
    name=NAME,
    host=st.just("login.example"),
    port=st.integers(1, 65_535),
    key_files=st.lists(SOME, max_size=2).map(tuple),
    transport=st.sampled_from(Transport),
    poll_interval_s=st.floats(1, 3_600),
    survey_interval_s=st.dictionaries(
        st.sampled_from([one for one in Topic if one is not Topic.UNKNOWN]),
        st.floats(1, 86_400),
        max_size=2,
    ),
    prometheus=st.none() | st.builds(PrometheusConfig, url=st.just("https://prom.example/x")),
)
DOCUMENTS = st.one_of(
    CLUSTERS,
    st.builds(TeamMember, login=NAME, display_name=TEXT),
    st.builds(Account, name=NAME, site_id=TEXT, description=TEXT),
    st.builds(PathBase, kind=st.sampled_from(PathKind), path=SOME.map("/".__add__)),
    st.builds(ProcessFilter, mode=st.sampled_from(FilterMode), pattern=SOME),
    st.builds(Project, name=NAME, prefixes=st.lists(SOME, max_size=3).map(tuple), description=TEXT),
    SETTINGS,
)


def as_given(document: BaseModel) -> Given:
    kind = next(one for one in KINDS if isinstance(document, one.model))
    return Given(kind=kind, document=document)


def keyed(given: Any) -> dict[tuple[str, str], BaseModel]:  # noqa: ANN401 any collection
    return {(one.kind.word, one.document_id): one.document for one in given}


@settings(deadline=None)
@given(st.lists(DOCUMENTS.filter(lambda one: "/../" not in f"{getattr(one, 'path', '')}/")))
def test_what_is_written_is_read_again(documents: list[BaseModel]):
    unique = keyed(as_given(one) for one in documents)
    wanted = [as_given(one) for one in unique.values()]

    text = render_config(wanted)

    assert keyed(parse_config(text, FILE)) == unique
    for only_given_fields in (True, False):
        carried = as_documents(wanted, only_given_fields=only_given_fields)
        assert keyed(from_documents(carried)) == unique
    assert render_config(parse_config(text, FILE)) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[project]]\nname = 7", "group.toml, line 1, project 1"),
        (
            "# first\n[[team]]\nlogin = 'ada'\n\n[[team]]\nlogn = 'bob'",
            "group.toml, line 5, team 2 is not valid: login: Field required",
        ),
        ("[[team]]\nlogin = 'ada'\n[[team]]\nlogin = 'ada'", "line 3 names the team member 'ada'"),
        ("[settings]\nteam_nam = 'x'", "settings.team_nam"),
        ("[settings]\nteam_gpus = {alpha = 'many'}", "team_gpus.alpha"),
        ("[[setting]]\nkey = 'team_name'", "unknown entries: setting"),
        ("settings = 3", "settings that is no table"),
        ("[[team]]\nlogin = = 1\n", "at line 2"),
    ],
)
def test_a_wrong_file_says_where(text: str, says: str):
    with pytest.raises(ProblemError) as caught:
        parse_config(text, FILE)

    assert caught.value.code is ProblemCode.INVALID_PARAMETER
    assert says in caught.value.detail
    assert caught.value.remedy


@pytest.fixture
async def registry() -> Registry:
    bus = MemoryBus(ManualClock())
    await bus.prepare(buckets=BUCKETS)
    return Registry(bus)


async def test_an_import_may_be_repeated_and_keeps_what_it_does_not_name(registry: Registry):
    alpha = ClusterConfig(
        name=ClusterName("alpha"), host="a", host_keys=("a ssh-ed25519 AAAA",), port=2222
    )
    await registry.add(CLUSTER, alpha)
    wanted = parse_config(
        "[[cluster]]\nname='alpha'\nhost='b'\n[[project]]\nname='atlas'\n[settings]\nteam_name='V'",
        FILE,
    )

    plan = await plan_import(registry, wanted)
    await apply_import(registry, plan)
    again = await plan_import(registry, wanted)
    replaced = await plan_import(registry, wanted, replace=True)

    assert [one.action for one in plan] == [Action.CHANGE, Action.ADD, Action.ADD]
    assert [(one.field, one.before, one.after) for one in plan[0].changes] == [("host", "a", "b")]
    assert {one.action for one in again} == {Action.KEEP}
    assert (await registry.get(CLUSTER, "alpha")).document.host_keys == alpha.host_keys
    assert {one.field for one in replaced[0].changes} == {"host_keys", "port"}
    assert keyed(await everything(registry)).keys() == keyed(wanted).keys()


async def test_somebody_elses_change_stops_an_import_that_can_be_repeated(registry: Registry):
    await registry.add(PROJECT, Project(name="atlas"))
    wanted = parse_config("[[team]]\nlogin='ada'\n[[project]]\nname='atlas'\nemoji='x'", FILE)
    plan = await plan_import(registry, wanted)
    await registry.update(PROJECT, "atlas", {"description": "ours"})

    with pytest.raises(ProblemError, match="1 of 2 documents were written before") as caught:
        await apply_import(registry, plan)
    await apply_import(registry, await plan_import(registry, wanted))

    assert caught.value.code is ProblemCode.REVISION_CONFLICT
    atlas = (await registry.get(PROJECT, "atlas")).document
    assert (atlas.emoji, atlas.description) == ("x", "ours")
    assert len(await registry.list(TEAM)) == 1


def test_every_setting_has_a_meaning():
    assert all(field.description for field in GroupSettings.model_fields.values())
