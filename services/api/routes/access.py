"""Tokens and the audit: who may do what, and who did."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from services.api.answers import json_response
from services.api.errors import documented
from services.api.gateway import Gateway
from services.api.queries import Moment, NoQuery, PageQuery, refuse_repeated
from slurmfleet.access.chain import ChainReport, verify_chain
from slurmfleet.access.principal import current_principal
from slurmfleet.access.tokens import TokenStore, shown_record
from slurmfleet.contracts.access import Grant, Role, Toolset
from slurmfleet.contracts.audit import Outcome
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.contracts.text import shown
from slurmfleet.store.read.audit import AuditFilter, AuditView

_DAYS = 90
_Nothing = Annotated[NoQuery, Query()]


class TokenRequest(Grant):
    """What a new token may do, and for how long."""

    days: float | None = Field(
        default=_DAYS, gt=0, le=36_500, description="How long it is good; null: until revoked."
    )


class TokenView(Grant):
    """A token without its secret."""

    token_id: str
    created_at: AwareDatetime
    created_by: str
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    revoked_by: str


class TokenCreated(TokenView):
    """A token that was just made."""

    token: str = Field(description="The secret; shown now and never again.")


class TokenList(BaseModel):
    """Every token, the newest first."""

    items: tuple[TokenView, ...]


class WhoAmI(BaseModel):
    """Who asks, and what they may do."""

    name: str
    kind: str
    role: Role
    toolsets: tuple[Toolset, ...]
    clusters: tuple[str, ...] = Field(description="Empty: all of them.")
    users: tuple[str, ...] = Field(description="Of whose jobs; empty: everybody's.")
    token_id: str = Field(description="Empty where no token of the group was sent.")


class AuditQuery(PageQuery):
    """Which actions; every condition must hold."""

    actor: str = Field(default="", max_length=200, description="Who acted.")
    action: str = Field(
        default="", max_length=100, description="A name or the first part of one: job, job.cancel."
    )
    cluster: str = Field(default="", max_length=64, description="On which cluster.")
    target: str = Field(default="", max_length=200, description="To what: a job's id, a key.")
    outcome: Literal["", "allowed", "refused", "ok", "failed"] = Field(
        default="", description="allowed: nobody has told what came of it."
    )
    since: Moment | None = Field(default=None, description="Then or later; ISO 8601.")
    until: Moment | None = Field(default=None, description="Before; ISO 8601.")

    def as_filter(self) -> AuditFilter:
        """Give the reader's filter."""
        return AuditFilter(
            actor=self.actor,
            action=self.action,
            cluster=self.cluster,
            target=self.target,
            outcome=Outcome(self.outcome) if self.outcome else None,
            since=self.since,
            until=self.until,
        )


class AuditPage(BaseModel):
    """One page of the audit."""

    items: tuple[AuditView, ...]
    next_cursor: str | None


class ChainQuery(NoQuery):
    """Which part of the chain."""

    first: int = Field(default=1, ge=1, lt=2**62, description="The first record to check.")
    limit: int = Field(default=5_000, ge=1, le=20_000, description="Records at most.")


def access_routes(gateway: Gateway) -> APIRouter:
    """Give the routes of tokens and of the audit."""
    router = APIRouter(prefix="/v1", tags=["access"], dependencies=[Depends(refuse_repeated)])
    _add_tokens(router, gateway)
    _add_audit(router, gateway)
    return router


def _add_tokens(router: APIRouter, gateway: Gateway) -> None:
    tokens = TokenStore(gateway.bus, gateway.clock)
    errors = documented(
        ProblemCode.INVALID_PARAMETER, ProblemCode.FORBIDDEN, ProblemCode.BUS_UNAVAILABLE
    )

    @router.get(
        "/whoami",
        summary="Who asks, and what they may do",
        responses={
            200: {"model": WhoAmI},
            **documented(ProblemCode.INVALID_PARAMETER),
        },
    )
    async def whoami(request: Request, _query: _Nothing) -> Response:
        who = current_principal()
        return json_response(
            request,
            WhoAmI(
                name=who.name,
                kind=who.kind,
                role=who.role,
                toolsets=tuple(sorted(who.toolsets)),
                clusters=tuple(sorted(who.clusters)),
                users=tuple(sorted(who.users)),
                token_id=who.token_id,
            ),
        )

    @router.get(
        "/tokens",
        summary="List every token, without secrets",
        responses={200: {"model": TokenList}, **errors},
    )
    async def list_tokens(request: Request, _query: _Nothing) -> Response:
        items = [shown_record(one) for one in await tokens.list()]
        return json_response(request, {"items": items})

    @router.post(
        "/tokens",
        summary="Make a token; its secret is in this answer alone",
        status_code=HTTPStatus.CREATED,
        responses={201: {"model": TokenCreated}, **errors},
    )
    async def create_token(request: Request, body: TokenRequest, _query: _Nothing) -> Response:
        lifetime = None if body.days is None else timedelta(days=body.days)
        grant = Grant.model_validate(body.model_dump(exclude={"days"}))
        made = await tokens.create(grant, lifetime=lifetime, by=current_principal().name)
        answer = {**shown_record(made.record), "token": made.token}
        response = json_response(request, answer, status=HTTPStatus.CREATED)
        response.headers["Cache-Control"] = "no-store"
        return response

    @router.delete(
        "/tokens/{token_id}",
        summary="Make a token void for ever",
        responses={200: {"model": TokenView}, **errors, **documented(ProblemCode.NOT_FOUND)},
    )
    async def revoke_token(request: Request, token_id: str, _query: _Nothing) -> Response:
        record = await tokens.revoke(token_id, by=current_principal().name)
        return json_response(request, shown_record(record))


def _add_audit(router: APIRouter, gateway: Gateway) -> None:
    errors = documented(
        ProblemCode.INVALID_PARAMETER,
        ProblemCode.INVALID_CURSOR,
        ProblemCode.FORBIDDEN,
        ProblemCode.STORE_UNAVAILABLE,
    )

    @router.get(
        "/audit",
        summary="What was done by whom and what came of it, the newest first",
        responses={200: {"model": AuditPage}, **errors},
    )
    async def list_audit(request: Request, query: Annotated[AuditQuery, Query()]) -> Response:
        page = await gateway.reader.audit(query.as_filter(), after=query.cursor, limit=query.limit)
        body = {"items": shown(page.items), "next_cursor": page.next_cursor}
        return json_response(request, body)

    @router.get(
        "/audit/verify",
        summary="Check a part of the audit's chain; at its end, against what the bus has noted",
        responses={
            200: {"model": ChainReport},
            **errors,
            **documented(ProblemCode.BUS_UNAVAILABLE),
        },
    )
    async def verify_audit(request: Request, query: Annotated[ChainQuery, Query()]) -> Response:
        report = await verify_chain(
            gateway.reader, gateway.bus, first=query.first, limit=query.limit
        )
        return json_response(request, report)
