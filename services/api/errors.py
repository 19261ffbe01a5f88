"""The only place that knows which HTTP status a problem has.

Every error is `application/problem+json` (RFC 9457) with a stable `code`; docs/errors.md lists
the codes.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from pydantic_core import ErrorDetails, to_json
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.text import clean_line
from slurmfleet.telemetry.logs import logger

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_S = 5

STATUS: Mapping[ProblemCode, HTTPStatus] = {
    ProblemCode.INVALID_PARAMETER: HTTPStatus.BAD_REQUEST,
    ProblemCode.INVALID_CLUSTER_NAME: HTTPStatus.BAD_REQUEST,
    ProblemCode.INVALID_JOB_ID: HTTPStatus.BAD_REQUEST,
    ProblemCode.INVALID_CURSOR: HTTPStatus.BAD_REQUEST,
    ProblemCode.UNKNOWN_CLUSTER: HTTPStatus.NOT_FOUND,
    ProblemCode.JOB_NOT_FOUND: HTTPStatus.NOT_FOUND,
    ProblemCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ProblemCode.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    ProblemCode.CLUSTER_EXISTS: HTTPStatus.CONFLICT,
    ProblemCode.ALREADY_EXISTS: HTTPStatus.CONFLICT,
    ProblemCode.ALREADY_RUNNING: HTTPStatus.CONFLICT,
    ProblemCode.REVISION_CONFLICT: HTTPStatus.CONFLICT,
    ProblemCode.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    ProblemCode.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ProblemCode.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    ProblemCode.CONFIRMATION_NEEDED: HTTPStatus.PRECONDITION_REQUIRED,
    ProblemCode.NOT_POSSIBLE: HTTPStatus.CONFLICT,
    ProblemCode.NOT_AVAILABLE_YET: HTTPStatus.NOT_IMPLEMENTED,
    ProblemCode.COLLECTOR_UNREACHABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ProblemCode.PROJECTOR_UNREACHABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ProblemCode.ISSUER_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ProblemCode.CLUSTER_UNREACHABLE: HTTPStatus.BAD_GATEWAY,
    ProblemCode.CLUSTER_BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
    ProblemCode.FILE_NOT_FOUND: HTTPStatus.NOT_FOUND,
    ProblemCode.FILE_NOT_READABLE: HTTPStatus.FORBIDDEN,
    ProblemCode.FILES_TOO_SLOW: HTTPStatus.GATEWAY_TIMEOUT,
    ProblemCode.PATH_NOT_ALLOWED: HTTPStatus.FORBIDDEN,
    ProblemCode.SSH_AUTH_DENIED: HTTPStatus.BAD_GATEWAY,
    ProblemCode.SSH_NO_MASTER: HTTPStatus.BAD_GATEWAY,
    ProblemCode.HOST_KEY_UNKNOWN: HTTPStatus.CONFLICT,
    ProblemCode.HOST_KEY_CHANGED: HTTPStatus.CONFLICT,
    ProblemCode.STORE_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ProblemCode.BUS_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ProblemCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""Every code has a status; a test walks the codes."""


class Problem(BaseModel):
    """Why a request was not served, and what mends it (RFC 9457)."""

    type: str = Field(examples=["urn:slurmfleet:problem:unknown_cluster"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    code: ProblemCode = Field(description="Stable; switch on this.", examples=["unknown_cluster"])
    detail: str = Field(examples=["No cluster is called 'alfa'."])
    remedy: str = Field(
        description="What mends it; may be empty.", examples=["Configured are: alpha, beta."]
    )
    instance: str = Field(description="The path asked for.", examples=["/v1/clusters/alfa"])


def install_error_handlers(app: FastAPI) -> None:
    """Make an application answer every error with a problem document."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_unforeseen)


def problem_response(
    request: Request,
    error: ProblemError,
    *,
    status: HTTPStatus | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Give the document of a problem."""
    found = status or STATUS[error.code]
    body = Problem(
        type=f"urn:slurmfleet:problem:{error.code}",
        title=found.phrase,
        status=found,
        code=error.code,
        detail=clean_line(error.detail),
        remedy=clean_line(error.remedy),
        instance=clean_line(request.url.path),
    )
    shown = dict(headers or {})
    if found in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        shown.setdefault("Retry-After", str(error.retry_after_s or RETRY_AFTER_S))
    return Response(to_json(body), status_code=found, headers=shown, media_type=PROBLEM_JSON)


def documented(*codes: ProblemCode) -> dict[int | str, dict[str, object]]:
    """Give OpenAPI's description of the errors that a route may answer with."""
    described: dict[int | str, dict[str, object]] = {}
    for code in codes:
        status = STATUS[code]
        known = described.setdefault(int(status), {"description": ""})
        known["description"] = f"{known['description']}, {code}".lstrip(", ")
        known["content"] = {
            PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}},
        }
    return described


def conditional(*codes: ProblemCode) -> dict[int | str, dict[str, object]]:
    """Give the same for a route that takes `If-Match`: there a conflict is a failed condition."""
    described = documented(*codes)
    conflict = described[int(STATUS[ProblemCode.REVISION_CONFLICT])]
    failed = conflict | {"description": str(ProblemCode.REVISION_CONFLICT)}
    return described | {int(HTTPStatus.PRECONDITION_FAILED): failed}


async def _on_problem(request: Request, exc: Exception) -> Response:
    error = cast("ProblemError", exc)
    if error.code is ProblemCode.REVISION_CONFLICT and "if-match" in request.headers:
        return problem_response(request, error, status=HTTPStatus.PRECONDITION_FAILED)
    if error.code is ProblemCode.INTERNAL:
        logger().error("request failed", path=request.url.path, error=repr(error.__cause__))
    return problem_response(request, error)


async def _on_invalid_request(request: Request, exc: Exception) -> Response:
    first, *_ = cast("Sequence[ErrorDetails]", cast("RequestValidationError", exc).errors())
    return problem_response(request, _invalid(first))


def _invalid(error: ErrorDetails) -> ProblemError:
    """Say which parameter or field is wrong and what is allowed."""
    where, *path = error["loc"] or ("request",)
    name = ".".join(str(part) for part in path if not isinstance(part, int)) or str(where)
    kind = "parameter" if where in {"query", "path"} else "field"
    if error["type"] == "extra_forbidden":
        detail = f"There is no {kind} {name!r}."
        remedy = "Check its spelling against /openapi.json."
    elif error["type"] == "missing":
        detail = f"The {kind} {name!r} is missing."
        remedy = "Send it."
    else:
        given = error.get("input")
        value = f" is {str(given)[:100]!r}" if isinstance(given, str | int | float) else ""
        detail = f"The {kind} {name!r}{value}: {error['msg']}."
        remedy = f"Mend {name!r} and send the request again; /openapi.json says what is allowed."
    return ProblemError(ProblemCode.INVALID_PARAMETER, detail, remedy=remedy)


async def _on_http_error(request: Request, exc: Exception) -> Response:
    error = cast("HTTPException", exc)
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.NOT_FOUND:
        problem = ProblemError(
            ProblemCode.NOT_FOUND,
            f"There is nothing at {request.url.path[:200]}.",
            remedy="See /docs for the paths that exist.",
        )
    elif status is HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(_methods_of(request))
        problem = ProblemError(
            ProblemCode.METHOD_NOT_ALLOWED,
            f"{request.url.path[:200]} does not take {request.method}.",
            remedy=f"It takes {allowed}.",
        )
        return problem_response(request, problem, status=status, headers={"Allow": allowed})
    else:
        problem = ProblemError(
            ProblemCode.INVALID_PARAMETER,
            str(error.detail)[:300],
            remedy="See /openapi.json for what the request may hold.",
        )
    return problem_response(request, problem, status=status, headers=error.headers)


def _methods_of(request: Request) -> Sequence[str]:
    """Give every method that a path takes; the router names those of its first route alone."""
    paths = cast("Mapping[str, Mapping[str, object]]", request.app.openapi()["paths"])
    taken = {
        method.upper()
        for template, methods in paths.items()
        if compile_path(template)[0].match(request.url.path)
        for method in methods
    }
    return sorted(taken) or ["GET"]


async def _on_unforeseen(request: Request, exc: Exception) -> Response:
    logger().error("request failed", path=request.url.path, exc_info=exc)
    problem = ProblemError(
        ProblemCode.INTERNAL,
        "The gateway failed; that is a mistake of slurmfleet.",
        remedy="Report it with the line 'request failed' of the api service's log.",
    )
    return problem_response(request, problem)
