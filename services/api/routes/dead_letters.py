"""Dead letters: messages that could not be projected, to be looked at, told again or dropped."""

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from services.api.answers import json_response
from services.api.errors import documented
from services.api.gateway import Gateway
from services.api.queries import NoQuery, PageQuery, refuse_repeated
from slurmfleet.contracts.dead_letters import OpenLetter, ToldAgain
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.text import shown
from slurmfleet.runtime.commands import require_bus
from slurmfleet.runtime.dead_letters import (
    DeadPage,
    drop_dead,
    list_dead,
    retry_dead,
    show_dead,
)

_MAX_SEQUENCE = 2**63 - 1
_ERRORS = (ProblemCode.INVALID_PARAMETER, ProblemCode.BUS_UNAVAILABLE)
_Sequence = Annotated[int, Path(ge=1, le=_MAX_SEQUENCE, description="What the list calls it by.")]
_Nothing = Annotated[NoQuery, Query()]


def dead_letter_routes(gateway: Gateway) -> APIRouter:
    """Give the routes under /v1/events/dead."""
    bus = gateway.bus
    checks = [Depends(refuse_repeated), Depends(partial(require_bus, bus))]
    router = APIRouter(prefix="/v1/events/dead", tags=["events"], dependencies=checks)

    @router.get(
        "",
        summary="List messages that were put aside, oldest first",
        responses={
            200: {"model": DeadPage},
            **documented(*_ERRORS, ProblemCode.INVALID_CURSOR),
        },
    )
    async def list_dead_letters(request: Request, query: Annotated[PageQuery, Query()]) -> Response:
        after = _after(query.cursor)
        return json_response(request, shown(await list_dead(bus, after=after, limit=query.limit)))

    @router.get(
        "/{sequence}",
        summary="Show one such message with all that is in it",
        responses={200: {"model": OpenLetter}, **documented(*_ERRORS, ProblemCode.NOT_FOUND)},
    )
    async def get_dead_letter(request: Request, sequence: _Sequence, _query: _Nothing) -> Response:
        return json_response(request, shown(await show_dead(bus, sequence)))

    @router.post(
        "/{sequence}/retry",
        summary="Tell it again where it was told first, then take it out",
        responses={
            200: {"model": ToldAgain},
            **documented(*_ERRORS, ProblemCode.NOT_FOUND, ProblemCode.PROJECTOR_UNREACHABLE),
        },
    )
    async def retry_dead_letter(
        request: Request, sequence: _Sequence, _query: _Nothing
    ) -> Response:
        return json_response(request, (await retry_dead(bus, sequence)).model_dump())

    @router.delete(
        "/{sequence}",
        summary="Drop it for good",
        status_code=HTTPStatus.NO_CONTENT,
        responses=documented(*_ERRORS, ProblemCode.NOT_FOUND),
    )
    async def drop_dead_letter(sequence: _Sequence, _query: _Nothing) -> Response:
        await drop_dead(bus, sequence)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return router


def _after(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit()) or int(cursor[:20]) > _MAX_SEQUENCE:
        raise ProblemError(
            ProblemCode.INVALID_CURSOR,
            f"The cursor is {cursor[:40]!r}.",
            remedy="Send back `next_cursor` of the page before, or leave it out.",
        )
    return int(cursor)
