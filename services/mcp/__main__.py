"""Run the MCP server: `python -m services.mcp [--stdio] [--toolsets observe]`."""

import argparse
import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

from fastmcp import FastMCP

from services.mcp.server import PATH, TOOLSETS, create_app, create_server
from services.mcp.settings import McpSettings
from services.mcp.sources import Sources
from slurmfleet.access.audit import Auditor
from slurmfleet.access.binding import require_safe_issuer, require_token_beyond_loopback
from slurmfleet.access.board import Board
from slurmfleet.access.door import Door
from slurmfleet.access.issuer import Issuer, IssuerConfig
from slurmfleet.access.job_actions import JobActions
from slurmfleet.access.mounts import Mounts
from slurmfleet.access.principal import Principal, acting_as, local_principal
from slurmfleet.access.scoped import ScopedReader
from slurmfleet.access.scripts import ScriptRuns
from slurmfleet.access.submission import JobSubmission
from slurmfleet.access.tokens import TokenBook
from slurmfleet.contracts.audit import Via
from slurmfleet.contracts.problems import ProblemError
from slurmfleet.runtime.bus_part import open_bus, watch_bus
from slurmfleet.runtime.errors import ProcessError
from slurmfleet.runtime.http import HttpServer
from slurmfleet.runtime.job_files import JobFiles
from slurmfleet.runtime.process import Process, run_service, serve_until_stopped, supervise
from slurmfleet.runtime.settings import SharedSettings
from slurmfleet.runtime.store_part import watch_store
from slurmfleet.store.pool import StorePool, StoreSettings
from slurmfleet.store.read.reader import StoreReader
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

_TOKENS_KNOWN_WITHIN_S = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal arrives or standard input ends; give the exit status."""
    options = _options(arguments)
    shared, settings = SharedSettings(), McpSettings()
    toolsets = tuple(name.strip() for name in str(options.toolsets).split(","))
    body = partial(_serve, shared, settings, toolsets, stdio=bool(options.stdio))
    _silence_fastmcp()
    return run_service("mcp", body, shared=shared, serve_health=False)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="services.mcp", description="The MCP server of slurmfleet."
    )
    parser.add_argument(
        "--stdio", action="store_true", help="speak over standard input and output, not HTTP"
    )
    parser.add_argument(
        "--toolsets",
        default=",".join(TOOLSETS),
        help=f"which tools to offer, with commas: {', '.join(TOOLSETS)}",
    )
    return parser.parse_args(arguments)


async def _serve(
    shared: SharedSettings,
    settings: McpSettings,
    toolsets: Sequence[str],
    process: Process,
    *,
    stdio: bool,
) -> None:
    clock, health = process.clock, process.health
    health.expect("store")
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(open_bus(shared, name="mcp", clock=clock))
        pool = await stack.enter_async_context(StorePool(_store_settings(shared, settings)))
        reader = ScopedReader(StoreReader(pool, clock))
        files = JobFiles(reader=reader, bus=bus, clock=clock, limit_s=settings.command_limit_s)
        auditor = Auditor(bus, clock)
        actions = JobActions(
            reader=reader,
            bus=bus,
            auditor=auditor,
            clock=clock,
            limit_s=settings.command_limit_s,
        )
        sources = Sources(
            reader=reader,
            files=files,
            actions=actions,
            submission=JobSubmission(bus=bus, auditor=auditor),
            scripts=ScriptRuns(bus=bus, auditor=auditor),
            mounts=Mounts(bus=bus, auditor=auditor),
            board=Board(reader=reader, bus=bus, auditor=auditor, clock=clock),
            clock=clock,
        )
        book = TokenBook(bus)
        issuer = _issuer(settings, clock)
        door = Door(
            via=Via.MCP,
            setting_token=settings.token.get_secret_value(),
            book=book,
            clock=clock,
            issuer=issuer,
        )
        server = create_server(sources, toolsets=toolsets, still=door.still)
        watch = partial(watch_store, pool, health, clock)
        process.tasks.create_task(supervise("tokens", book.follow, clock=clock), name="tokens")
        if stdio:
            with acting_as(await _who_starts(settings, door, book)):
                await _speak(server, process)
            return
        if issuer is None:
            require_token_beyond_loopback(
                settings.host, settings.token.get_secret_value(), setting="SLURMFLEET_MCP_TOKEN"
            )
        else:
            follow = partial(supervise, "issuer", issuer.follow, clock=clock)
            process.tasks.create_task(follow(), name="issuer")
        process.tasks.create_task(supervise("store-health", watch, clock=clock), name="store")
        watch_ours = partial(watch_bus, bus, health, clock, required=False)
        process.tasks.create_task(supervise("bus-health", watch_ours, clock=clock), name="bus")
        http = HttpServer(
            create_app(server, health, settings, door, issuer=issuer.config if issuer else None),
            host=settings.host,
            port=settings.port,
            setting="SLURMFLEET_MCP_PORT",
            lifespan=True,
        )
        logger().info("mcp serves", host=settings.host, port=http.port, path=PATH)
        await serve_until_stopped(http, process.stopping)


def _issuer(settings: McpSettings, clock: Clock) -> Issuer | None:
    """Give the outside issuer of the settings, if there is one.

    Raises:
        UnsafeIssuerError: Its tokens would prove nothing.
    """
    require_safe_issuer(
        settings.oauth_issuer,
        settings.oauth_resource,
        prefix="SLURMFLEET_MCP_OAUTH_",
        jwks_url=settings.oauth_jwks_url,
    )
    if not settings.oauth_issuer:
        return None
    config = IssuerConfig(
        issuer=settings.oauth_issuer,
        resource=settings.oauth_resource,
        jwks_url=settings.oauth_jwks_url,
        name_claim=settings.oauth_name_claim,
    )
    return Issuer(config, clock=clock)


async def _who_starts(settings: McpSettings, door: Door, book: TokenBook) -> Principal:
    """Give who asks over standard input: the token's owner, or whoever starts the process.

    Raises:
        TokenRefusedError: The token is not good, or cannot be checked.
    """
    token = settings.agent_token.get_secret_value()
    if not token:
        # They could read the settings as well.
        return local_principal(Via.MCP)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_TOKENS_KNOWN_WITHIN_S):
            await book.complete.wait()
    try:
        return door.enter(f"Bearer {token}")
    except ProblemError as problem:
        raise TokenRefusedError(problem) from problem


class TokenRefusedError(ProcessError):
    """The token under which the server was to act lets nobody in."""

    def __init__(self, problem: ProblemError) -> None:
        """Say why."""
        super().__init__(f"SLURMFLEET_MCP_AGENT_TOKEN: {problem.detail} {problem.remedy}")


async def _speak(server: FastMCP, process: Process) -> None:
    """Serve standard input until it ends or the process is asked to stop."""
    async with asyncio.TaskGroup() as group:
        speaking = group.create_task(server.run_stdio_async(show_banner=False), name="stdio")
        speaking.add_done_callback(lambda _: process.stopping.set())
        logger().info("mcp serves", path="stdio")
        await process.stopping.wait()
        if not speaking.done():
            # A thread waits for the client's next line and nothing can wake it; there is nothing
            # to finish but connections that only read.
            logger().info("process stopped")
            os._exit(0)


def _store_settings(shared: SharedSettings, settings: McpSettings) -> StoreSettings:
    return StoreSettings(
        dsn=shared.store_dsn.get_secret_value(),
        application_name="slurmfleet mcp",
        max_connections=settings.max_store_connections,
        acquire_timeout_s=settings.store_wait_s,
        statement_timeout_s=settings.statement_timeout_s,
        call_timeout_s=settings.statement_timeout_s + 1,
    )


def _silence_fastmcp() -> None:
    """Give FastMCP's lines our shape; it logs every refused call as an error of its own."""
    library = logging.getLogger("fastmcp")
    library.handlers.clear()
    library.propagate = True
    library.setLevel(logging.CRITICAL)


if __name__ == "__main__":
    sys.exit(main())
