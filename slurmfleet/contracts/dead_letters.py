"""What a message carries while it lies among the dead letters, and how it comes out again; pure.

Source: ADR-0017.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from slurmfleet.contracts.codec import UndecodableMessageError, decode
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.events import Fact
from slurmfleet.contracts.subjects import (
    MalformedSubjectError,
    dead_letter_subject,
    parse_fact_subject,
)
from slurmfleet.contracts.text import clean_line, shown_fields

RETRY = "retry_dead"
"""The command to the projector."""

_OURS = "Slurmfleet-Dead-"
_RETRIES = "Slurmfleet-Retries"
"""Stays on the message when it is told again, so that a letter that comes back says how often."""

_REASON_CHARS = 1_000
_HEX_BYTES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One message that a consumer could not use."""

    sequence: int
    """Its place among the dead letters: what it is called by."""

    put_aside_at: datetime
    subject: str
    """Where it was told first."""

    cluster: str
    """Empty where the subject names none."""

    facts: int | None
    """How many facts this version reads in it; null where it reads none at all."""

    delivered_count: int
    retries: int
    """How often it was told again and came back."""

    reason: str
    size_bytes: int


class Retry(BaseModel):
    """Which dead letter the projector shall tell again; see `subjects.admin_subject`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence: int = Field(strict=True, ge=1)


class ToldAgain(BaseModel):
    """A dead letter that is back among the facts."""

    model_config = ConfigDict(frozen=True)

    sequence: int = Field(description="What it was called by.")
    fact_sequence: int = Field(description="Its new place among the facts.")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLetter:
    """One dead letter with all that is in it."""

    letter: DeadLetter
    headers: Mapping[str, str]
    decoded: tuple[Mapping[str, object], ...]
    """Each fact that can be read, with its kind and id, ready to be shown."""

    body_hex: str
    """The first bytes, where no fact can be read; else empty."""


def make_dead_letter(
    message: Message,
    *,
    consumer: str,
    reason: str,
    sequence: int,
    delivered_count: int,
    at: datetime,
) -> Message:
    """Give the copy of a message: the same bytes and headers, and why it lies there."""
    headers = {
        **message.headers,
        "Nats-Msg-Id": f"dead.{sequence}.{message.message_id}",
        f"{_OURS}Reason": header_text(reason),
        f"{_OURS}Subject": message.subject,
        f"{_OURS}Sequence": str(sequence),
        f"{_OURS}Delivered": str(delivered_count),
        f"{_OURS}At": at.isoformat(),
    }
    return Message(subject=dead_letter_subject(consumer), body=message.body, headers=headers)


def read_dead_letter(sequence: int, message: Message, *, stored_at: datetime) -> DeadLetter:
    """Read a dead letter; what its headers lack is left empty, since it must be seen anyway."""
    headers = message.headers
    subject = headers.get(f"{_OURS}Subject", "")
    try:
        cluster = str(parse_fact_subject(subject).cluster)
    except MalformedSubjectError:
        cluster = ""
    facts = _facts(message)
    return DeadLetter(
        sequence=sequence,
        put_aside_at=stored_at,
        subject=subject,
        cluster=cluster,
        facts=None if facts is None else len(facts),
        delivered_count=_number(headers.get(f"{_OURS}Delivered", "")),
        retries=_number(headers.get(_RETRIES, "")),
        reason=headers.get(f"{_OURS}Reason", ""),
        size_bytes=len(message.body),
    )


def open_dead_letter(sequence: int, message: Message, *, stored_at: datetime) -> OpenLetter:
    """Read a dead letter with all that is in it."""
    facts = _facts(message)
    return OpenLetter(
        letter=read_dead_letter(sequence, message, stored_at=stored_at),
        headers=message.headers,
        decoded=tuple(
            {"kind": type(fact).__name__, "fact_id": fact.fact_id, **shown_fields(fact)}
            for fact in facts or ()
        ),
        body_hex="" if facts else message.body[:_HEX_BYTES].hex(),
    )


def told_again(sequence: int, message: Message) -> Message:
    """Give the message as it was, to be told on its first subject.

    Its id on the bus is new, since the stream may still know the old one, and always the same for
    one dead letter: told twice by a process that died in between, it is stored once. Facts keep
    their own ids.

    Raises:
        MalformedSubjectError: It was told on no fact's subject; nothing else may be reached this
            way, commands least of all.
    """
    subject = message.headers.get(f"{_OURS}Subject", "")
    parse_fact_subject(subject)
    kept = {
        name: value
        for name, value in message.headers.items()
        if not name.startswith((_OURS, "Nats-"))
    }
    retries = _number(message.headers.get(_RETRIES, "")) + 1
    first_id = message.headers.get("ce-id", "")
    headers = {
        **kept,
        _RETRIES: str(retries),
        "Nats-Msg-Id": f"retry.{sequence}.{first_id}",
    }
    return Message(subject=subject, body=message.body, headers=headers)


def header_text(text: str) -> str:
    """Give text that a NATS header may hold: one line of ASCII."""
    line = clean_line(text, at_most_chars=_REASON_CHARS)
    return line.encode("ascii", "backslashreplace").decode()


def _facts(message: Message) -> tuple[Fact, ...] | None:
    try:
        return decode(message.body) or None
    except UndecodableMessageError:
        return None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
