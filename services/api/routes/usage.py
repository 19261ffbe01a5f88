"""What jobs used, by day and by whom."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from services.api.answers import ItemList, list_response
from services.api.errors import documented
from services.api.gateway import Gateway
from services.api.queries import UsageQuery, refuse_repeated
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.store.read.usage import UsageView

_ERRORS = documented(
    ProblemCode.INVALID_PARAMETER,
    ProblemCode.INVALID_CLUSTER_NAME,
    ProblemCode.UNKNOWN_CLUSTER,
    ProblemCode.STORE_UNAVAILABLE,
)


def usage_routes(gateway: Gateway) -> APIRouter:
    """Give the routes under /v1/usage."""
    router = APIRouter(prefix="/v1/usage", tags=["usage"], dependencies=[Depends(refuse_repeated)])
    reader = gateway.reader

    @router.get(
        "/history",
        summary="Add up what jobs held, by day, cluster, user, account, project or partition",
        responses={200: {"model": ItemList[UsageView]}, **_ERRORS},
    )
    async def usage_history(request: Request, query: Annotated[UsageQuery, Query()]) -> Response:
        wanted = query.as_filter(gateway.clock.now().date())
        items = await reader.usage(wanted)
        age = await reader.freshness(wanted.clusters)
        return list_response(request, items=items, next_cursor=None, age=age)

    return router
