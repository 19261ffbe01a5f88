"""Jobs: the list, one job, and what happened to it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from services.api.answers import ItemList, JobPage, list_response, object_response
from services.api.errors import documented
from services.api.gateway import Gateway
from services.api.queries import JobQuery, NoQuery, PageQuery, refuse_repeated
from slurmfleet.contracts.ids import cluster_name, job_id
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.contracts.text import shown
from slurmfleet.store.rows import EventView, JobView

_PATH_ERRORS = (
    ProblemCode.INVALID_PARAMETER,
    ProblemCode.INVALID_CLUSTER_NAME,
    ProblemCode.INVALID_JOB_ID,
    ProblemCode.UNKNOWN_CLUSTER,
    ProblemCode.JOB_NOT_FOUND,
    ProblemCode.STORE_UNAVAILABLE,
)
_LIST_ERRORS = (
    ProblemCode.INVALID_PARAMETER,
    ProblemCode.INVALID_CLUSTER_NAME,
    ProblemCode.INVALID_CURSOR,
    ProblemCode.UNKNOWN_CLUSTER,
    ProblemCode.STORE_UNAVAILABLE,
)


def job_routes(gateway: Gateway) -> APIRouter:
    """Give the routes under /v1/jobs."""
    router = APIRouter(prefix="/v1/jobs", tags=["jobs"], dependencies=[Depends(refuse_repeated)])
    reader = gateway.reader

    @router.get(
        "",
        summary="List jobs, newest submission first",
        responses={200: {"model": JobPage}, **documented(*_LIST_ERRORS)},
    )
    async def list_jobs(request: Request, query: Annotated[JobQuery, Query()]) -> Response:
        """A search for text that no index helps with gives what it finds in a tenth of a second.

        Such a page is short or empty and has `searched_back_to`; follow `next_cursor` until it is
        null.
        """
        wanted = query.as_filter()
        page = await reader.jobs(wanted, after=query.cursor, limit=query.limit)
        age = await reader.freshness(wanted.clusters)
        more = {"searched_back_to": shown(page.searched_back_to)}
        return list_response(
            request, items=page.items, next_cursor=page.next_cursor, age=age, more=more
        )

    @router.get(
        "/{cluster}/{job}",
        summary="Show one job: its latest submission",
        responses={200: {"model": JobView}, **documented(*_PATH_ERRORS)},
    )
    async def get_job(
        request: Request, cluster: str, job: str, _query: Annotated[NoQuery, Query()]
    ) -> Response:
        return object_response(request, await reader.job(cluster_name(cluster), job_id(job)))

    @router.get(
        "/{cluster}/{job}/timeline",
        summary="List what happened to one job, oldest first",
        responses={200: {"model": ItemList[EventView]}, **documented(*_PATH_ERRORS)},
    )
    async def job_timeline(
        request: Request, cluster: str, job: str, query: Annotated[PageQuery, Query()]
    ) -> Response:
        name, identity = cluster_name(cluster), job_id(job)
        page = await reader.timeline(name, identity, after=query.cursor, limit=query.limit)
        age = await reader.freshness((name,))
        return list_response(request, items=page.items, next_cursor=page.next_cursor, age=age)

    return router
