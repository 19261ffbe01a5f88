"""Looks at a running stack from outside, and waits until it has caught up.

Nothing here trusts a wall clock: some faults move it.
"""

import asyncio
import json
import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import nats
import nats.errors
from nats.aio.client import Client

from slurmfleet.contracts.streams import FACTS, PROJECTOR
from tests.harness.stack import Stack

SERVICES = ("projector", "collector", "api", "mcp")
_PAUSE_S = 0.1
_HTTP = httpx.Client(timeout=2, trust_env=False)
_GOOD_LOOK = re.compile(
    r"^slurmfleet_poll_last_success_timestamp_seconds\{[^}]*\} (\S+)$", re.MULTILINE
)


class NotBackError(AssertionError):
    """Something did not happen in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamState:
    """The stream of facts, and how far the projector is."""

    first: int
    last: int
    done: int
    """All up to here is acknowledged by the projector."""


def until(what: str, good: Callable[[], bool], *, within_s: float) -> float:
    """Wait until something is so; give the seconds it took."""
    begun_s = time.monotonic()
    trouble = ""
    while (took_s := time.monotonic() - begun_s) < within_s:
        try:
            if good():
                return time.monotonic() - begun_s
        except (httpx.HTTPError, OSError, nats.errors.Error, sqlite3.Error, ValueError) as exc:
            trouble = f"; last: {type(exc).__name__} {exc}"
        time.sleep(_PAUSE_S)
    raise NotBackError(f"not within {took_s:.0f} s: {what}{trouble}")


def readiness(stack: Stack) -> dict[str, str]:
    """Give what is not ready, by service; empty where all is well."""
    urls = stack.record()["urls"]
    wrong: dict[str, str] = {}
    for name in SERVICES:
        try:
            answer = _HTTP.get(f"{urls[name]}/readyz")
        except httpx.HTTPError as exc:
            wrong[name] = type(exc).__name__
            continue
        if answer.status_code != httpx.codes.OK:
            checks = answer.json()["checks"].items()
            wrong[name] = "; ".join(
                f"{part}: {one['detail']}" for part, one in checks if not one["ok"]
            )
    return wrong


def checks_of(stack: Stack, service: str) -> dict[str, Any]:
    """Give the parts of a service as it tells them."""
    return _HTTP.get(f"{stack.record()['urls'][service]}/readyz").json()["checks"]


def last_good_look(stack: Stack) -> str:
    """Give what tells one good look of the collector from the next."""
    url = stack.record()["urls"]["collector"]
    found = _GOOD_LOOK.search(_HTTP.get(f"{url}/metrics").text)
    return found[1] if found else ""


def await_looks(stack: Stack, count: int, *, within_s: float) -> float:
    """Wait until the collector has looked well so often, the look under way not counted."""
    seen: list[str] = []

    def looked() -> bool:
        look = last_good_look(stack)
        if look and look not in seen:
            seen.append(look)
        return len(seen) > count + 1

    return until(f"{count} good looks", looked, within_s=within_s)


def together(stacks: Sequence[Stack], wait: Callable[[Stack], float]) -> None:
    """Wait for several stacks at once; the first failure is raised."""
    with ThreadPoolExecutor(len(stacks)) as pool:
        for waited in [pool.submit(wait, stack) for stack in stacks]:
            waited.result()


def outbox(stack: Stack) -> tuple[int, int, int]:
    """Give the oldest place that waits in the outboxes (0: none), the newest given, how many."""
    oldest = newest = waiting = 0
    for path in sorted((stack.data_dir / "collector").glob("*.sqlite")):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as db:
            first, held = db.execute("SELECT min(place), count(*) FROM outbox").fetchone()
            last = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
        oldest = max(oldest, first or 0)
        newest = max(newest, last[0] if last else 0)
        waiting += held
    return oldest, newest, waiting


def stream_state(stack: Stack) -> StreamState:
    """Ask the bus how long the stream is and how far the projector has come."""
    stream = _ask(stack, f"STREAM.INFO.{FACTS.name}")["state"]
    place = _ask(stack, f"CONSUMER.INFO.{FACTS.name}.{PROJECTOR.durable}")
    floor = int(place["ack_floor"]["stream_seq"])
    behind = place["num_pending"] + place["num_ack_pending"]
    return StreamState(
        first=int(stream["first_seq"]),
        last=int(stream["last_seq"]),
        done=floor if behind else int(stream["last_seq"]),
    )


def caught_up(stack: Stack, *, within_s: float) -> float:
    """Wait until all that the collector has told by now is in the tables."""
    begun_s = time.monotonic()
    _, told, _ = outbox(stack)

    def sent() -> bool:
        oldest, _, _ = outbox(stack)
        return not oldest or oldest > told

    until("the outbox is sent", sent, within_s=within_s)
    stored = stream_state(stack).last
    left_s = max(1.0, within_s - (time.monotonic() - begun_s))
    until("the stream is projected", lambda: stream_state(stack).done >= stored, within_s=left_s)
    return time.monotonic() - begun_s


def await_service(stack: Stack, *, within_s: float) -> float:
    """Wait until the whole way works again: all are ready, and a new look is in the tables."""
    begun_s = time.monotonic()
    before = ""

    def back() -> bool:
        nonlocal before
        if readiness(stack):
            return False
        look = last_good_look(stack)
        before = before or look
        return bool(look) and look != before

    until(f"all are ready and look again ({readiness(stack)})", back, within_s=within_s)
    caught_up(stack, within_s=max(1.0, within_s - (time.monotonic() - begun_s)))
    return time.monotonic() - begun_s


async def connect(stack: Stack) -> Client:
    """Connect to a stack's bus; the caller closes."""
    password = (stack.data_dir / "nats" / "nats.password").read_text().strip()
    return await nats.connect(
        f"nats://127.0.0.1:{stack.record()['ports']['bus']}",
        user="slurmfleet",
        password=password,
        connect_timeout=2,
        allow_reconnect=False,
        error_cb=_quiet,
    )


async def _quiet(_: Exception) -> None:
    """Say nothing: whoever asks hears of the failure."""


def _ask(stack: Stack, verb: str) -> dict[str, Any]:
    return asyncio.run(_asked(stack, verb))


async def _asked(stack: Stack, verb: str) -> dict[str, Any]:
    link = await connect(stack)
    try:
        answer = json.loads((await link.request(f"$JS.API.{verb}", b"", timeout=3)).data)
    finally:
        await link.close()
    if "error" in answer:
        raise ValueError(answer["error"].get("description", "refused"))
    return answer
