"""Scripts that run on a cluster, where it allows them."""

import asyncio
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.api.answers import json_response
from services.api.errors import documented
from services.api.gateway import Gateway
from services.api.queries import NoQuery, refuse_repeated
from slurmfleet.access.scripts import ScriptRuns
from slurmfleet.access.submission import told_as_problem
from slurmfleet.contracts.ids import cluster_name
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.contracts.scripts import (
    DEFAULT_LIMIT_S,
    LONGEST_LIMIT_S,
    MOST_ARGUMENTS,
    MOST_SCRIPT_BYTES,
    Interpreter,
    ScriptHost,
    ScriptReport,
    ScriptRequest,
)
from slurmfleet.contracts.text import clean_text, shown
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.runtime.commands import require_bus

_PAGE = "docs/scripts.md"
_ERRORS = (
    ProblemCode.INVALID_PARAMETER,
    ProblemCode.INVALID_CLUSTER_NAME,
    ProblemCode.UNKNOWN_CLUSTER,
    ProblemCode.FORBIDDEN,
    ProblemCode.RATE_LIMITED,
    ProblemCode.NOT_POSSIBLE,
    ProblemCode.CLUSTER_BUSY,
    ProblemCode.CLUSTER_UNREACHABLE,
    ProblemCode.COLLECTOR_UNREACHABLE,
    ProblemCode.BUS_UNAVAILABLE,
)


class ScriptBody(BaseModel):
    """What is to be run, and where."""

    model_config = ConfigDict(extra="forbid")

    cluster: str
    script: str = Field(max_length=MOST_SCRIPT_BYTES, description="Its text.")
    interpreter: Interpreter = Interpreter.PYTHON3
    host: ScriptHost = Field(
        default=ScriptHost.LOGIN, description="On the login node, or on the cluster's data host."
    )
    arguments: tuple[str, ...] = Field(default=(), max_length=MOST_ARGUMENTS)
    limit_s: int = Field(
        default=DEFAULT_LIMIT_S, ge=1, le=LONGEST_LIMIT_S, description="Seconds it may run."
    )
    reason: str = Field(default="", max_length=2_000, description="Why; stands in the audit.")

    def as_request(self) -> ScriptRequest:
        """Give the collector's request.

        Raises:
            ProblemError: It is none; the detail says what is wrong.
        """
        with told_as_problem(_PAGE):
            return ScriptRequest(
                script=self.script,
                interpreter=self.interpreter,
                host=self.host,
                arguments=self.arguments,
                limit_s=self.limit_s,
            )


def script_routes(gateway: Gateway) -> APIRouter:
    """Give the routes that run scripts."""
    router = APIRouter(
        prefix="/v1",
        tags=["actions"],
        dependencies=[Depends(refuse_repeated), Depends(partial(require_bus, gateway.bus))],
    )
    runs = ScriptRuns(bus=gateway.bus, auditor=gateway.auditor)
    registry = ClusterRegistry(gateway.bus)

    @router.post(
        "/scripts:run",
        summary="Run a script on a cluster, as our login",
        description="Only where the cluster's configuration allows it. The answer comes when the "
        "script has ended, or its time. What it wrote is untrusted text; of much of it, the middle "
        "is left out.",
        operation_id="run_script",
        responses={200: {"model": ScriptReport}, **documented(*_ERRORS)},
    )
    async def run_script(
        request: Request, body: ScriptBody, _query: Annotated[NoQuery, Query()]
    ) -> Response:
        cluster = cluster_name(body.cluster)
        await registry.get_cluster(cluster)
        report = await runs.run(cluster, body.as_request(), reason=body.reason)
        return await asyncio.to_thread(_answer, request, report)

    return router


def _answer(request: Request, report: ScriptReport) -> Response:
    told = {name: shown(value) for name, value in report.model_dump().items()}
    told |= {"stdout": clean_text(report.stdout), "stderr": clean_text(report.stderr)}
    return json_response(request, told)
