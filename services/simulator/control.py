"""The side door for tests and the demo: move time, break things, and ask for the truth.

One JSON object per line in either direction, over a unix socket: `{"do": "advance", "cluster":
"demo-h100", "seconds": 60}` gives `{"ok": true, "result": …}` or `{"ok": false, "error": "…"}`.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from services.simulator.calls import Call
from services.simulator.commands import Health
from services.simulator.engine import Engine
from services.simulator.model import Job

LINE_BYTES = 256 * 1024 * 1024
"""The truth about a large cluster is one long line."""

JsonObject = dict[str, object]


class ControlError(Exception):
    """The simulator refused what it was asked; the message is its own."""


class Controlled(Protocol):
    """A simulated cluster as this door sees it."""

    @property
    def engine(self) -> Engine:
        """The cluster and its time."""
        ...

    async def set_door(self, door: str) -> None:
        """Open, refuse, hang or drop logins."""
        ...

    def set_noise(self, *, noisy: bool) -> None:
        """Let dotfiles print banners."""
        ...


class ControlClient:
    """Talks to a simulator over its control socket; one connection per question."""

    def __init__(self, path: Path) -> None:
        """Prepare to talk to the socket at `path`, which simulator.json names."""
        self._path = path

    async def ask(self, do: str, cluster: str, **values: object) -> object:
        """Ask for one thing.

        Raises:
            ControlError: The simulator refused.
        """
        reader, writer = await asyncio.open_unix_connection(self._path, limit=LINE_BYTES)
        try:
            writer.write(json.dumps({"do": do, "cluster": cluster, **values}).encode() + b"\n")
            await writer.drain()
            answer: JsonObject = json.loads(await reader.readline())
        finally:
            writer.close()
            await writer.wait_closed()
        if not answer["ok"]:
            raise ControlError(answer["error"])
        return answer["result"]

    async def advance(self, cluster: str, seconds: float) -> int:
        """Let simulated time jump; gives where it stands then, in seconds since 1970."""
        return _number(await self.ask("advance", cluster, seconds=seconds))

    async def set_time_scale(self, cluster: str, scale: float) -> None:
        """Set how many simulated seconds pass in one; 0 stops time."""
        await self.ask("time_scale", cluster, scale=scale)

    async def stop_arrivals(self, cluster: str) -> None:
        """Let nobody submit any more, and no node fail."""
        await self.ask("stop_arrivals", cluster)

    async def submit(self, cluster: str, user: str, *argv: str) -> int:
        """Submit a job with sbatch's arguments; gives its id."""
        return _number(await self.ask("submit", cluster, user=user, argv=list(argv)))

    async def cancel(self, cluster: str, job_id: int) -> None:
        """Cancel a job in its owner's name."""
        await self.ask("cancel", cluster, job_id=job_id)

    async def fail_node(self, cluster: str, node: str, *, for_s: int = 1800) -> None:
        """Let a node go down with its jobs, and come back later."""
        await self.ask("fail_node", cluster, node=node, for_s=for_s)

    async def fail_boot(self, cluster: str, node: str, *, for_s: int = 1800) -> None:
        """Let an idle node not boot for the next job that gets it, and then be down."""
        await self.ask("fail_boot", cluster, node=node, for_s=for_s)

    async def suspend(self, cluster: str, job_id: int) -> None:
        """Suspend a running job in an operator's name."""
        await self.ask("suspend", cluster, job_id=job_id)

    async def resume(self, cluster: str, job_id: int) -> None:
        """Let a suspended job go on."""
        await self.ask("resume", cluster, job_id=job_id)

    async def set_controller(self, cluster: str, health: Health, *, slow_s: float = 0.0) -> None:
        """Set how slurmctld is: up, down or hang; `slow_s` delays each of its answers."""
        await self.ask("controller", cluster, health=health, slow_s=slow_s)

    async def set_accounting(self, cluster: str, health: Health, *, lag_s: int = 0) -> None:
        """Set how slurmdbd is, and how long after the fact it hears of things."""
        await self.ask("accounting", cluster, health=health, lag_s=lag_s)

    async def set_door(self, cluster: str, door: str) -> None:
        """Let logins be `open`, `refuse` or `hang`; `drop` cuts connections once."""
        await self.ask("ssh", cluster, door=door)

    async def set_noise(self, cluster: str, *, noisy: bool) -> None:
        """Let dotfiles print banners, or be quiet."""
        await self.ask("noise", cluster, noisy=noisy)

    async def truth(self, cluster: str) -> list[JsonObject]:
        """Give every run of every job that is not forgotten, as it really stands."""
        rows = await self.ask("truth", cluster)
        return [dict(row) for row in rows] if isinstance(rows, list) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] JSON has no types


@asynccontextmanager
async def serve_control(path: Path, sites: Mapping[str, Controlled]) -> AsyncGenerator[None]:
    """Answer control clients on a socket at `path` while the body runs."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await _answer(line, sites)).encode() + b"\n")
                await writer.drain()
        except OSError:
            pass  # the client is gone
        finally:
            writer.close()

    server = await asyncio.start_unix_server(serve, path, limit=LINE_BYTES)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


async def _answer(line: bytes, sites: Mapping[str, Controlled]) -> JsonObject:
    try:
        question: JsonObject = json.loads(line)
        site = sites[str(question["cluster"])]
        site.engine.step()
        result = await _do(site, question)
    except (KeyError, ValueError, ControlError) as error:
        return {"ok": False, "error": f"{type(error).__name__}: {error}"}
    return {"ok": True, "result": result}


async def _do(site: Controlled, question: JsonObject) -> object:
    engine = site.engine
    match question["do"]:
        case "ssh":
            await site.set_door(str(question["door"]))
        case "noise":
            site.set_noise(noisy=bool(question["noisy"]))
        case "submit":
            return await _submit(engine, question)
        case "truth":
            return [_record(job) for job in engine.cluster.truth.values()]
        case "time_scale":
            engine.time.set_scale(float(str(question["scale"])))
        case "stop_arrivals":
            engine.workload.is_stopped = True
        case _:
            return _change(engine, question)
    return None


def _change(engine: Engine, question: JsonObject) -> object:
    match question["do"]:
        case "advance":
            engine.time.advance(float(str(question["seconds"])))
            engine.step()
            return engine.cluster.now
        case "cancel":
            for job in engine.cluster.find(_number(question["job_id"])):
                owner = engine.spec.user(job.request.user)
                engine.cluster.cancel(job, uid=owner.uid if owner else 0)
        case "fail_node":
            engine.cluster.fail_node(str(question["node"]), for_s=_number(question["for_s"]))
        case "fail_boot":
            node = str(question["node"])
            if not engine.cluster.fail_boot(node, for_s=_number(question["for_s"])):
                raise ControlError(f"{node} is in use or out of service")
        case "suspend" | "resume":
            _suspend(engine, _number(question["job_id"]), resume=question["do"] == "resume")
        case "controller":
            engine.faults.controller = Health(str(question["health"]))
            engine.faults.slow_s = float(str(question["slow_s"]))
        case "accounting":
            engine.faults.accounting = Health(str(question["health"]))
            engine.cluster.accounting.lag_s = _number(question["lag_s"])
            engine.step()
        case unknown:
            raise ControlError(f"cannot do {unknown!r}")
    return None


def _suspend(engine: Engine, job_id: int, *, resume: bool) -> None:
    act = engine.cluster.resume if resume else engine.cluster.suspend
    if not sum(act(job) for job in engine.cluster.find(job_id)):
        raise ControlError(f"job {job_id} is not {'suspended' if resume else 'running'}")


async def _submit(engine: Engine, question: JsonObject) -> int:
    words = question["argv"]
    if not isinstance(words, list):
        raise ControlError("argv is a list")
    user = str(question["user"])
    argv = ("--parsable", *(str(word) for word in words))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] JSON has no types
    call = Call(
        program="sbatch", argv=argv, user=user, work_dir=f"{engine.spec.home_root}/{user}/work"
    )
    answer = await engine.answer(call)
    if answer.status or not answer.stdout:
        raise ControlError(answer.stderr or "a job without --wrap needs a script")
    return int(answer.stdout)


def _record(job: Job) -> JsonObject:
    return {
        **asdict(job),
        "job_id": job.label,
        "user": job.request.user,
        "completing": job.is_completing,
    }


def _number(value: object) -> int:
    return int(str(value))
