"""Settings of the group, and the whole configuration at once."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from services.api.answers import json_response
from services.api.documents import (
    ConfigDump,
    ConfigImport,
    FieldView,
    ImportReport,
    SettingList,
    SettingValue,
    SettingView,
    StepView,
    expected_revision,
)
from services.api.errors import conditional, documented
from services.api.gateway import Gateway
from services.api.queries import NoQuery, refuse_repeated
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.registry.exchange import as_documents, from_documents
from slurmfleet.registry.group_settings import (
    SettingEntry,
    read_setting,
    read_settings,
    reset_setting,
    write_setting,
)
from slurmfleet.registry.importing import Step, apply_import, everything, plan_import
from slurmfleet.registry.registry import Registry
from slurmfleet.runtime.commands import require_bus

_ERRORS = (ProblemCode.INVALID_PARAMETER, ProblemCode.BUS_UNAVAILABLE)
_FIND_ERRORS = (*_ERRORS, ProblemCode.NOT_FOUND)
_CHANGE_ERRORS = (*_FIND_ERRORS, ProblemCode.REVISION_CONFLICT)
_IMPORT_ERRORS = (
    *_ERRORS,
    ProblemCode.INVALID_CLUSTER_NAME,
    ProblemCode.REVISION_CONFLICT,
)
_Nothing = Annotated[NoQuery, Query()]


def config_routes(gateway: Gateway) -> APIRouter:
    """Give the routes under /v1/settings and /v1/config."""
    checks = [Depends(refuse_repeated), Depends(partial(require_bus, gateway.bus))]
    router = APIRouter(prefix="/v1", tags=["configuration"], dependencies=checks)
    registry = Registry(gateway.bus)
    _add_settings(router, registry)
    _add_changing(router, registry)
    _add_whole(router, registry)
    return router


def _add_settings(router: APIRouter, registry: Registry) -> None:
    @router.get(
        "/settings",
        summary="List everything that can be set for the whole group",
        responses={200: {"model": SettingList}, **documented(*_ERRORS)},
    )
    async def list_settings(request: Request, _query: _Nothing) -> Response:
        items = tuple(_view(entry) for entry in await read_settings(registry))
        return json_response(request, SettingList(items=items))

    @router.get(
        "/settings/{key}",
        summary="Show one setting",
        responses={200: {"model": SettingView}, **documented(*_FIND_ERRORS)},
    )
    async def get_setting(request: Request, key: str, _query: _Nothing) -> Response:
        return _setting_response(request, await read_setting(registry, key))


def _add_changing(router: APIRouter, registry: Registry) -> None:
    @router.put(
        "/settings/{key}",
        summary="Set one thing; with If-Match, of the revision that was read",
        responses={200: {"model": SettingView}, **conditional(*_CHANGE_ERRORS)},
    )
    async def set_setting(
        request: Request, key: str, body: SettingValue, _query: _Nothing
    ) -> Response:
        revision = expected_revision(request)
        entry = await write_setting(registry, key, body.value, revision)
        return _setting_response(request, entry)

    @router.delete(
        "/settings/{key}",
        summary="Give a setting its default again",
        responses={200: {"model": SettingView}, **conditional(*_CHANGE_ERRORS)},
    )
    async def clear_setting(request: Request, key: str, _query: _Nothing) -> Response:
        revision = expected_revision(request)
        return _setting_response(request, await reset_setting(registry, key, revision))


def _add_whole(router: APIRouter, registry: Registry) -> None:
    @router.get(
        "/config",
        summary="Give the whole configuration, to be imported elsewhere",
        responses={200: {"model": ConfigDump}, **documented(*_ERRORS)},
    )
    async def export_config(request: Request, _query: _Nothing) -> Response:
        documents = as_documents(await everything(registry), only_given_fields=False)
        return json_response(request, ConfigDump(documents=documents))

    @router.post(
        "/config",
        summary="Import documents: all are judged before any is written",
        responses={200: {"model": ImportReport}, **documented(*_IMPORT_ERRORS)},
    )
    async def import_config(request: Request, body: ConfigImport, _query: _Nothing) -> Response:
        given = from_documents(body.documents)
        steps = await plan_import(registry, given, replace=body.replace)
        if not body.dry_run:
            await apply_import(registry, steps)
        report = ImportReport(dry_run=body.dry_run, steps=tuple(_step(one) for one in steps))
        return json_response(request, report)


def _setting_response(request: Request, entry: SettingEntry) -> Response:
    response = json_response(request, _view(entry))
    if entry.revision is not None:
        response.headers["ETag"] = f'"{entry.revision}"'
    return response


def _view(entry: SettingEntry) -> SettingView:
    return SettingView(
        key=entry.key,
        value=entry.value,
        default=entry.default,
        description=entry.description,
        registry_revision=entry.revision,
    )


def _step(step: Step) -> StepView:
    changes = tuple(
        FieldView(field=one.field, before=one.before, after=one.after) for one in step.changes
    )
    return StepView(kind=step.kind.word, id=step.document_id, action=step.action, changes=changes)
