"""The bodies that JetStream's API answers with, and the calls that bring them.

Source: JetStream wire API, nats-server 2.15 (schemas io.nats.jetstream.api.v1.*).
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slurmfleet.bus.errors import BusRefusedError, BusUnavailableError, NoResponderError
from slurmfleet.bus.nats_errors import api_error
from slurmfleet.bus.nats_link import Link, Raw

API = "$JS.API"
SECOND_NS = 1_000_000_000

_V1_TOKENS = 9
_V2_SHIFT = 2


class ErrorBody(BaseModel):
    """What went wrong."""

    code: int = 0
    err_code: int = 0
    description: str = ""


class ApiBody(BaseModel):
    """What every answer may hold."""

    model_config = ConfigDict(frozen=True)

    error: ErrorBody | None = None


class PubAckBody(ApiBody):
    """A stream took a message."""

    stream: str = ""
    seq: int = 0
    duplicate: bool = False


class LostBody(BaseModel):
    """What a server found to be damaged in a stream when it began."""

    bytes: int = 0


class StreamStateBody(BaseModel):
    """What a stream holds, and where it ends."""

    messages: int = 0
    first_seq: int = 0
    last_seq: int = 0
    lost: LostBody | None = None


class StreamBody(ApiBody):
    """A stream."""

    config: dict[str, object] = Field(default_factory=dict)
    state: StreamStateBody = Field(default_factory=StreamStateBody)


class ConsumerBody(ApiBody):
    """A consumer."""

    name: str = ""
    num_pending: int = 0
    num_ack_pending: int = 0


class StoredMessage(BaseModel):
    """A message as it lies in a stream."""

    subject: str
    seq: int
    time: datetime
    data: str = ""
    hdrs: str = ""

    @property
    def body(self) -> bytes:
        """Give the bytes."""
        return base64.b64decode(self.data)

    @property
    def headers(self) -> dict[str, str]:
        """Give the headers."""
        lines = base64.b64decode(self.hdrs).decode(errors="replace").splitlines()[1:]
        pairs = (line.partition(":") for line in lines if ":" in line)
        return {name: value.strip() for name, _, value in pairs}


class MessageBody(ApiBody):
    """A message that was asked for."""

    message: StoredMessage | None = None


Body = TypeVar("Body", bound=ApiBody)


async def call(
    link: Link,
    verb: str,
    kind: type[Body],
    request: Mapping[str, object] | None = None,
    *,
    limit_s: float,
) -> Body:
    """Call the API: `STREAM.INFO.FLEET_FACTS`.

    Raises:
        BusError: What the error in the answer means.
        BusUnavailableError: JetStream does not answer.
    """
    payload = json.dumps(request).encode() if request is not None else b""
    try:
        answer = await link.request(f"{API}.{verb}", payload, operation=verb, limit_s=limit_s)
    except NoResponderError as exc:
        raise BusUnavailableError(verb, "JetStream does not answer") from exc
    return parse(verb, kind, answer)


def parse(operation: str, kind: type[Body], answer: Raw) -> Body:
    """Read an answer.

    Raises:
        BusError: What the error in it means.
    """
    try:
        body = kind.model_validate_json(answer.body)
    except ValidationError as exc:
        detail = f"the answer cannot be read: {answer.body[:200]!r}"
        raise BusRefusedError(operation, detail) from exc
    if error := body.error:
        raise api_error(
            operation,
            code=error.code,
            err_code=error.err_code,
            description=error.description,
        )
    return body


@dataclass(frozen=True, slots=True, kw_only=True)
class AckSubject:
    """What the reply subject of a delivered message tells."""

    delivered_count: int
    sequence: int
    published_at: datetime
    pending: int
    """Messages that the consumer has not delivered yet."""


def parse_ack_subject(reply: str) -> AckSubject:
    """Read `$JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<…>.<time ns>.<pending>`.

    Source: ADR-15 of nats-architecture-and-design; with a domain two tokens more come first.
    """
    tokens = reply.split(".")
    shift = 0 if len(tokens) == _V1_TOKENS else _V2_SHIFT
    try:
        delivered, sequence, _, time_ns, pending = (int(one) for one in tokens[4 + shift :][:5])
    except ValueError as exc:
        raise BusRefusedError("read a delivery", f"{reply[:200]!r} is no ack subject") from exc
    return AckSubject(
        delivered_count=delivered,
        sequence=sequence,
        published_at=datetime.fromtimestamp(time_ns / SECOND_NS, tz=UTC),
        pending=pending,
    )
