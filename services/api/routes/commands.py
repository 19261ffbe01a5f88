"""What is asked of a cluster's collector: test, host keys, refresh, diagnosis."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from services.api.answers import json_response
from services.api.bodies import ClusterChanged, TrustKeys
from services.api.changes import settled, trusted_lines
from services.api.errors import documented
from services.api.gateway import Gateway
from services.api.queries import NoQuery, refuse_repeated
from slurmfleet.contracts.commands import (
    ConnectionReport,
    Diagnosis,
    HostKeyReport,
    RefreshReport,
    Verb,
)
from slurmfleet.contracts.ids import cluster_name
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.runtime.commands import ask_collector, require_bus

_ERRORS = documented(
    ProblemCode.INVALID_PARAMETER,
    ProblemCode.INVALID_CLUSTER_NAME,
    ProblemCode.UNKNOWN_CLUSTER,
    ProblemCode.HOST_KEY_UNKNOWN,
    ProblemCode.HOST_KEY_CHANGED,
    ProblemCode.REVISION_CONFLICT,
    ProblemCode.CLUSTER_UNREACHABLE,
    ProblemCode.CLUSTER_BUSY,
    ProblemCode.SSH_AUTH_DENIED,
    ProblemCode.SSH_NO_MASTER,
    ProblemCode.COLLECTOR_UNREACHABLE,
    ProblemCode.BUS_UNAVAILABLE,
)


def command_routes(gateway: Gateway) -> APIRouter:
    """Give the routes under /v1/clusters/{cluster} that the collector answers."""
    router = APIRouter(
        prefix="/v1/clusters/{cluster}",
        tags=["clusters"],
        dependencies=[Depends(refuse_repeated), Depends(partial(require_bus, gateway.bus))],
    )
    _add_asking(router, gateway)
    _add_diagnosing(router, gateway)
    _add_trusting(router, gateway)
    return router


def _add_asking(router: APIRouter, gateway: Gateway) -> None:
    bus, limit_s = gateway.bus, gateway.settings.command_limit_s
    registry = ClusterRegistry(bus)

    @router.post(
        "/test",
        summary="Connect afresh, step by step; each step says what mends it",
        responses={200: {"model": ConnectionReport}, **_ERRORS},
    )
    async def check_connection(
        request: Request, cluster: str, _query: Annotated[NoQuery, Query()]
    ) -> Response:
        name = cluster_name(cluster)
        await registry.get_cluster(name)
        report = await ask_collector(
            bus, name, Verb.TEST_CONNECTION, ConnectionReport, limit_s=limit_s
        )
        return json_response(request, report)

    @router.post(
        "/refresh",
        summary="Look at the cluster now; several share a look, and such looks are few",
        responses={200: {"model": RefreshReport}, **_ERRORS},
    )
    async def refresh(
        request: Request, cluster: str, _query: Annotated[NoQuery, Query()]
    ) -> Response:
        name = cluster_name(cluster)
        await registry.get_cluster(name)
        report = await ask_collector(bus, name, Verb.REFRESH, RefreshReport, limit_s=limit_s)
        return json_response(request, report)


def _add_diagnosing(router: APIRouter, gateway: Gateway) -> None:
    bus, limit_s = gateway.bus, gateway.settings.command_limit_s
    registry = ClusterRegistry(bus)

    @router.get(
        "/diagnosis",
        summary="What the collector knows of the cluster and how its questions fare; asks nothing",
        responses={200: {"model": Diagnosis}, **_ERRORS},
    )
    async def diagnosis(
        request: Request, cluster: str, _query: Annotated[NoQuery, Query()]
    ) -> Response:
        name = cluster_name(cluster)
        await registry.get_cluster(name)
        found = await ask_collector(bus, name, Verb.DIAGNOSE, Diagnosis, limit_s=limit_s)
        return json_response(request, found)


def _add_trusting(router: APIRouter, gateway: Gateway) -> None:
    bus, limit_s = gateway.bus, gateway.settings.command_limit_s
    registry = ClusterRegistry(bus)

    @router.get(
        "/host-keys",
        summary="Read the login node's host keys without logging in",
        responses={200: {"model": HostKeyReport}, **_ERRORS},
    )
    async def scan_host_keys(
        request: Request, cluster: str, _query: Annotated[NoQuery, Query()]
    ) -> Response:
        name = cluster_name(cluster)
        await registry.get_cluster(name)
        scan = await ask_collector(bus, name, Verb.SCAN_HOST_KEYS, HostKeyReport, limit_s=limit_s)
        return json_response(request, scan)

    @router.put(
        "/host-keys",
        summary="Trust host keys by fingerprint, if the login node shows them now",
        responses={200: {"model": ClusterChanged}, **_ERRORS},
    )
    async def trust_host_keys(
        request: Request, cluster: str, body: TrustKeys, _query: Annotated[NoQuery, Query()]
    ) -> Response:
        name = cluster_name(cluster)
        config, revision = await registry.get_cluster(name)
        scan = await ask_collector(bus, name, Verb.SCAN_HOST_KEYS, HostKeyReport, limit_s=limit_s)
        lines = trusted_lines(config, scan, body.fingerprints)
        config, revision = await registry.update_cluster(name, {"host_keys": lines}, revision)
        visible = await settled(gateway, name, revision=revision)
        changed = ClusterChanged(config=config, registry_revision=revision, visible=visible)
        return json_response(request, changed)
