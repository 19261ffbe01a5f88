"""What a process says of itself: /livez, /readyz and /metrics.

`Health` is what the parts of a process report to; `health_app` shows it over HTTP. Every service
serves the same three paths, so a supervisor, a compose file and a person ask alike.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How one part of a process is."""

    ok: bool
    detail: str = ""
    required: bool = True
    """Whether the process is of no use without it; others only inform."""


@dataclass(slots=True)
class Health:
    """The parts of one process and how each is; a part that never reported is not ready."""

    service: str
    checks: dict[str, Check] = field(default_factory=dict[str, Check])

    def expect(self, *parts: str) -> None:
        """Name parts that must report before the process is ready."""
        for part in parts:
            self.checks.setdefault(part, Check(ok=False, detail="not ready yet"))

    def report(self, part: str, *, ok: bool, detail: str = "", required: bool = True) -> None:
        """Say how a part is."""
        self.checks[part] = Check(ok=ok, detail=detail, required=required)

    @property
    def ready(self) -> bool:
        """Whether every required part is well."""
        return all(check.ok for check in self.checks.values() if check.required)

    def as_json(self) -> dict[str, object]:
        """Give the answer of /readyz."""
        return {
            "service": self.service,
            "ready": self.ready,
            "checks": {
                part: {"ok": check.ok, "detail": check.detail, "required": check.required}
                for part, check in sorted(self.checks.items())
            },
        }


def health_app(health: Health) -> AsgiApp:
    """Give the ASGI application of a process that serves nothing else over HTTP."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            status, content_type, body = answer(health, str(scope["path"]))
            await send(
                {
                    "type": "http.response.start",
                    "status": status,
                    "headers": [(b"content-type", content_type.encode())],
                }
            )
            await send({"type": "http.response.body", "body": body})

    return app


def answer(health: Health, path: str) -> tuple[int, str, bytes]:
    """Give status, content type and body for one of the three paths; 404 for any other."""
    match path:
        case "/livez":
            return 200, JSON, b'{"live": true}\n'
        case "/readyz":
            body = json.dumps(health.as_json(), indent=2).encode() + b"\n"
            return 200 if health.ready else 503, JSON, body
        case "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest()
        case _:
            return 404, JSON, b'{"detail": "Only /livez, /readyz and /metrics live here."}\n'
