"""The streams, consumers and key-value buckets of the fleet, declared as data.

`slurmfleet.bus` makes the server look like this at start; nothing else creates a stream.
"""

from dataclasses import dataclass

from slurmfleet.contracts.nouns import Noun
from slurmfleet.contracts.subjects import ALL_AUDIT, ALL_DEAD_LETTERS, ALL_FACTS

DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSpec:
    """One JetStream stream; kept in files, oldest messages leave first."""

    name: str
    description: str
    subjects: tuple[str, ...]
    max_age_s: int
    duplicate_window_s: int
    """How long a repeated message id is dropped by the server; the store has the last word."""

    replicas: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerSpec:
    """One durable pull consumer."""

    durable: str
    stream: str
    filter_subjects: tuple[str, ...]
    ack_wait_s: int
    max_ack_pending: int
    forget_after_s: int | None = None
    """The server forgets the consumer after so long without a fetch; None keeps it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSpec:
    """One key-value bucket."""

    name: str
    description: str
    history: int
    """Revisions kept per key."""

    ttl_s: int | None = None
    """Seconds after which a key expires; None keeps it."""


FACTS = StreamSpec(
    name="FLEET_FACTS",
    description="What collectors observed; the history can be rebuilt from it.",
    subjects=ALL_FACTS,
    max_age_s=30 * DAY_S,
    duplicate_window_s=3_600,
)
DEAD_LETTERS = StreamSpec(
    name="FLEET_DEAD",
    description="Messages that a consumer could not use, with the reason.",
    subjects=(ALL_DEAD_LETTERS,),
    max_age_s=90 * DAY_S,
    duplicate_window_s=120,
)
AUDIT = StreamSpec(
    name="FLEET_AUDIT",
    description="Who did what; waits here until it stands in the chain of the store.",
    subjects=(ALL_AUDIT,),
    max_age_s=400 * DAY_S,
    duplicate_window_s=3_600,
)
STREAMS = (FACTS, DEAD_LETTERS, AUDIT)

PROJECTOR = ConsumerSpec(
    durable="projector",
    stream=FACTS.name,
    filter_subjects=ALL_FACTS,
    ack_wait_s=25,  # what a killed projector held is taken up again within half a minute
    max_ack_pending=2_000,
)


AUDITOR = ConsumerSpec(
    durable="auditor",
    stream=AUDIT.name,
    filter_subjects=(ALL_AUDIT,),
    ack_wait_s=25,
    max_ack_pending=1,  # the chain has one end: nobody else may take what comes after a record
)


def rebuilding(name: str) -> ConsumerSpec:
    """Give a consumer that reads all facts about jobs from the oldest, for one rebuild."""
    return ConsumerSpec(
        durable=f"rebuild-{name}",
        stream=FACTS.name,
        filter_subjects=(f"fleet.v1.*.{Noun.JOB}.*",),
        ack_wait_s=120,
        max_ack_pending=2_000,
        forget_after_s=300,
    )


REGISTRY = BucketSpec(
    name="fleet_registry",
    description="Clusters and settings; every service watches it.",
    history=64,
)
LEASES = BucketSpec(
    name="fleet_leases",
    description="Which replica is active for what; a key that is not renewed expires.",
    history=1,
    ttl_s=15,
)
WORK = BucketSpec(
    name="fleet_work",
    description="How long work goes: what was asked for last, how far it is, what came of it.",
    history=1,
)
ACCESS = BucketSpec(
    name="fleet_access",
    description="Tokens without their secrets, what each has used up today, the audit's end.",
    history=8,
)
BUCKETS = (REGISTRY, LEASES, WORK, ACCESS)
