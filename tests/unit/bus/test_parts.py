"""The small parts: wildcards, names, ack subjects, retention, background work."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.bus.beside import beside
from slurmfleet.bus.errors import BusRefusedError, BusTimeoutError
from slurmfleet.bus.limits import cancellation_kept, within
from slurmfleet.bus.matching import matches
from slurmfleet.bus.names import check_key
from slurmfleet.bus.nats_api import AckSubject, parse_ack_subject
from slurmfleet.bus.nats_setup import bucket_config, merge, stream_config
from slurmfleet.contracts.streams import FACTS, LEASES, REGISTRY

TOKENS = st.lists(st.sampled_from(["a", "b", "cd"]), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        ("a.b", "a.b", True),
        ("a.*", "a.b", True),
        ("a.*", "a.b.c", False),
        ("a.*", "a", False),
        ("a.>", "a.b.c", True),
        ("a.>", "a", False),
        (">", "a", True),
        ("*.b", "a.b", True),
        ("a.b.c", "a.b", False),
    ],
)
def test_wildcards(pattern: str, subject: str, *, expected: bool):
    assert matches(pattern, subject) is expected


@given(TOKENS)
def test_a_subject_matches_itself_and_as_many_stars(tokens: list[str]):
    subject = ".".join(tokens)

    assert matches(subject, subject)
    assert matches(".".join("*" for _ in tokens), subject)
    assert not matches(".".join("*" for _ in [*tokens, ""]), subject)


@given(st.text())
def test_no_key_can_leave_its_bucket(key: str):
    try:
        check_key("keep", key)
    except BusRefusedError:
        return
    assert not set(key) & set(" *>\r\n\t")
    assert all(key.split("."))


@pytest.mark.parametrize(
    "reply",
    [
        "$JS.ACK.FACTS.projector.2.41.7.1767268800000000000.3",
        "$JS.ACK._.hash.FACTS.projector.2.41.7.1767268800000000000.3.token",
    ],
)
def test_both_kinds_of_ack_subject_are_read(reply: str):
    assert parse_ack_subject(reply) == AckSubject(
        delivered_count=2,
        sequence=41,
        published_at=datetime(2026, 1, 1, 12, tzinfo=UTC),
        pending=3,
    )


@pytest.mark.parametrize("reply", ["", "_INBOX.x", "$JS.ACK.F.p.one.2.3.4.5"])
def test_another_subject_is_no_ack_subject(reply: str):
    with pytest.raises(BusRefusedError):
        parse_ack_subject(reply)


def test_retention_only_grows():
    found = {"name": "S", "max_age": 100, "max_msgs_per_subject": -1, "compression": "s2"}

    merged = merge(found, {"name": "S", "max_age": 50, "max_msgs_per_subject": 8})
    grown = merge(found, {"name": "S", "max_age": 0})

    assert merged == found
    assert grown == found | {"max_age": 0}


def test_facts_are_kept_in_files_for_their_age():
    config = stream_config(FACTS)

    assert {key: config[key] for key in ("storage", "max_age", "duplicate_window")} == {
        "storage": "file",
        "max_age": FACTS.max_age_s * 10**9,
        "duplicate_window": FACTS.duplicate_window_s * 10**9,
    }


def test_only_keys_that_expire_leave_a_marker():
    assert "subject_delete_marker_ttl" in bucket_config(LEASES)
    assert "subject_delete_marker_ttl" not in bucket_config(REGISTRY)


async def test_work_beside_a_body_ends_with_it():
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    async with beside(work(), name="work"):
        await asyncio.sleep(0)

    assert ended == ["work"]


async def test_failing_work_stops_the_body_and_comes_out_as_itself():
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with beside(work(), name="work"):
            await asyncio.Event().wait()


async def test_a_failing_body_comes_out_as_itself():
    with pytest.raises(KeyError):
        async with beside(asyncio.Event().wait(), name="work"):  # pyright: ignore[reportArgumentType]
            raise KeyError


async def test_a_limit_is_told_with_its_number():
    with pytest.raises(BusTimeoutError, match=r"ask: no answer within 0\.01 s"):
        async with within("ask", 0.01):
            await asyncio.Event().wait()


async def test_a_cancellation_that_a_driver_swallows_is_raised_again():
    async def swallow() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    async def ask() -> None:
        async with within("ask", 0.01):
            with cancellation_kept():
                await swallow()
            await asyncio.Event().wait()

    with pytest.raises(BusTimeoutError):
        await ask()
