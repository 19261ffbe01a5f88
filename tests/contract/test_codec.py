"""Packing facts into messages."""

from dataclasses import replace
from datetime import timedelta, timezone

from slurmfleet.contracts.codec import PACK_SIZE, decode, encode
from slurmfleet.contracts.events import JobEnded, JobStarted
from slurmfleet.contracts.jobs import Evidence
from slurmfleet.testing.builders import ALPHA, NOON, a_job, a_poll


def started(number: int) -> JobStarted:
    return JobStarted(
        cluster=ALPHA, job=a_job(str(number)), observed_at=NOON, revision=1, source=Evidence.QUEUE
    )


def test_facts_of_one_subject_share_a_message_up_to_a_thousand():
    facts = [started(number) for number in range(1, 2 * PACK_SIZE + 2)]

    messages = list(encode(facts, source="/collector/alpha"))

    assert [len(decode(one.body)) for one in messages] == [PACK_SIZE, PACK_SIZE, 1]
    assert [fact for one in messages for fact in decode(one.body)] == facts


def test_order_is_kept_where_subjects_alternate():
    facts = [started(1), a_poll(), started(2)]

    messages = list(encode(facts, source="/collector/alpha"))

    assert [one.subject for one in messages] == [
        "fleet.v1.alpha.job.started",
        "fleet.v1.alpha.poll.finished",
        "fleet.v1.alpha.job.started",
    ]


def test_headers_are_cloudevents_in_binary_mode():
    (message,) = encode([started(1)], source="/collector/alpha", traceparent="00-ab-cd-01")

    assert dict(message.headers) == {
        "ce-specversion": "1.0",
        "ce-id": message.message_id,
        "ce-type": "slurmfleet.v1.JobStarted",
        "ce-source": "/collector/alpha",
        "ce-time": "2026-01-01T12:00:00+00:00",
        "content-type": "application/protobuf",
        "Nats-Msg-Id": message.message_id,
        "traceparent": "00-ab-cd-01",
    }


def test_the_same_facts_make_the_same_message_id_and_others_another():
    once, again, other = (
        next(encode([started(number)], source="/x")).message_id for number in (1, 1, 2)
    )

    assert once == again
    assert once != other


def test_a_fact_has_one_id_however_often_and_in_whatever_zone_it_is_told():
    fact = started(1)
    elsewhere = NOON.astimezone(timezone(timedelta(hours=9)))
    again = replace(
        fact,
        revision=99,
        observed_at=NOON + timedelta(hours=1),
        job=replace(fact.job, submitted_at=elsewhere, reason="other"),
    )

    assert again.fact_id == fact.fact_id


def test_restart_cluster_job_and_verb_each_make_another_fact():
    fact = started(1)
    others = [
        replace(fact, job=replace(fact.job, restart_count=1)),
        replace(fact, job=a_job("2")),
        replace(fact, job=replace(fact.job, submitted_at=NOON + timedelta(seconds=1))),
        JobEnded(cluster=ALPHA, job=fact.job, observed_at=NOON, revision=1, source=Evidence.QUEUE),
    ]

    assert len({fact.fact_id, *(other.fact_id for other in others)}) == 5
