"""What stands before every HTTP application: the three health paths, then three questions.

Is the request meant for this server (Host), does it come from a page of this server (Origin),
and who sends it? A page of another site that a browser on this machine shows can reach
a loopback port, directly or by a name that it makes resolve to 127.0.0.1; the first two questions
keep it out, since a loopback port needs no token.

Source: MCP specification, "Security Warning" of Streamable HTTP and "Authorization"; RFC 6750,
section 3; RFC 9728, section 5.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from slurmfleet.access.principal import Principal, acting_as
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.text import clean_line
from slurmfleet.runtime.health import AsgiApp, Health, Receive, Scope, Send, answer

HEALTH_PATHS = frozenset({"/livez", "/readyz", "/metrics"})
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

_DENIALS: Mapping[ProblemCode, tuple[int, str]] = {
    ProblemCode.UNAUTHENTICATED: (401, "Token needed"),
    ProblemCode.RATE_LIMITED: (429, "Too many requests"),
    ProblemCode.BUS_UNAVAILABLE: (503, "Tokens cannot be checked"),
    ProblemCode.ISSUER_UNAVAILABLE: (503, "Tokens cannot be checked"),
    ProblemCode.FORBIDDEN: (403, "Not for this token"),
}
_COME_BACK = frozenset({429, 503})
_RETRY_AFTER_S = 5
"""Where nobody knows better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules:
    """Which requests come through."""

    loopback: bool
    """Whether the server listens on loopback only; then the Host must be a loopback name."""

    allowed_hosts: Sequence[str] = ()
    """Host names that are served besides; on another binding, when given, the only ones."""

    enter: Callable[[str, str], Principal]
    """Gives who asks, by the Authorization header and the User-Agent; raises a ProblemError."""

    public: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """JSON documents, by path, for whoever has no token yet."""

    token_hint: str = ""
    """What a refusal adds to its challenge: where tokens come from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    status: int
    code: ProblemCode
    title: str
    detail: str
    remedy: str
    retry_after_s: int | None = None


def gated(app: AsgiApp, *, health: Health, rules: GateRules) -> AsgiApp:
    """Put the health paths and the gate before an application."""

    async def gate(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        path = str(scope["path"])
        headers = _headers(scope)
        if refusal := _judge(headers, rules):
            await _refuse(refusal, path, send)
            return
        if path in HEALTH_PATHS:
            status, content_type, body = answer(health, path)
            await _respond(send, status, content_type, body)
            return
        if (document := rules.public.get(path)) is not None:
            await _respond(send, 200, "application/json", document)
            return
        try:
            principal = rules.enter(headers.get("authorization", ""), headers.get("user-agent", ""))
        except ProblemError as problem:
            await _refuse(_refusal(problem), path, send, rules.token_hint)
            return
        with acting_as(principal):
            await app(scope, receive, send)

    return gate


def _refusal(problem: ProblemError) -> _Refusal:
    status, title = _DENIALS[problem.code]
    return _Refusal(
        status=status,
        code=problem.code,
        title=title,
        detail=problem.detail,
        remedy=problem.remedy,
        retry_after_s=problem.retry_after_s,
    )


def _judge(headers: Mapping[str, str], rules: GateRules) -> _Refusal | None:
    host = headers.get("host", "")
    if not _host_allowed(host, rules):
        return _Refusal(
            status=403,
            code=ProblemCode.FORBIDDEN,
            title="Not for this server",
            detail=f"Requests for the host {clean_line(host[:100])!r} are not served here.",
            remedy="Use the address at which the server listens, or allow the name there.",
        )
    origin = headers.get("origin", "")
    if origin and not _same_origin(origin, host):
        return _Refusal(
            status=403,
            code=ProblemCode.FORBIDDEN,
            title="Cross-origin request",
            detail=f"A page of {clean_line(origin[:100])!r} may not use this server.",
            remedy="Open the page from this server, or call from a program, not from a browser.",
        )
    return None


def _host_allowed(host: str, rules: GateRules) -> bool:
    name = _host_name(host)
    if name in rules.allowed_hosts:
        return True
    if rules.loopback:
        return name in LOOPBACK_NAMES or _is_loopback_address(name)
    return not rules.allowed_hosts


def _host_name(host: str) -> str:
    """Give the name of a Host header without port and brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_loopback_address(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _same_origin(origin: str, host: str) -> bool:
    """Whether an Origin header names the very host and port of the request."""
    return urlsplit(origin).netloc.lower() == host.lower()


def _headers(scope: Scope) -> dict[str, str]:
    return {
        bytes(name).decode("latin-1"): bytes(value).decode("latin-1")
        for name, value in scope["headers"]
    }


async def _refuse(refusal: _Refusal, path: str, send: Send, token_hint: str = "") -> None:
    body = {
        "type": f"urn:slurmfleet:problem:{refusal.code}",
        "title": refusal.title,
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.detail,
        "remedy": refusal.remedy,
        "instance": clean_line(path),
    }
    await _respond(
        send,
        refusal.status,
        "application/problem+json",
        json.dumps(body).encode(),
        _more_headers(refusal, token_hint),
    )


def _more_headers(refusal: _Refusal, token_hint: str) -> Mapping[str, str]:
    if refusal.code is ProblemCode.UNAUTHENTICATED:
        return {"www-authenticate": f'Bearer realm="slurmfleet"{token_hint}'}
    if refusal.code is ProblemCode.FORBIDDEN and token_hint:
        return {"www-authenticate": f'Bearer error="insufficient_scope"{token_hint}'}
    if refusal.status in _COME_BACK:
        return {"retry-after": str(refusal.retry_after_s or _RETRY_AFTER_S)}
    return {}


async def _respond(
    send: Send,
    status: int,
    content_type: str,
    body: bytes,
    headers: Mapping[str, str] | None = None,
) -> None:
    shown = {"content-type": content_type, "content-length": str(len(body)), **(headers or {})}
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode(), value.encode()) for name, value in shown.items()],
        }
    )
    await send({"type": "http.response.body", "body": body})
