"""What a site counts in OpenSearch, asked of an HTTP server that answers as OpenSearch does."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from services.collector.budget import RpcBudget
from services.collector.desk import Desk, Known
from services.collector.surveys.grants import GrantSurvey
from services.collector.surveys.survey import Finding
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.contracts.shares import OccupancySampled, ShareSampled
from slurmfleet.site.errors import SiteDeniedError, SiteUnreachableError
from slurmfleet.site.http import Places
from slurmfleet.slurm.probe import Probe
from slurmfleet.ssh.link import SshLink
from slurmfleet.ssh.target import SshTarget
from slurmfleet.testing.clock import START, ManualClock
from tests.harness.opensearch import Document, Documents
from tests.harness.site import Asked, Reply, site_server

pytestmark = pytest.mark.integration

ALPHA = ClusterName("alpha")
HOUR = timedelta(hours=1)


def stamp(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def account(name: str, at: datetime, **values: object) -> Document:
    return {"s_cluster": "ALPHA-1", "s_account": name, "ts_created": stamp(at), **values}


def documents() -> Documents:
    return Documents(
        indices={
            "account_gpus_hourly": [
                account("ml", START - 2 * HOUR, l_gpus_consumed=99),
                account(
                    "ml",
                    START - HOUR,
                    l_gpus_allocated=128,
                    l_gpus_consumed=96.5,
                    l_gpus_consumed_normal=90,
                    l_gpus_consumed_free=6.5,
                    l_operator_fairshare_avail_gpus=140,
                    l_gpus_pending_eligible=16,
                    d_fairshare_normalized=0.25,
                    d_level_fs=1.31,
                ),
                account("old", START - 90 * HOUR, l_gpus_consumed=1),
                {**account("bio", START - HOUR), "s_cluster": "BETA-1"},
            ],
            "account_user_gpus_hourly": [
                account("ml", START - HOUR, s_user="alice", d_norm_shares=0.5, d_level_fs=0.7),
                account("ml", START - 3 * HOUR, s_user="alice", d_level_fs=9),
                account("bio", START - HOUR, s_user="alice", l_gpus_consumed=2),
                account("ml", START - HOUR, s_user="mallory", l_gpus_consumed=7),
            ],
            "slurm_cluster_occupancy_hourly": [
                {
                    "s_cluster": "ALPHA-1",
                    "ts_created": stamp(START - HOUR),
                    "l_avg_occupied_gpus": 700.5,
                    "l_avg_operator_total_gpus": 1024,
                }
            ],
        }
    )


async def ask(url: str, **source: object) -> Finding:
    config = ClusterConfig.model_validate(
        {
            "name": "alpha",
            "host": "login",
            "track_users": ["alice"],
            "opensearch": {"url": url, "cluster": "ALPHA-1", **source},
        }
    )
    clock = ImpatientClock()
    probe = Probe(user="alice", slurm_version="24.11.5", environment={})
    desk = Desk(
        config,
        link=SshLink(SshTarget(cluster=ALPHA, host="login"), clock=clock),
        budget=RpcBudget(per_minute=0, burst=0, clock=clock),
        known=Known(probe=probe, memory={}),
        clock=clock,
    )
    finding = await GrantSurvey(Places()).ask(desk)
    assert finding is not None
    assert not desk.rpcs
    return finding


class ImpatientClock(ManualClock):
    """Does not wait between tries; tells the same time for ever."""

    async def sleep(self, delay_s: float) -> None:
        """Go on at once."""


def outcome(finding: Finding, name: SectionName) -> SectionOutcome:
    return next(one for one in finding.sections if one.name is name)


async def test_newest_documents_of_this_cluster_become_facts():
    with site_server(documents().answer) as server:
        finding = await ask(server.url)

    common = {"cluster": ALPHA, "observed_at": START - HOUR, "source": "opensearch"}
    assert sorted(finding.facts, key=repr) == sorted(
        (
            ShareSampled(
                **common,
                account="ml",
                fair_share=0.25,
                level_fs=1.31,
                gpus_allocated=128.0,
                gpus_consumed=96.5,
                gpus_consumed_normal=90.0,
                gpus_consumed_free=6.5,
                fair_share_gpus_available=140.0,
                gpus_pending_eligible=16.0,
            ),
            ShareSampled(**common, account="ml", user="alice", norm_shares=0.5, level_fs=0.7),
            ShareSampled(**common, account="bio", user="alice", gpus_consumed=2.0),
            OccupancySampled(**common, gpus_total=1024.0, gpus_allocated=700.5),
        ),
        key=repr,
    )
    assert finding.error == ""


async def test_same_document_told_twice_is_one_fact():
    with site_server(documents().answer) as server:
        first, second = await ask(server.url), await ask(server.url)

    assert {one.fact_id for one in first.facts} == {one.fact_id for one in second.facts}


async def test_names_of_indices_and_fields_are_configuration():
    there = Documents(
        indices={
            "usage-all": [
                {"c": "ALPHA-1", "acct": "ml", "when": stamp(START), "gpus": 5, "what": "a"},
                {"c": "ALPHA-1", "acct": "ml", "u": "alice", "when": stamp(START), "what": "u"},
                {"c": "ALPHA-1", "when": stamp(START), "occupied": 3, "what": "o"},
            ]
        }
    )
    with site_server(there.answer) as server:
        finding = await ask(
            server.url,
            account_index="usage-all",
            user_index="usage-all",
            occupancy_index="usage-all",
            kind_field="what",
            account_kind="a",
            user_kind="u",
            occupancy_kind="o",
            fields={
                "cluster": "c",
                "account": "acct",
                "user": "u",
                "created": "when",
                "gpus_consumed": "gpus",
                "occupied": "occupied",
            },
        )

    assert [type(one) for one in finding.facts] == [ShareSampled, ShareSampled, OccupancySampled]
    assert finding.error == ""


async def test_wrong_name_of_the_cluster_is_said():
    with site_server(documents().answer) as server:
        finding = await ask(server.url, cluster="alpha")

    assert finding.facts == ()
    assert "No document of a cluster 'alpha'" in outcome(finding, SectionName.GRANTS).error
    assert outcome(finding, SectionName.USER_GRANTS).ok


async def test_index_that_is_missing_costs_its_own_facts_alone():
    there = documents()
    del there.indices["account_gpus_hourly"]

    with site_server(there.answer) as server:
        finding = await ask(server.url)

    assert "no such index" in outcome(finding, SectionName.GRANTS).error
    assert outcome(finding, SectionName.OCCUPANCY).ok
    assert len(finding.facts) == 3


async def test_missing_fields_are_not_told_and_absurd_ones_are_counted():
    there = documents()
    there.indices["account_gpus_hourly"] = [
        account("ml", START, l_gpus_consumed=-5, d_level_fs="high", l_gpus_allocated=10**12),
        account("odd", START + 50 * HOUR),
    ]
    with site_server(there.answer) as server:
        finding = await ask(server.url)

    (fact,) = (one for one in finding.facts if isinstance(one, ShareSampled) and not one.user)
    assert (fact.account, fact.gpus_consumed, fact.level_fs, fact.gpus_allocated) == (
        *("ml", None, None, None),
    )
    assert finding.rejected == {
        "value out of range": 2,
        "value that is no number": 1,
        "document from the future": 1,
    }


async def test_document_of_another_cluster_is_never_taken():
    """A proxy or an alias with a filter of its own may answer something else than was asked."""
    there = documents()

    def careless(asked: Asked) -> Reply:
        reply = there.answer(asked)
        return Reply(body=reply.body.replace(b"ALPHA-1", b"BETA-1"))

    with site_server(careless) as server:
        finding = await ask(server.url)

    assert finding.facts == ()
    assert finding.rejected == {"document of another cluster": 4}


async def test_shards_that_fail_make_it_less_than_whole():
    there = documents()
    there.failed_shards = 1

    with site_server(there.answer) as server:
        finding = await ask(server.url)

    assert "in part" in outcome(finding, SectionName.GRANTS).error
    assert outcome(finding, SectionName.GRANTS).ok


def login_page(_: Asked) -> Reply:
    return Reply(body=b"<html>Sign in", content_type="text/html")


def other_json(_: Asked) -> Reply:
    return Reply(body=b'{"hits": {"hits": "none"}}')


@pytest.mark.parametrize("answer", [login_page, other_json])
async def test_something_else_than_opensearch_is_no_evidence(answer: Callable[[Asked], Reply]):
    with site_server(answer) as server:
        finding = await ask(server.url)

    assert finding.facts == ()
    assert [one.ok for one in finding.sections] == [False] * 3
    assert "makes no sense" in finding.error


async def test_busy_service_is_tried_again_and_then_answers():
    there, busy = documents(), [True, True]

    def answer(asked: Asked) -> Reply:
        return Reply(status=429) if busy and busy.pop() else there.answer(asked)

    with site_server(answer) as server:
        finding = await ask(server.url)

    assert (len(finding.facts), len(server.asked)) == (4, 5)


async def test_service_that_denies_us_is_asked_once():
    with site_server(lambda _: Reply(status=401)) as server, pytest.raises(SiteDeniedError):
        await ask(server.url)

    assert len(server.asked) == 1


async def test_service_that_is_away_is_an_error():
    with site_server(login_page) as server:
        url = server.url

    with pytest.raises(SiteUnreachableError):
        await ask(url)


async def test_cluster_without_such_a_source_is_not_asked():
    clock = ManualClock()
    config = ClusterConfig(name=ALPHA, host="login")
    desk = Desk(
        config,
        link=SshLink(SshTarget(cluster=ALPHA, host="login"), clock=clock),
        budget=RpcBudget(per_minute=0, burst=0, clock=clock),
        known=Known(memory={}),
        clock=clock,
    )

    assert await GrantSurvey(Places()).ask(desk) is None
