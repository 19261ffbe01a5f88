"""The group's documents beside clusters: team, accounts, paths, filters and projects.

They are read from the registry itself, not from the store: whoever changes one reads it back at
once, and its revision is the one that a change is judged by.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from services.api.answers import json_response
from services.api.documents import (
    Stored,
    StoredList,
    body_of,
    document_response,
    expected_revision,
    fields_of,
    stored,
)
from services.api.errors import conditional, documented
from services.api.gateway import Gateway
from services.api.queries import NoQuery, refuse_repeated
from slurmfleet.contracts.documents import Account, PathBase, ProcessFilter, Project, TeamMember
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.registry.documents import parse_document
from slurmfleet.registry.kinds import ACCOUNT, FILTER, PATH, PROJECT, TEAM, Kind
from slurmfleet.registry.registry import Registry
from slurmfleet.runtime.commands import require_bus

_ERRORS = (ProblemCode.INVALID_PARAMETER, ProblemCode.BUS_UNAVAILABLE)
_CHANGE_ERRORS = (*_ERRORS, ProblemCode.NOT_FOUND, ProblemCode.REVISION_CONFLICT)
_Nothing = Annotated[NoQuery, Query()]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """One kind of document and its place in the API."""

    path: str
    kind: Kind[Any]
    one: type[BaseModel]
    many: type[BaseModel]


_ROOMS = (
    _Room(path="team", kind=TEAM, one=Stored[TeamMember], many=StoredList[TeamMember]),
    _Room(path="accounts", kind=ACCOUNT, one=Stored[Account], many=StoredList[Account]),
    _Room(path="paths", kind=PATH, one=Stored[PathBase], many=StoredList[PathBase]),
    _Room(path="filters", kind=FILTER, one=Stored[ProcessFilter], many=StoredList[ProcessFilter]),
    _Room(path="projects", kind=PROJECT, one=Stored[Project], many=StoredList[Project]),
)


def document_routes(gateway: Gateway) -> Sequence[APIRouter]:
    """Give the routes of every kind of document."""
    return [_routes(gateway, room) for room in _ROOMS]


def _routes(gateway: Gateway, room: _Room) -> APIRouter:
    checks = [Depends(refuse_repeated), Depends(partial(require_bus, gateway.bus))]
    router = APIRouter(prefix=f"/v1/{room.path}", tags=["configuration"], dependencies=checks)
    registry = Registry(gateway.bus)
    _add_reading(router, registry, room)
    _add_changing(router, registry, room)
    return router


def _add_reading(router: APIRouter, registry: Registry, room: _Room) -> None:
    kind = room.kind

    @router.get(
        "",
        summary=f"List every {kind.title}",
        operation_id=f"list_{room.path}",
        responses={200: {"model": room.many}, **documented(*_ERRORS)},
    )
    async def list_documents(request: Request, _query: _Nothing) -> Response:
        items = [stored(entry) for entry in await registry.list(kind)]
        return json_response(request, {"items": items})

    @router.get(
        "/{document_id}",
        summary=f"Show one {kind.title}",
        operation_id=f"get_{room.path}",
        responses={200: {"model": room.one}, **documented(*_ERRORS, ProblemCode.NOT_FOUND)},
    )
    async def get_document(request: Request, document_id: str, _query: _Nothing) -> Response:
        return document_response(request, await registry.get(kind, document_id))


def _add_changing(router: APIRouter, registry: Registry, room: _Room) -> None:
    kind = room.kind

    @router.post(
        "",
        summary=f"Add a {kind.title}",
        operation_id=f"add_{room.path}",
        status_code=HTTPStatus.CREATED,
        openapi_extra=body_of(kind.model.__name__),
        responses={
            201: {"model": room.one},
            **documented(*_ERRORS, ProblemCode.ALREADY_EXISTS),
        },
    )
    async def add_document(request: Request, _query: _Nothing) -> Response:
        document = parse_document(kind, await fields_of(request), where=f"The {kind.title}")
        entry = await registry.add(kind, document)
        return document_response(request, entry, status=HTTPStatus.CREATED)

    @router.patch(
        "/{document_id}",
        summary=f"Change fields of a {kind.title}; with If-Match, of the revision that was read",
        operation_id=f"change_{room.path}",
        openapi_extra=body_of(
            kind.model.__name__, f"Fields of a {kind.model.__name__}; what is absent stays."
        ),
        responses={200: {"model": room.one}, **conditional(*_CHANGE_ERRORS)},
    )
    async def change_document(request: Request, document_id: str, _query: _Nothing) -> Response:
        revision = expected_revision(request)
        changes = await fields_of(request)
        entry = await registry.update(kind, document_id, changes, revision)
        return document_response(request, entry)

    @router.delete(
        "/{document_id}",
        summary=f"Remove a {kind.title}; with If-Match, the revision that was read",
        operation_id=f"remove_{room.path}",
        status_code=HTTPStatus.NO_CONTENT,
        responses=conditional(*_CHANGE_ERRORS),
    )
    async def remove_document(request: Request, document_id: str, _query: _Nothing) -> Response:
        await registry.remove(kind, document_id, expected_revision(request))
        return Response(status_code=HTTPStatus.NO_CONTENT)
