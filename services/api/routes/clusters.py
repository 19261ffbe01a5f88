"""Clusters: what is configured and how it is; changes go to the registry."""

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from services.api.answers import ItemList, json_response, list_response, object_response
from services.api.bodies import ClusterChanged, ClusterPatch
from services.api.changes import settled
from services.api.errors import documented
from services.api.gateway import Gateway
from services.api.queries import NoQuery, refuse_repeated
from slurmfleet.contracts.ids import ClusterName, cluster_name
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.runtime.commands import require_bus
from slurmfleet.store.rows import ClusterView

_READ_ERRORS = (
    ProblemCode.INVALID_PARAMETER,
    ProblemCode.INVALID_CLUSTER_NAME,
    ProblemCode.UNKNOWN_CLUSTER,
    ProblemCode.STORE_UNAVAILABLE,
)
_CHANGE_ERRORS = (
    ProblemCode.INVALID_PARAMETER,
    ProblemCode.INVALID_CLUSTER_NAME,
    ProblemCode.UNKNOWN_CLUSTER,
    ProblemCode.REVISION_CONFLICT,
    ProblemCode.NOT_AVAILABLE_YET,
    ProblemCode.BUS_UNAVAILABLE,
)


def cluster_routes(gateway: Gateway) -> APIRouter:
    """Give the routes under /v1/clusters that read and change the configuration."""
    router = APIRouter(
        prefix="/v1/clusters", tags=["clusters"], dependencies=[Depends(refuse_repeated)]
    )
    _add_reading(router, gateway)
    _add_changing(router, gateway)
    return router


def _add_reading(router: APIRouter, gateway: Gateway) -> None:
    reader = gateway.reader

    @router.get(
        "",
        summary="List the configured clusters and how they are",
        responses={
            200: {"model": ItemList[ClusterView]},
            **documented(ProblemCode.INVALID_PARAMETER, ProblemCode.STORE_UNAVAILABLE),
        },
    )
    async def list_clusters(request: Request, _query: Annotated[NoQuery, Query()]) -> Response:
        views = await reader.clusters()
        return list_response(request, items=views, next_cursor=None, age=await reader.freshness())

    @router.get(
        "/{cluster}",
        summary="Show one cluster",
        responses={200: {"model": ClusterView}, **documented(*_READ_ERRORS)},
    )
    async def get_cluster(
        request: Request, cluster: str, _query: Annotated[NoQuery, Query()]
    ) -> Response:
        return object_response(request, await reader.cluster(cluster_name(cluster)))


def _add_changing(router: APIRouter, gateway: Gateway) -> None:
    registry = ClusterRegistry(gateway.bus)
    needs_bus = [Depends(partial(require_bus, gateway.bus))]

    @router.post(
        "",
        summary="Add a cluster",
        dependencies=needs_bus,
        status_code=HTTPStatus.CREATED,
        responses={
            201: {"model": ClusterChanged},
            **documented(*_CHANGE_ERRORS, ProblemCode.CLUSTER_EXISTS),
        },
    )
    async def add_cluster(
        request: Request, config: ClusterConfig, _query: Annotated[NoQuery, Query()]
    ) -> Response:
        revision = await registry.add_cluster(config)
        return await _changed(request, config, revision, status=HTTPStatus.CREATED)

    @router.patch(
        "/{cluster}",
        summary="Change fields of a cluster",
        dependencies=needs_bus,
        responses={200: {"model": ClusterChanged}, **documented(*_CHANGE_ERRORS)},
    )
    async def update_cluster(
        request: Request, cluster: str, patch: ClusterPatch, _query: Annotated[NoQuery, Query()]
    ) -> Response:
        config, revision = await registry.update_cluster(
            cluster_name(cluster), patch.changes(), patch.expected_revision
        )
        return await _changed(request, config, revision, status=HTTPStatus.OK)

    @router.delete(
        "/{cluster}",
        summary="Stop watching a cluster; its history stays",
        dependencies=needs_bus,
        status_code=HTTPStatus.NO_CONTENT,
        responses=documented(*_CHANGE_ERRORS),
    )
    async def remove_cluster(cluster: str, _query: Annotated[NoQuery, Query()]) -> Response:
        name = cluster_name(cluster)
        await registry.remove_cluster(name)
        await settled(gateway, name, revision=None)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _changed(
        request: Request, config: ClusterConfig, revision: int, *, status: HTTPStatus
    ) -> Response:
        visible = await settled(gateway, ClusterName(config.name), revision=revision)
        body = ClusterChanged(config=config, registry_revision=revision, visible=visible)
        return json_response(request, body, status=status)
