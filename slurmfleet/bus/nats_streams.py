"""What a stream holds: its ends, and which of its messages can be read.

Source: ADR-31 of nats-architecture-and-design, "JetStream Direct Get", batched requests. Measured
on nats-server 2.15: a message with a flipped byte is left out as if it had been deleted; nothing in
the stream's counts tells of it unless the server read the block at its start.
"""

import json
from collections.abc import Sequence

from slurmfleet.bus.errors import BusTimeoutError
from slurmfleet.bus.nats_api import API, StreamBody, call
from slurmfleet.bus.nats_link import Link
from slurmfleet.bus.port import DEFAULT_LIMIT_S, StreamState

READ_BYTES = 8 * 1024 * 1024
"""One answer of the server holds at most this much, whatever the number of messages."""

_SEQUENCE = "Nats-Sequence"


async def stream_state(link: Link, stream: str) -> StreamState:
    """Ask a stream for its ends."""
    body = await call(link, f"STREAM.INFO.{stream}", StreamBody, limit_s=DEFAULT_LIMIT_S)
    state = body.state
    return StreamState(
        first_sequence=state.first_seq,
        last_sequence=state.last_seq,
        lost_bytes=state.lost.bytes if state.lost is not None else 0,
    )


async def readable(link: Link, stream: str, *, first: int, most: int) -> Sequence[int]:
    """Read messages from a place on; give the places of those that are there, in order.

    An answer that ends early is no evidence: what came of it is given, and the rest is for the
    next call.
    """
    operation = f"DIRECT.GET.{stream} from {first}"
    order = {"seq": first, "next_by_subj": ">", "batch": most, "max_bytes": READ_BYTES}
    found: list[int] = []
    async with link.channel(most) as channel:
        subject = f"{API}.DIRECT.GET.{stream}"
        await link.send(subject, json.dumps(order).encode(), reply=channel.inbox)
        while len(found) < most:
            try:
                answer = await channel.next(operation, DEFAULT_LIMIT_S)
            except BusTimeoutError:
                if not found:
                    raise
                break
            if answer.status:  # 204 ends a batch, 404 says that there is nothing
                break
            found.append(int(answer.headers[_SEQUENCE]))
    return found
