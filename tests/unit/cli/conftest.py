"""A tiny API on a real socket, and the command line run in this process."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from slurmfleet.cli.main import app
from slurmfleet.cli.where import Door
from slurmfleet.runtime.health import Receive, Scope, Send
from slurmfleet.runtime.http import HttpServer

Answer = tuple[int, str, bytes]


@dataclass
class TinyApi:
    """Answers each path with what a test put there; remembers what was asked."""

    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])
    in_turn: dict[str, list[Answer]] = field(default_factory=dict[str, list[Answer]])
    """Answers that are given once each, before those in `answers`."""

    asked: list[str] = field(default_factory=list[str])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    bodies: list[Any] = field(default_factory=list[Any])
    """Of those requests that have one."""

    def put(self, path: str, body: object, status: int = 200) -> None:
        kind = "application/json" if status < 400 else "application/problem+json"
        self.answers[path] = (status, kind, json.dumps(body).encode())

    def put_in_turn(self, path: str, *bodies: object) -> None:
        self.in_turn[path] = [(200, "application/json", json.dumps(one).encode()) for one in bodies]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, query = str(scope["path"]), bytes(scope["query_string"]).decode()
        self.asked.append(f"{scope['method']} {path}" + (f"?{query}" if query else ""))
        self.headers.append({k.decode(): v.decode() for k, v in scope["headers"]})
        if scope["method"] != "GET" and (sent := (await receive()).get("body")):
            self.bodies.append(json.loads(sent))
        if turns := self.in_turn.get(path):
            status, kind, body = turns.pop(0)
        else:
            status, kind, body = self.answers.get(path, (404, "text/html", b"<h1>no</h1>"))
        head = {"type": "http.response.start", "status": status}
        await send({**head, "headers": [(b"content-type", kind.encode())]})
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(
    application: Callable[[Scope, Receive, Send], Awaitable[None]],
) -> AsyncIterator[Door]:
    server = HttpServer(application, host="127.0.0.1", port=0, setting="none")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.run())
        try:
            yield Door(url=f"http://127.0.0.1:{server.port}", token="", found_by="--url")
        finally:
            server.stop()


@pytest.fixture
def tiny_api() -> TinyApi:
    return TinyApi()


@pytest.fixture
async def door(tiny_api: TinyApi) -> AsyncIterator[Door]:
    async with serving(tiny_api) as door:
        yield door


def run_cli(*arguments: str, environment: dict[str, str] | None = None, stdin: str = "") -> Result:
    variables = {"NO_COLOR": "1", **(environment or {})}
    return CliRunner().invoke(app, list(arguments), env=variables, input=stdin)


def job(**more: Any) -> dict[str, Any]:  # noqa: ANN401 JSON
    return {
        "cluster": "alpha",
        "job_id": "4711",
        "name": "train",
        "user": "ada",
        "partition": "batch",
        "state": "RUNNING",
        "gpus": 8,
        "submitted_at": "2026-01-01T10:00:00Z",
        "started_at": "2026-01-01T11:00:00Z",
        "observed_at": "2026-01-01T12:00:00Z",
        "age_s": 12.0,
        "live": True,
        **more,
    }


def page(items: Sequence[object], **more: object) -> dict[str, object]:
    clusters = {"alpha": {"age_s": 12.0, "stale": False, "stale_reason": ""}}
    return {"items": items, "next_cursor": None, "clusters": clusters, **more}
