"""Messages are taken apart into facts; a bad one costs only itself."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.projector.batch import newest, unpack
from services.projector.deadletters import dead_letter
from slurmfleet.contracts.codec import encode
from slurmfleet.contracts.envelope import Message
from slurmfleet.testing.builders import NOON, a_fact_of_each_kind, a_poll


@dataclass(frozen=True, slots=True)
class HeldDelivery:
    """A delivery that nobody answers; enough for what is pure."""

    message: Message
    sequence: int = 1
    delivered_count: int = 1
    published_at: datetime = NOON
    answers: list[str] = field(default_factory=list[str])

    async def ack(self, *, limit_s: float = 5.0) -> None:
        self.answers.append(f"ack within {limit_s}")

    async def nak(self, delay_s: float = 0) -> None:
        self.answers.append(f"nak {delay_s}")

    async def term(self) -> None:
        self.answers.append("term")

    async def in_progress(self) -> None:
        self.answers.append("in progress")


def deliveries_of(*messages: Message) -> list[HeldDelivery]:
    return [HeldDelivery(message, sequence=at) for at, message in enumerate(messages, start=1)]


def test_every_kind_of_fact_comes_out_as_it_went_in():
    facts = a_fact_of_each_kind()
    deliveries = deliveries_of(*encode(facts, source="/collector/alpha"))

    batch = unpack(deliveries)

    assert batch.unusable == []
    assert tuple(fact for parcel in batch.parcels for fact in parcel.facts) == facts


def test_one_bad_message_costs_only_itself():
    (good,) = encode([a_poll()], source="/collector/alpha")
    bad = replace(good, body=b"\xff\xff not protobuf")
    stray = replace(good, subject="fleet.v1.alpha.nothing.known")
    deliveries = deliveries_of(bad, good, stray)

    batch = unpack(deliveries)

    assert [parcel.delivery for parcel in batch.parcels] == [deliveries[1]]
    assert [one.delivery for one in batch.unusable] == [deliveries[0], deliveries[2]]


def test_a_collector_speaks_for_its_own_cluster_only():
    (told,) = encode([a_poll("beta")], source="/collector/alpha")
    (delivery,) = deliveries_of(replace(told, subject="fleet.v1.alpha.poll.finished"))

    batch = unpack([delivery])

    assert batch.parcels == []
    assert batch.unusable[0].reason == ("a fact of cluster 'beta' came under 'alpha'")


def test_newest_is_when_the_last_fact_was_observed():
    later = NOON + timedelta(hours=3)

    assert newest([a_poll(finished_at=later), *a_fact_of_each_kind()]) == later
    assert newest([]) is None


def test_a_dead_letter_keeps_the_message_and_says_why_in_one_ascii_line():
    message = Message(
        subject="fleet.v1.alpha.job.ended", body=b"\xff", headers={"Nats-Msg-Id": "abc", "x": "y"}
    )
    delivery = HeldDelivery(message, sequence=7, delivered_count=3)

    letter = dead_letter(delivery, "bad \x1b[31mbytes\r\nX-Forged: é", at=NOON)

    assert letter == Message(
        subject="fleet.dead.v1.projector",
        body=b"\xff",
        headers={
            "x": "y",
            "Nats-Msg-Id": "dead.7.abc",
            "Slurmfleet-Dead-Reason": "bad bytes X-Forged: \\xe9",
            "Slurmfleet-Dead-Subject": "fleet.v1.alpha.job.ended",
            "Slurmfleet-Dead-Sequence": "7",
            "Slurmfleet-Dead-Delivered": "3",
            "Slurmfleet-Dead-At": "2026-01-01T12:00:00+00:00",
        },
    )
