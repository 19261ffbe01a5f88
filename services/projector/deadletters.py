"""Puts aside what cannot be projected, with the reason, so that it never blocks the rest."""

from datetime import datetime

from slurmfleet.bus.port import Bus, Delivery
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.streams import PROJECTOR
from slurmfleet.contracts.subjects import dead_letter_subject
from slurmfleet.contracts.text import clean_line
from slurmfleet.telemetry.logs import logger
from slurmfleet.telemetry.metrics import DEAD_LETTERS

_REASON_CHARS = 1_000


async def put_aside(bus: Bus, delivery: Delivery, reason: str, *, at: datetime) -> None:
    """Copy a message to the dead letters and ask never to have it again.

    The copy comes first: if the process dies between the two, the message is told twice and the
    dead-letter stream drops the repetition.

    Raises:
        BusError: The copy could not be stored; the message will be delivered again.
    """
    await bus.publish(dead_letter(delivery, reason, at=at))
    await delivery.term()
    DEAD_LETTERS.labels(consumer=PROJECTOR.durable).inc()
    logger().error(
        "message put aside",
        subject=delivery.message.subject,
        sequence=delivery.sequence,
        message_id=delivery.message.message_id,
        reason=_header_text(reason),
    )


def dead_letter(delivery: Delivery, reason: str, *, at: datetime) -> Message:
    """Give the copy: the same bytes and headers, and why it lies there."""
    message = delivery.message
    headers = {
        **message.headers,
        "Nats-Msg-Id": f"dead.{delivery.sequence}.{message.message_id}",
        "Slurmfleet-Dead-Reason": _header_text(reason),
        "Slurmfleet-Dead-Subject": message.subject,
        "Slurmfleet-Dead-Sequence": str(delivery.sequence),
        "Slurmfleet-Dead-Delivered": str(delivery.delivered_count),
        "Slurmfleet-Dead-At": at.isoformat(),
    }
    return Message(
        subject=dead_letter_subject(PROJECTOR.durable), body=message.body, headers=headers
    )


def _header_text(text: str) -> str:
    """Give text that a NATS header may hold: one line of ASCII."""
    line = clean_line(text, at_most_chars=_REASON_CHARS)
    return line.encode("ascii", "backslashreplace").decode()
