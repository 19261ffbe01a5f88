"""Server-sent events as values.

Source: WHATWG HTML, section 9.2.6, "Interpreting an event stream".
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

import httpx
from pydantic import JsonValue

from slurmfleet.cli.client import (
    CONNECT_LIMIT_S,
    ApiClient,
    Params,
    decoded,
    problem_of,
    query_of,
    transport_failed,
)
from slurmfleet.cli.errors import UnreachableError

SILENCE_LIMIT_S = 45.0
"""The API says something every 15 s; after three silent beats the connection counts as dead."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The store was made anew; older numbers mean nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent:
    """One event of a stream, or how far a quiet stream has come."""

    sequence: int | None
    """Where to resume; None where the stream does not say."""

    what: JsonValue | Reset
    """None for a beat that only tells how far the stream is."""


async def stream(
    api: ApiClient, wanted: Params, *, after: int | None
) -> AsyncGenerator[ServerEvent]:
    """Give events until the connection ends.

    Raises:
        UnreachableError: Nothing answers, or the connection broke or fell silent.
        AnsweredError: The API refuses.
    """
    query = query_of({**wanted, **({} if after is None else {"after": after})})
    try:
        async with api.http.stream(
            "GET",
            "/v1/events",
            params=query,
            headers={"Accept": "text/event-stream"},
            timeout=httpx.Timeout(SILENCE_LIMIT_S, connect=CONNECT_LIMIT_S),
        ) as response:
            if not response.is_success:
                raise problem_of(response.status_code, await response.aread(), api.door)
            async with aclosing(_frames(response.aiter_lines())) as frames:
                async for frame in frames:
                    yield _event(frame, api)
    except httpx.TransportError as exc:
        raise transport_failed(exc, api.door) from exc
    raise UnreachableError(f"{api.door.url} has ended the stream.")


async def _frames(lines: AsyncIterator[str]) -> AsyncGenerator[dict[str, str]]:
    """Group lines into frames; a field that comes twice is joined with a line break."""
    frame: dict[str, str] = {}
    async for line in lines:
        if not line:
            if frame:
                yield frame
            frame = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            frame[name] = f"{frame[name]}\n{value}" if name in frame else value


def _event(frame: dict[str, str], api: ApiClient) -> ServerEvent:
    sequence = int(frame["id"]) if frame.get("id", "").isdigit() else None
    if frame.get("event") == "reset":
        return ServerEvent(sequence=sequence, what=Reset())
    what = decoded(frame["data"].encode(), api.door) if "data" in frame else None
    return ServerEvent(sequence=sequence, what=what)
