"""What stands around a message: CloudEvents in binary mode, as NATS headers.

Source: CloudEvents 1.0.2, "NATS Protocol Binding", section 3.1 (binary content mode).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

CONTENT_TYPE = "application/protobuf"
SPEC_VERSION = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it goes over the bus."""

    subject: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def message_id(self) -> str:
        """Give the id by which the server and the store tell repetitions; empty if none."""
        return self.headers.get("Nats-Msg-Id", "")


def enclose(
    *, subject: str, body: bytes, event_type: str, source: str, time: datetime, traceparent: str
) -> Message:
    """Put CloudEvents headers around a body; the id is computed from subject and body."""
    event_id = hashlib.sha256(subject.encode() + b"\0" + body).hexdigest()[:32]
    headers = {
        "ce-specversion": SPEC_VERSION,
        "ce-id": event_id,
        "ce-type": event_type,
        "ce-source": source,
        "ce-time": time.isoformat(),
        "content-type": CONTENT_TYPE,
        "Nats-Msg-Id": event_id,
    }
    if traceparent:
        headers["traceparent"] = traceparent
    return Message(subject=subject, body=body, headers=headers)
