"""Events: a stream that resumes (SSE), or one answer that may wait (JSON)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from services.api.answers import ItemList, json_response
from services.api.errors import documented
from services.api.gateway import Gateway
from services.api.queries import EventQuery, refuse_repeated
from services.api.streams import event_stream, poll_events
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.text import shown, shown_fields
from slurmfleet.store.rows import EventView

EVENT_STREAM = "text/event-stream"
_MAX_SEQ = 2**63 - 1
_ERRORS = (
    ProblemCode.INVALID_PARAMETER,
    ProblemCode.INVALID_CLUSTER_NAME,
    ProblemCode.INVALID_CURSOR,
    ProblemCode.STORE_UNAVAILABLE,
)


def event_routes(gateway: Gateway) -> APIRouter:
    """Give the routes under /v1/events."""
    router = APIRouter(tags=["events"], dependencies=[Depends(refuse_repeated)])

    @router.get(
        "/v1/events",
        summary="Follow what happens to jobs",
        description=(
            "With `Accept: text/event-stream` a stream of server-sent events, one per recorded "
            "fact, with `event_seq` as its id: a client that reconnects with `Last-Event-ID` "
            "misses nothing and sees nothing twice. With `Accept: application/json` one answer; "
            "pass its `next_after` back as `after`."
        ),
        responses={
            200: {
                "model": ItemList[EventView],
                "content": {EVENT_STREAM: {"schema": {"type": "string"}}},
            },
            **documented(*_ERRORS),
        },
    )
    async def follow_events(
        request: Request,
        query: Annotated[EventQuery, Query()],
        last_event_id: Annotated[str | None, Header()] = None,
        accept: Annotated[str, Header()] = EVENT_STREAM,
    ) -> Response:
        after = query.after if last_event_id is None else _sequence(last_event_id)
        if "application/json" in accept and EVENT_STREAM not in accept:
            return await _poll(request, query, after)
        if gateway.feed.followers >= gateway.settings.max_streams:
            raise ProblemError(
                ProblemCode.STORE_UNAVAILABLE,
                f"{gateway.settings.max_streams} clients follow events already.",
                remedy="Close one, or raise SLURMFLEET_API_MAX_STREAMS.",
            )
        return StreamingResponse(
            event_stream(gateway, query.as_filter(), after=after),
            media_type=EVENT_STREAM,
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def _poll(request: Request, query: EventQuery, after: int | None) -> Response:
        wanted = query.as_filter()
        events, next_after = await poll_events(
            gateway, wanted, after=after, wait_s=query.wait_s, limit=query.limit
        )
        age = shown_fields(await gateway.reader.freshness(wanted.clusters))
        return json_response(request, {"items": shown(events), "next_after": next_after, **age})

    return router


def _sequence(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text[:20]) > _MAX_SEQ:
        raise ProblemError(
            ProblemCode.INVALID_CURSOR,
            f"Last-Event-ID is {text[:40]!r}.",
            remedy="Send back the id of the last event received, or leave the header out.",
        )
    return int(text)
