"""The board: jobs that are over and not put away yet; and the removal of old history."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.api.answers import ItemList, json_response, list_response
from services.api.errors import documented
from services.api.gateway import Gateway
from services.api.queries import (
    NOTHING,
    ClusterNames,
    Moment,
    NoQuery,
    PageQuery,
    Words,
    refuse_repeated,
)
from services.api.routes.actions import JobName
from slurmfleet.access.board import Board, Cleaned, Clearing
from slurmfleet.contracts.board import (
    BOARD_DAYS,
    LEAST_CLEANUP_DAYS,
    MOST_BOARD_DAYS,
    MOST_MARKED,
    BoardGroup,
    ClearReport,
    Mark,
    MarkReport,
)
from slurmfleet.contracts.ids import cluster_name
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.contracts.text import shown
from slurmfleet.runtime.commands import require_bus
from slurmfleet.store.read.board import BoardFilter, BoardView, OldJobView

_READ_ERRORS = (
    ProblemCode.INVALID_PARAMETER,
    ProblemCode.INVALID_CLUSTER_NAME,
    ProblemCode.INVALID_CURSOR,
    ProblemCode.UNKNOWN_CLUSTER,
    ProblemCode.FORBIDDEN,
    ProblemCode.STORE_UNAVAILABLE,
)
_CHANGE_ERRORS = (
    ProblemCode.INVALID_PARAMETER,
    ProblemCode.INVALID_CLUSTER_NAME,
    ProblemCode.INVALID_JOB_ID,
    ProblemCode.UNKNOWN_CLUSTER,
    ProblemCode.FORBIDDEN,
    ProblemCode.RATE_LIMITED,
    ProblemCode.BUS_UNAVAILABLE,
    ProblemCode.STORE_UNAVAILABLE,
    ProblemCode.PROJECTOR_UNREACHABLE,
)
_LONGEST_DAYS = 36_500
_Nothing = Annotated[NoQuery, Query()]


class BoardQuery(PageQuery):
    """Which jobs of the board; lists with commas, every condition must hold."""

    cluster: ClusterNames = Field(default=NOTHING, description="Names of clusters.")
    user: Words = Field(default=NOTHING, description="Login names of owners.")
    project: Words = Field(default=NOTHING, description="Projects.")
    group: BoardGroup | None = Field(default=None, description="Only these; absent: all.")
    days: float = Field(
        default=BOARD_DAYS,
        gt=0,
        le=MOST_BOARD_DAYS,
        description="How long ago a job may have ended that is not pinned.",
    )
    dismissed: bool = Field(
        default=False, description="true: what was put away, instead of what is on the board."
    )


class ClearBody(BaseModel):
    """What is to be put away; an absent list lets everything through."""

    model_config = ConfigDict(extra="forbid")

    groups: tuple[BoardGroup, ...] = Field(min_length=1, max_length=len(BoardGroup))
    clusters: tuple[str, ...] = Field(default=(), max_length=100)
    users: tuple[str, ...] = Field(default=(), max_length=100)
    projects: tuple[str, ...] = Field(default=(), max_length=100)
    reason: str = Field(default="", max_length=2_000, description="Why; stands in the audit.")


class MarkBody(BaseModel):
    """What is said of which jobs."""

    model_config = ConfigDict(extra="forbid")

    mark: Mark
    jobs: tuple[JobName, ...] = Field(min_length=1, max_length=MOST_MARKED)
    reason: str = Field(default="", max_length=2_000, description="Why; stands in the audit.")


class CleanupQuery(PageQuery):
    """Whose old history."""

    days: float | None = Field(
        default=None, gt=0, le=_LONGEST_DAYS, description="What was over so long ago."
    )
    before: Moment | None = Field(
        default=None, description="Instead of days: what was over before; ISO 8601."
    )
    cluster: ClusterNames = Field(default=NOTHING, description="Names of clusters.")
    user: Words = Field(default=NOTHING, description="Login names of owners.")

    @model_validator(mode="after")
    def _one_age(self) -> "CleanupQuery":
        if (self.days is None) == (self.before is None):
            raise ValueError("name either days or before")
        return self


class CleanupBody(BaseModel):
    """What a dry run has named."""

    model_config = ConfigDict(extra="forbid")

    before: Moment = Field(description="Of the dry run.")
    confirm: str = Field(max_length=64, description="Of the dry run.")
    clusters: tuple[str, ...] = Field(default=(), max_length=100)
    users: tuple[str, ...] = Field(default=(), max_length=100)
    reason: str = Field(default="", max_length=2_000, description="Why; stands in the audit.")


class CleanupAnswer(BaseModel):
    """What a cleanup would remove: a page of it, and how much it is."""

    items: tuple[OldJobView, ...]
    next_cursor: str | None
    before: datetime
    jobs: int = Field(description="On all pages.")
    by_cluster: Mapping[str, int]
    confirm: str = Field(description="To do just this; empty where there is nothing to do.")


def board_routes(gateway: Gateway) -> APIRouter:
    """Give the routes under /v1/board and /v1/history."""
    router = APIRouter(prefix="/v1", dependencies=[Depends(refuse_repeated)])
    board = Board(
        reader=gateway.reader, bus=gateway.bus, auditor=gateway.auditor, clock=gateway.clock
    )
    _add_board(router, gateway, board)
    _add_cleanup(router, gateway, board)
    return router


def _add_board(router: APIRouter, gateway: Gateway, board: Board) -> None:
    @router.get(
        "/board",
        summary="List jobs that are over and were not put away, the latest end first",
        description="Jobs that go on are in the list of jobs (`live=true`); here they stand, before"
        f" all others, where somebody pinned them. What ended more than {BOARD_DAYS} days ago is"
        " shown where it is pinned.",
        operation_id="list_board",
        tags=["board"],
        responses={200: {"model": ItemList[BoardView]}, **documented(*_READ_ERRORS)},
    )
    async def list_board(request: Request, query: Annotated[BoardQuery, Query()]) -> Response:
        wanted = BoardFilter(
            clusters=tuple(cluster_name(one) for one in query.cluster),
            users=tuple(query.user),
            projects=tuple(query.project),
            groups=(query.group,) if query.group is not None else (),
            days=query.days,
            dismissed=query.dismissed,
        )
        page = await gateway.reader.board(wanted, after=query.cursor, limit=query.limit)
        age = await gateway.reader.freshness(wanted.clusters)
        return list_response(request, items=page.items, next_cursor=page.next_cursor, age=age)

    @router.post(
        "/board:clear",
        summary="Put away what is over; it stays in the history, and pinned jobs stay here",
        operation_id="clear_board",
        tags=["board"],
        dependencies=[Depends(partial(require_bus, gateway.bus))],
        responses={200: {"model": ClearReport}, **documented(*_CHANGE_ERRORS)},
    )
    async def clear_board(request: Request, body: ClearBody, _query: _Nothing) -> Response:
        report = await board.clear(
            Clearing(
                groups=body.groups,
                clusters=tuple(cluster_name(one) for one in body.clusters),
                users=body.users,
                projects=body.projects,
                reason=body.reason,
            )
        )
        return json_response(request, shown(report.model_dump(mode="json")))

    @router.post(
        "/board:mark",
        summary="Pin jobs to the board, put them away, or take back what was said of them",
        operation_id="mark_jobs",
        tags=["board"],
        dependencies=[Depends(partial(require_bus, gateway.bus))],
        responses={200: {"model": MarkReport}, **documented(*_CHANGE_ERRORS)},
    )
    async def mark_jobs(request: Request, body: MarkBody, _query: _Nothing) -> Response:
        named = [one.named() for one in body.jobs]
        report = await board.mark(body.mark, named, reason=body.reason)
        return json_response(request, shown(report.model_dump(mode="json")))


def _add_cleanup(router: APIRouter, gateway: Gateway, board: Board) -> None:
    @router.get(
        "/history/cleanup",
        summary="List the jobs whose history a cleanup would remove, the oldest submission first",
        description=f"Nothing is removed. {LEAST_CLEANUP_DAYS} days are the least; what is pinned"
        " stays. No file on any cluster is ever touched.",
        operation_id="plan_cleanup",
        tags=["history"],
        responses={200: {"model": CleanupAnswer}, **documented(*_READ_ERRORS)},
    )
    async def plan_cleanup(request: Request, query: Annotated[CleanupQuery, Query()]) -> Response:
        plan, wanted = await board.plan(
            days=query.days,
            before=query.before,
            clusters=tuple(cluster_name(one) for one in query.cluster),
            users=tuple(query.user),
        )
        page = await gateway.reader.cleanup(wanted, after=query.cursor, limit=query.limit)
        answer = {
            "items": page.items,
            "next_cursor": page.next_cursor,
            "before": plan.before,
            "jobs": plan.jobs,
            "by_cluster": plan.by_cluster,
            "confirm": plan.confirm,
        }
        return json_response(request, shown(answer))

    @router.post(
        "/history/cleanup",
        summary="Remove from the store what a dry run has named, and just that",
        operation_id="clean_up_history",
        tags=["history"],
        dependencies=[Depends(partial(require_bus, gateway.bus))],
        responses={
            200: {"model": Cleaned},
            **documented(*_CHANGE_ERRORS, ProblemCode.CONFIRMATION_NEEDED),
        },
    )
    async def clean_up_history(request: Request, body: CleanupBody, _query: _Nothing) -> Response:
        cleaned = await board.clean_up(
            before=body.before,
            confirm=body.confirm,
            clusters=tuple(cluster_name(one) for one in body.clusters),
            users=body.users,
            reason=body.reason,
        )
        return json_response(request, shown(cleaned))
