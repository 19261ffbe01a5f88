"""How far a stream was read, and what was found to be missing in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from psycopg.rows import class_row

from slurmfleet.store.pool import StorePool
from slurmfleet.store.statements import statement


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPosition:
    """The newest message that was read."""

    last_sequence: int
    last_published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLoss:
    """Messages that the stream had acknowledged and does not have any more."""

    kind: Literal["missing", "cut", "told"]
    """Unreadable; or places given away again; or bytes that the server itself calls lost."""

    first_sequence: int = 0
    last_sequence: int = 0
    messages: int = 0
    lost_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSum:
    """What a stream lost since a moment."""

    losses: int
    messages: int
    noticed_at: datetime | None
    """The newest one; None where nothing was lost."""


async def read_position(pool: StorePool, stream: str) -> StreamPosition | None:
    """Give how far a stream was read; None where it was never read.

    Raises:
        StoreError: In every kind of its tree.
    """
    found = await pool.rows("read_stream_position", StreamPosition, {"stream": stream})
    return found[0] if found else None


async def sum_losses(pool: StorePool, stream: str, *, since: datetime) -> LossSum:
    """Give what a stream lost since a moment.

    Raises:
        StoreError: In every kind of its tree.
    """
    (summed,) = await pool.rows("sum_stream_losses", LossSum, {"stream": stream, "since": since})
    return summed


async def keep_stream(
    pool: StorePool,
    stream: str,
    position: StreamPosition | None,
    losses: Sequence[StreamLoss],
    *,
    now: datetime,
    since: datetime,
) -> LossSum:
    """Keep position and losses, all or nothing; give what was lost since a moment.

    Raises:
        StoreError: In every kind of its tree; nothing was kept.
    """
    async with pool.transaction("keep stream") as connection:
        if position is not None:
            await connection.execute(
                statement("write_stream_position").text,
                {
                    "stream": stream,
                    "last_sequence": position.last_sequence,
                    "last_published_at": position.last_published_at,
                },
            )
        if losses:
            await connection.execute(
                statement("insert_stream_losses").text,
                {
                    "stream": stream,
                    "noticed_at": now,
                    "kind": [one.kind for one in losses],
                    "first_sequence": [one.first_sequence for one in losses],
                    "last_sequence": [one.last_sequence for one in losses],
                    "messages": [one.messages for one in losses],
                    "lost_bytes": [one.lost_bytes for one in losses],
                },
            )
        cursor = connection.cursor(row_factory=class_row(LossSum))
        wanted = {"stream": stream, "since": since}
        await cursor.execute(statement("sum_stream_losses").text, wanted)
        (summed,) = await cursor.fetchall()
    return summed
