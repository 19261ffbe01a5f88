"""Jobs over REST: what is asked is what is answered, with its age."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from slurmfleet.contracts.jobs import JobState
from slurmfleet.store.read.jobs import JobFilter
from slurmfleet.testing.views import ALPHA, cluster_view, event_view, job_view
from tests.unit.api.conftest import Desk

AGE = {
    "observed_at": "2026-01-01T11:59:50Z",
    "age_s": 10.0,
    "stale": False,
    "clusters": {
        "alpha": {
            "observed_at": "2026-01-01T11:59:50Z",
            "age_s": 10.0,
            "stale": False,
            "stale_reason": "",
            "link": "ok",
        }
    },
}


async def test_a_job_shows_all_that_is_known_of_it_and_how_old_that_is(desk: Desk):
    answer = await desk.client.get("/v1/jobs/alpha/4711")

    assert answer.status_code == 200
    shown = answer.json()
    promised = (
        "cluster job_id name user account partition state reason submitted_at started_at ended_at"
        " nodes gpus project run_id observed_at age_s stale"
    )
    assert {name: shown[name] for name in promised.split()} == {
        "cluster": "alpha",
        "job_id": "4711",
        "name": "train",
        "user": "ada",
        "account": "vision",
        "partition": "gpu",
        "state": "RUNNING",
        "reason": "",
        "submitted_at": "2026-01-01T11:00:00Z",
        "started_at": "2026-01-01T11:30:00Z",
        "ended_at": None,
        "nodes": 1,
        "gpus": 8,
        "project": "llm",
        "run_id": None,
        "observed_at": "2026-01-01T11:59:50Z",
        "age_s": 10.0,
        "stale": False,
    }
    assert (shown["source"], shown["gpus_by_type"]) == ("queue", {"h100": 8})


async def test_a_list_says_how_old_it_is_and_where_it_goes_on(desk: Desk):
    desk.reader.job_views = [job_view(job_id=str(one)) for one in (3, 2, 1)]

    first = (await desk.client.get("/v1/jobs?limit=2")).json()
    second = (await desk.client.get(f"/v1/jobs?limit=2&cursor={first['next_cursor']}")).json()

    assert [job["job_id"] for job in first.pop("items")] == ["3", "2"]
    assert first == {"next_cursor": "2", "searched_back_to": None, **AGE}
    assert [job["job_id"] for job in second["items"]] == ["1"]
    assert second["next_cursor"] is None


async def test_a_search_that_ran_out_of_time_says_how_far_it_came(desk: Desk):
    desk.reader.job_views = [job_view(job_id=str(one)) for one in (3, 2, 1)]
    desk.reader.searched_back_to = datetime(2026, 1, 1, tzinfo=UTC)

    shown = (await desk.client.get("/v1/jobs?q=tr&limit=2")).json()

    assert shown["searched_back_to"] == "2026-01-01T00:00:00Z"
    assert shown["next_cursor"] == "2"


async def test_every_filter_reaches_the_reader(desk: Desk):
    answer = await desk.client.get(
        "/v1/jobs?cluster=alpha&user=ada,bob&account=vision&partition=gpu,long&state=running,pending"
        "&q=tr%25&since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00+01:00&live=true"
    )

    assert answer.status_code == 200
    assert desk.reader.asked == [
        JobFilter(
            clusters=(ALPHA,),
            users=("ada", "bob"),
            accounts=("vision",),
            partitions=("gpu", "long"),
            states=(JobState.RUNNING, JobState.PENDING),
            q="tr%",
            since=datetime(2026, 1, 1, tzinfo=UTC),
            until=datetime(2026, 1, 1, 23, tzinfo=UTC),
            live=True,
        )
    ]


async def test_a_repeated_list_parameter_means_the_same_as_commas(desk: Desk):
    await desk.client.get("/v1/jobs?user=ada&user=bob")

    assert desk.reader.asked == [JobFilter(users=("ada", "bob"))]


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ("limit=abc", "invalid_parameter", "'limit' is 'abc'"),
        ("limit=0", "invalid_parameter", "greater than or equal to 1"),
        ("limit=9999", "invalid_parameter", "less than or equal to 1000"),
        ("clusterx=alpha", "invalid_parameter", "There is no parameter 'clusterx'"),
        ("state=RUNS", "invalid_parameter", "known are PENDING, RUNNING"),
        ("user=", "invalid_parameter", "a value is empty"),
        ("user=ada,,bob", "invalid_parameter", "a value is empty"),
        ("q=", "invalid_parameter", "'q'"),
        ("live=perhaps", "invalid_parameter", "'live' is 'perhaps'"),
        ("since=yesterday", "invalid_parameter", "'since' is 'yesterday'"),
        ("since=2026-01-01T00:00:00", "invalid_parameter", "timezone"),
        ("limit=1&limit=2", "invalid_parameter", "'limit' is given 2 times"),
        ("cluster=Not%20One", "invalid_cluster_name", "'Not One'"),
    ],
)
async def test_a_query_that_is_not_understood_is_refused_by_name(
    desk: Desk, query: str, code: str, words: str
):
    answer = await desk.client.get(f"/v1/jobs?{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert words in answer.json()["detail"]
    assert answer.json()["remedy"]
    assert desk.reader.asked == []


async def test_an_unknown_parameter_is_refused_where_there_are_none(desk: Desk):
    answer = await desk.client.get("/v1/jobs/alpha/4711?full=1")

    assert answer.status_code == 400
    assert answer.json()["detail"] == "There is no parameter 'full'."


async def test_the_age_of_a_list_is_that_of_its_oldest_cluster(desk: Desk):
    old = desk.clock.now().replace(hour=10)
    beta = cluster_view(
        name="beta", observed_at=old, stale=True, stale_reason="The last look failed."
    )
    desk.reader.cluster_views.append(beta)

    both = (await desk.client.get("/v1/jobs")).json()
    alpha = (await desk.client.get("/v1/jobs?cluster=alpha")).json()

    assert (both["observed_at"], both["age_s"], both["stale"]) == (
        "2026-01-01T10:00:00Z",
        7200.0,
        True,
    )
    assert both["clusters"]["beta"]["stale_reason"] == "The last look failed."
    assert {name: alpha[name] for name in AGE} == AGE


async def test_growing_older_changes_no_tag_and_news_do(desk: Desk):
    first = await desk.client.get("/v1/jobs")
    tag = {"If-None-Match": first.headers["etag"]}
    desk.clock.advance(3)
    desk.reader.job_views = [job_view(age_s=13.0)]

    unchanged = await desk.client.get("/v1/jobs", headers=tag)
    desk.reader.job_views = [job_view(age_s=13.0, state=JobState.COMPLETED)]
    changed = await desk.client.get("/v1/jobs", headers=tag)

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert changed.status_code == 200
    assert changed.json()["items"][0]["state"] == "COMPLETED"


async def test_text_from_slurm_carries_no_control_characters(desk: Desk):
    desk.reader.job_views = [job_view(name="\x1b[2Jrm\r\n-rf \u202eevil", reason="a\x00b")]

    shown = (await desk.client.get("/v1/jobs/alpha/4711")).json()

    assert (shown["name"], shown["reason"]) == ("rm -rf evil", "ab")


async def test_a_timeline_is_what_happened_to_one_job(desk: Desk):
    other = replace(event_view(2), job_id=job_view(job_id="9").job_id)
    desk.reader.event_views = [event_view(1), other, event_view(3, verb="ended")]

    shown = (await desk.client.get("/v1/jobs/alpha/4711/timeline")).json()

    assert [(one["event_seq"], one["verb"]) for one in shown.pop("items")] == [
        (1, "started"),
        (3, "ended"),
    ]
    assert shown == {"next_cursor": None, **AGE}


async def test_large_lists_travel_compressed(desk: Desk):
    desk.reader.job_views = [job_view(job_id=str(one)) for one in range(1, 100)]

    answer = await desk.client.get("/v1/jobs", headers={"Accept-Encoding": "gzip"})

    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json()["items"]) == 99
