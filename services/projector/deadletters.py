"""Puts aside what cannot be projected, with the reason, so that it never blocks the rest."""

from datetime import datetime

from slurmfleet.bus.port import Bus, Delivery
from slurmfleet.contracts.dead_letters import header_text, make_dead_letter
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.streams import DEAD_LETTERS as DEAD_STREAM
from slurmfleet.contracts.streams import PROJECTOR
from slurmfleet.runtime.health import Health
from slurmfleet.telemetry.logs import logger
from slurmfleet.telemetry.metrics import DEAD_LETTERS, DEAD_LETTERS_WAITING
from slurmfleet.timing.clock import Clock

_COUNT_EVERY_S = 15.0


async def put_aside(
    bus: Bus, delivery: Delivery, reason: str, *, at: datetime, consumer: str = PROJECTOR.durable
) -> None:
    """Copy a message to the dead letters and ask never to have it again.

    The copy comes first: if the process dies between the two, the message is told twice and the
    dead-letter stream drops the repetition.

    Raises:
        BusError: The copy could not be stored; the message will be delivered again.
    """
    await bus.publish(dead_letter(delivery, reason, at=at, consumer=consumer))
    await delivery.term()
    DEAD_LETTERS.labels(consumer=consumer).inc()
    logger().error(
        "message put aside",
        subject=delivery.message.subject,
        sequence=delivery.sequence,
        message_id=delivery.message.message_id,
        reason=header_text(reason),
    )


def dead_letter(
    delivery: Delivery, reason: str, *, at: datetime, consumer: str = PROJECTOR.durable
) -> Message:
    """Give the copy of what was delivered."""
    return make_dead_letter(
        delivery.message,
        consumer=consumer,
        reason=reason,
        sequence=delivery.sequence,
        delivered_count=delivery.delivered_count,
        at=at,
    )


async def watch_waiting(bus: Bus, clock: Clock, health: Health) -> None:
    """Say for ever how many dead letters wait for a person, as a number and as a check.

    Raises:
        BusError: The stream could not be asked.
    """
    while True:
        waiting = await bus.count_stored(DEAD_STREAM.name)
        DEAD_LETTERS_WAITING.set(waiting)
        said = f"{waiting} {'waits' if waiting == 1 else 'wait'}" if waiting else "none"
        health.report("dead-letters", ok=not waiting, detail=said, required=False)
        await clock.sleep(_COUNT_EVERY_S)
