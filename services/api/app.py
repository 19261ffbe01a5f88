"""The application: routes over one gateway; nothing is global, nothing is kept between requests."""

from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any

from fastapi import Depends, FastAPI, Request
from starlette.middleware.gzip import GZipMiddleware

from services.api.errors import Problem, install_error_handlers, problem_response
from services.api.gateway import Gateway
from services.api.openapi import RestApp
from services.api.pages import page_routes
from services.api.permits import permitting
from services.api.routes.access import access_routes
from services.api.routes.actions import action_routes
from services.api.routes.board import board_routes
from services.api.routes.clusters import cluster_routes
from services.api.routes.commands import command_routes
from services.api.routes.config import config_routes
from services.api.routes.dead_letters import dead_letter_routes
from services.api.routes.documents import document_routes
from services.api.routes.events import event_routes
from services.api.routes.files import file_routes
from services.api.routes.jobs import job_routes
from services.api.routes.mounts import mount_routes
from services.api.routes.rebuilds import rebuild_routes
from services.api.routes.scripts import script_routes
from services.api.routes.usage import usage_routes
from slurmfleet.access.binding import is_loopback
from slurmfleet.access.gate import GateRules, gated
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.runtime.health import AsgiApp, Receive, Scope, Send
from slurmfleet.telemetry.metrics import REQUEST_DURATION
from slurmfleet.timing.clock import Clock

_MAX_BODY_BYTES = 1_048_576
_GZIP_FROM_BYTES = 2_048
_GZIP_LEVEL = 1
"""The fastest level already shrinks job lists to a tenth."""

_DESCRIPTION = """One live, true and fast view over every Slurm cluster a research group uses.

Reads never wait for a cluster: every object says when it was observed (`observed_at`), how old that
is (`age_s`) and whether to trust it (`stale`). Errors are problem documents with a stable `code`.
"""


def create_app(gateway: Gateway) -> AsgiApp:
    """Give the gateway's application, behind its gate."""
    rules = GateRules(
        loopback=is_loopback(gateway.settings.host),
        allowed_hosts=gateway.settings.allowed_hosts,
        enter=gateway.door.enter,
    )
    rest = measured(sized(create_rest(gateway)), gateway.clock)
    return gated(rest, health=gateway.health, rules=rules)


def create_rest(gateway: Gateway) -> FastAPI:
    """Give the application without its gate."""
    app = RestApp(
        title="slurmfleet",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        max_body_size=_MAX_BODY_BYTES,
        responses={500: {"model": Problem, "description": "internal"}},
        # Ends before the answer is sent: who reads "done" finds it in the audit.
        dependencies=[Depends(permitting(gateway.auditor), scope="function")],
    )
    install_error_handlers(app)
    for router in (
        cluster_routes(gateway),
        command_routes(gateway),
        *document_routes(gateway),
        config_routes(gateway),
        job_routes(gateway),
        file_routes(gateway),
        action_routes(gateway),
        script_routes(gateway),
        board_routes(gateway),
        mount_routes(gateway),
        event_routes(gateway),
        dead_letter_routes(gateway),
        rebuild_routes(gateway),
        usage_routes(gateway),
        access_routes(gateway),
        page_routes(app.openapi),
    ):
        app.include_router(router)
    app.add_middleware(GZipMiddleware, minimum_size=_GZIP_FROM_BYTES, compresslevel=_GZIP_LEVEL)

    return app


def sized(app: AsgiApp) -> AsgiApp:
    """Refuse a body that says it is too large as everything else is refused.

    One that does not say how large it is is cut off by the framework, in its own words.
    """

    async def judged(scope: Scope, receive: Receive, send: Send) -> None:
        length = dict(scope.get("headers", ())).get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > _MAX_BODY_BYTES:
            problem = ProblemError(
                ProblemCode.INVALID_PARAMETER,
                f"The body is larger than {_MAX_BODY_BYTES:,} bytes.",
                remedy="Send less at once.",
            )
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            refusal = problem_response(Request(scope), problem, status=status)
            await refusal(scope, receive, send)
            return
        await app(scope, receive, send)

    return judged


def measured(app: AsgiApp, clock: Clock) -> AsgiApp:
    """Measure how long each request takes, by route; streams last as long as their client likes."""

    async def timed(scope: Scope, receive: Receive, send: Send) -> None:
        status = 500
        started_s = clock.monotonic_s()

        async def noting_status(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        try:
            await app(scope, receive, noting_status)
        finally:
            route = str(getattr(scope.get("route"), "path", "unknown"))
            if route != "/v1/events":
                method = str(scope.get("method", "")) if route != "unknown" else ""
                REQUEST_DURATION.labels(method=method, route=route, status=status).observe(
                    clock.monotonic_s() - started_s
                )

    return timed
