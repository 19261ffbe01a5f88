"""Folders of clusters that are mounted where their collectors run."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.api.answers import json_response
from services.api.errors import documented
from services.api.gateway import Gateway
from services.api.queries import NOTHING, ClusterNames, NoQuery, refuse_repeated
from slurmfleet.access.mounts import Mounts
from slurmfleet.contracts.ids import cluster_name
from slurmfleet.contracts.mounts import ClusterMounts, MountAct, MountReport
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.contracts.text import shown
from slurmfleet.runtime.commands import require_bus

_ERRORS = (
    ProblemCode.INVALID_PARAMETER,
    ProblemCode.INVALID_CLUSTER_NAME,
    ProblemCode.UNKNOWN_CLUSTER,
    ProblemCode.FORBIDDEN,
    ProblemCode.BUS_UNAVAILABLE,
)


class MountsQuery(BaseModel):
    """Which clusters."""

    model_config = ConfigDict(extra="forbid")

    cluster: ClusterNames = Field(default=NOTHING, description="Names of clusters; absent: all.")


class MountBody(BaseModel):
    """What is to be done to the mounts of a cluster."""

    model_config = ConfigDict(extra="forbid")

    act: MountAct
    reason: str = Field(default="", max_length=2_000, description="Why; stands in the audit.")


class MountsAnswer(BaseModel):
    """The mounts of clusters."""

    items: tuple[ClusterMounts, ...]


def mount_routes(gateway: Gateway) -> APIRouter:
    """Give the routes under /v1/mounts."""
    checks = [Depends(refuse_repeated), Depends(partial(require_bus, gateway.bus))]
    router = APIRouter(prefix="/v1/mounts", tags=["mounts"], dependencies=checks)
    mounts = Mounts(bus=gateway.bus, auditor=gateway.auditor)

    @router.get(
        "",
        summary="Show which folders of clusters are mounted where their collectors run",
        description="From the kernel's own table; nothing is touched that could hang.",
        operation_id="list_mounts",
        responses={200: {"model": MountsAnswer}, **documented(*_ERRORS)},
    )
    async def list_mounts(request: Request, query: Annotated[MountsQuery, Query()]) -> Response:
        items = await mounts.show(tuple(cluster_name(one) for one in query.cluster))
        answer = MountsAnswer(items=tuple(items))
        return json_response(request, shown(answer.model_dump(mode="json")))

    @router.post(
        "/{cluster}",
        summary="Mount the folders of a cluster, unmount them, or mount them anew",
        operation_id="change_mounts",
        responses={
            200: {"model": MountReport},
            **documented(
                *_ERRORS,
                ProblemCode.RATE_LIMITED,
                ProblemCode.NOT_POSSIBLE,
                ProblemCode.COLLECTOR_UNREACHABLE,
            ),
        },
    )
    async def change_mounts(
        request: Request,
        cluster: Annotated[str, Path(description="Name of the cluster.")],
        body: MountBody,
        _query: Annotated[NoQuery, Query()],
    ) -> Response:
        report = await mounts.act(cluster_name(cluster), body.act, reason=body.reason)
        return json_response(request, shown(report.model_dump(mode="json")))

    return router
