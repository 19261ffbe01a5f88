"""Events as they come: as a stream that resumes by id, or as one answer that waits.

Numbers of events are given in the order in which transactions commit (the store takes a lock for
that), so whoever has seen number N has seen everything up to N.
"""

from collections.abc import AsyncGenerator, Sequence

from pydantic_core import to_json

from services.api.feed import rings_within
from services.api.gateway import Gateway
from slurmfleet.access.principal import current_principal
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.text import shown
from slurmfleet.store.read.events import EventFilter
from slurmfleet.store.rows import EventView

HEARTBEAT_S = 15.0
RETRY_MS = 2_000
_STREAM_PAGE = 500
_STORE_RETRY_S = 2.0


async def event_stream(
    gateway: Gateway, wanted: EventFilter, *, after: int | None
) -> AsyncGenerator[bytes]:
    """Give server-sent events for ever; bounded by how fast the client reads.

    Args:
        gateway: Where to look.
        wanted: Which events.
        after: The last one already seen; None begins with the next to come.
    """
    async with gateway.feed.follow():
        yield f"retry: {RETRY_MS}\n\n".encode()
        seen: int | None = None
        while not gateway.stopping.is_set():
            if problem := _not_welcome(gateway):
                yield f": {problem.code}\n\n".encode()
                return
            bell = gateway.feed.bell()
            try:
                if seen is None:
                    seen, greeting = await _begin(gateway, after)
                    yield greeting
                events, seen, full = await _look(gateway, wanted, seen, limit=_STREAM_PAGE)
            except ProblemError as problem:
                yield f": {problem.code}\n\n".encode()
                await rings_within(gateway.stopping, _STORE_RETRY_S)
                continue
            if events:
                yield b"".join(_frame(event) for event in events)
            if not full and not await rings_within(bell, HEARTBEAT_S):
                yield f"id: {seen}\n: alive\n\n".encode()


def _not_welcome(gateway: Gateway) -> ProblemError | None:
    """Say whether who follows would be let in now; a stream outlives tokens."""
    try:
        gateway.door.still(current_principal())
    except ProblemError as problem:
        return problem
    return None


async def poll_events(
    gateway: Gateway, wanted: EventFilter, *, after: int | None, wait_s: float, limit: int
) -> tuple[Sequence[EventView], int]:
    """Give what is there; if nothing is, wait for the first.

    Returns:
        The events, and what to pass as `after` next time.

    Raises:
        ProblemError: `after` is a number that this store never gave; or the store is away.
    """
    clock = gateway.clock
    deadline_s = clock.monotonic_s() + wait_s
    newest = await gateway.reader.last_event_seq()
    if after is not None and after > newest:
        raise ProblemError(
            ProblemCode.INVALID_CURSOR,
            f"after is {after}, and the newest event is {newest}: the store was made anew.",
            remedy="Start again without after, or with after=0 for everything that is kept.",
        )
    seen = newest if after is None else after
    async with gateway.feed.follow():
        while True:
            bell = gateway.feed.bell()
            events, seen, _ = await _look(gateway, wanted, seen, limit=limit)
            left_s = deadline_s - clock.monotonic_s()
            if events or left_s <= 0 or gateway.stopping.is_set():
                return events, seen
            await rings_within(bell, left_s)


async def _begin(gateway: Gateway, after: int | None) -> tuple[int, bytes]:
    """Find where a stream begins; a client from before a new store is told so."""
    newest = await gateway.reader.last_event_seq()
    if after is None:
        return newest, f"id: {newest}\n: begins after {newest}\n\n".encode()
    if after > newest:
        return newest, f'id: {newest}\nevent: reset\ndata: {{"after":{newest}}}\n\n'.encode()
    return after, b": resumes\n\n"


async def _look(
    gateway: Gateway, wanted: EventFilter, seen: int, *, limit: int
) -> tuple[Sequence[EventView], int, bool]:
    """Give the events after `seen`, up to where was looked, and whether there may be more now.

    The newest number is read before the events, so that a filter that lets little through does
    not look at the same events again.
    """
    newest = await gateway.reader.last_event_seq()
    if newest <= seen:
        return (), seen, False
    events = await gateway.reader.events(seen, wanted, limit=limit)
    if len(events) == limit:
        return events, events[-1].event_seq, True
    return events, max([newest, *(event.event_seq for event in events)]), False


def _frame(event: EventView) -> bytes:
    """Give one event in the form of the standard; JSON has no line break in it."""
    head = f"id: {event.event_seq}\nevent: job.{event.verb}\ndata: ".encode()
    return head + to_json(shown(event)) + b"\n\n"
