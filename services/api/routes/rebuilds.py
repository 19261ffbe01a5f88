"""Rebuilding tables from the stream, and how it goes."""

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from services.api.answers import json_response
from services.api.errors import documented
from services.api.gateway import Gateway
from services.api.queries import NoQuery, refuse_repeated
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.contracts.rebuilds import RebuildReport, RebuildRequest
from slurmfleet.runtime.commands import require_bus
from slurmfleet.runtime.rebuilds import begin_rebuild, read_rebuild

_ERRORS = documented(
    ProblemCode.INVALID_PARAMETER,
    ProblemCode.NOT_FOUND,
    ProblemCode.ALREADY_RUNNING,
    ProblemCode.BUS_UNAVAILABLE,
)
_Nothing = Annotated[NoQuery, Query()]


def rebuild_routes(gateway: Gateway) -> APIRouter:
    """Give the routes under /v1/rebuilds."""
    bus = gateway.bus
    checks = [Depends(refuse_repeated), Depends(partial(require_bus, bus))]
    router = APIRouter(prefix="/v1/rebuilds", tags=["rebuilds"], dependencies=checks)

    @router.post(
        "",
        summary="Make tables again from the stream; it goes on after the answer",
        status_code=HTTPStatus.ACCEPTED,
        responses={202: {"model": RebuildReport}, **_ERRORS},
    )
    async def begin(request: Request, body: RebuildRequest, _query: _Nothing) -> Response:
        report = await begin_rebuild(bus, body, limit_s=gateway.settings.command_limit_s)
        return json_response(request, report.model_dump(mode="json"), status=HTTPStatus.ACCEPTED)

    @router.get(
        "/current",
        summary="Show how the newest rebuild goes, or went",
        responses={200: {"model": RebuildReport}, **_ERRORS},
    )
    async def current(request: Request, _query: _Nothing) -> Response:
        return json_response(request, (await read_rebuild(bus)).model_dump(mode="json"))

    return router
