"""Messages of a stream by their place, without a consumer.

Source: JetStream wire API, nats-server 2.15 (STREAM.MSG.GET and STREAM.MSG.DELETE).
"""

from collections.abc import Mapping

from slurmfleet.bus.errors import KeyNotFoundError
from slurmfleet.bus.nats_api import ApiBody, MessageBody, StreamBody, call
from slurmfleet.bus.nats_link import Link
from slurmfleet.bus.port import StoredMessage
from slurmfleet.contracts.envelope import Message

_EVERY_SUBJECT = ">"


async def count(link: Link, stream: str, limit_s: float) -> int:
    """Count the messages that a stream holds."""
    return (await call(link, f"STREAM.INFO.{stream}", StreamBody, limit_s=limit_s)).state.messages


async def read(link: Link, stream: str, sequence: int, limit_s: float) -> StoredMessage:
    """Read the message at a place."""
    return await _get(link, stream, {"seq": sequence}, limit_s)


async def read_from(link: Link, stream: str, sequence: int, limit_s: float) -> StoredMessage | None:
    """Read the first message at a place or behind it; None at the end of the stream."""
    wanted = {"seq": sequence, "next_by_subj": _EVERY_SUBJECT}
    try:
        return await _get(link, stream, wanted, limit_s)
    except KeyNotFoundError:
        await count(link, stream, limit_s)  # raises where it is the stream that is missing
        return None


async def delete(link: Link, stream: str, sequence: int, limit_s: float) -> None:
    """Take the message at a place out."""
    await read(link, stream, sequence, limit_s)  # the server calls a missing one a failure of its
    verb = f"STREAM.MSG.DELETE.{stream}"
    await call(link, verb, ApiBody, {"seq": sequence, "no_erase": True}, limit_s=limit_s)


async def _get(
    link: Link, stream: str, wanted: Mapping[str, object], limit_s: float
) -> StoredMessage:
    verb = f"STREAM.MSG.GET.{stream}"
    found = (await call(link, verb, MessageBody, wanted, limit_s=limit_s)).message
    if found is None:
        raise KeyNotFoundError(verb, "no message found")
    return StoredMessage(
        sequence=found.seq,
        message=Message(subject=found.subject, body=found.body, headers=found.headers),
        published_at=found.time,
    )
