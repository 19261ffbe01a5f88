"""Audit records: who did what, why, and what came of it; and the chain that ties them together.

Each record is told over the bus before the action, and once more with what came of it. The store
gives every record a number without gaps and the hash of the record before, so that a row that is
changed, removed or put between others shows.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, field_validator

from slurmfleet.contracts.access import ActorKind
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.subjects import audit_subject
from slurmfleet.contracts.text import clean_line

FIRST_HASH = bytes(32)
"""Stands before the first record."""

AUDIT_END = "audit.end"
"""Key in the bucket of access under which the end of the chain is written down."""

_MOST_TEXT = 2_000
_MOST_DEPTH = 6
_MOST_ITEMS = 1_100
"""A cancellation of a thousand jobs is told job by job."""


class Phase(StrEnum):
    """Which of an action's two records."""

    TRIED = "tried"
    DONE = "done"


class Outcome(StrEnum):
    """What was decided, and what came of it."""

    ALLOWED = "allowed"
    """Of what is tried: it goes on. Without a second record nobody knows what came of it."""
    REFUSED = "refused"
    OK = "ok"
    FAILED = "failed"


class Via(StrEnum):
    """The door that was used."""

    REST = "rest"
    MCP = "mcp"
    CLI = "cli"


def auditable(value: JsonValue, *, depth: int = 0) -> JsonValue:
    """Give a value as a record holds it: cleaned, capped, and the same after every way.

    A number with a fraction becomes text: PostgreSQL and Python write it in different ways, and
    the hash is over what is written.
    """
    if isinstance(value, str):
        return clean_line(value, at_most_chars=_MOST_TEXT)
    if isinstance(value, float):
        return repr(value)
    if depth == _MOST_DEPTH:
        return "…"
    if isinstance(value, list):
        return [auditable(one, depth=depth + 1) for one in value[:_MOST_ITEMS]]
    if isinstance(value, dict):
        items = list(value.items())[:_MOST_ITEMS]
        return {clean_line(key[:200]): auditable(one, depth=depth + 1) for key, one in items}
    return value


class AuditRecord(BaseModel):
    """One record; texts are cleaned and capped."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    action_id: str = Field(description="Shared by the trial of an action and its result.")
    phase: Phase
    actor: str = Field(description="Who acted.")
    actor_kind: ActorKind
    token_id: str = Field(default="", description="Public id of the token; empty for none.")
    via: Via
    action: str = Field(description="What was done: job.cancel, cluster.update, …")
    cluster: str = Field(default="", description="On which cluster; empty for none.")
    target: str = Field(default="", description="To what: a job's id, a document's key.")
    reason: str = Field(default="", description="Why, in the actor's words; untrusted.")
    details: dict[str, JsonValue] = Field(
        default_factory=dict[str, JsonValue], description="Arguments, or what came of it."
    )
    outcome: Outcome
    acted_at: AwareDatetime

    @field_validator("actor", "action", "cluster", "target", "reason")
    @classmethod
    def _cleaned(cls, text: str) -> str:
        return clean_line(text, at_most_chars=_MOST_TEXT)

    @field_validator("details")
    @classmethod
    def _auditable(cls, details: dict[str, JsonValue]) -> dict[str, JsonValue]:
        held = auditable(details)
        return held if isinstance(held, dict) else {}

    @property
    def record_id(self) -> str:
        """The record's own id: who tells it twice tells it once."""
        return f"{self.action_id}.{self.phase}"


class NotedEnd(BaseModel):
    """The end of the chain as it stands outside the table."""

    model_config = ConfigDict(frozen=True)

    seq: int = 0
    hash: str = ""
    """In hexadecimal."""


def record_message(record: AuditRecord) -> Message:
    """Give a record as it travels."""
    return Message(
        subject=audit_subject(record.phase),
        body=record.model_dump_json().encode(),
        headers={"Nats-Msg-Id": record.record_id},
    )


def chain_hash(previous: bytes, sequence: int, content: Mapping[str, JsonValue]) -> bytes:
    """Give the hash of a record at its place in the chain.

    Args:
        previous: The hash of the record before; `FIRST_HASH` before the first.
        sequence: Its number, from 1.
        content: What `chained` gives.
    """
    held = json.dumps(
        {"seq": sequence, **content}, sort_keys=True, separators=(",", ":"), ensure_ascii=True
    )
    return hashlib.sha256(previous + held.encode()).digest()


def chained(record: AuditRecord) -> Mapping[str, JsonValue]:
    """Give what of a record is hashed: all of it."""
    moment = record.acted_at.astimezone(UTC).isoformat(timespec="microseconds")
    return {
        **record.model_dump(mode="json", exclude={"acted_at"}),
        "record_id": record.record_id,
        "acted_at": moment,
    }
