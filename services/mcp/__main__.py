"""Run the MCP server: `python -m services.mcp [--stdio] [--toolsets observe]`."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

from fastmcp import FastMCP

from services.mcp.server import PATH, TOOLSETS, create_app, create_server
from services.mcp.settings import McpSettings
from slurmfleet.access.binding import require_token_beyond_loopback
from slurmfleet.runtime.http import HttpServer
from slurmfleet.runtime.process import Process, run_service, serve_until_stopped, supervise
from slurmfleet.runtime.settings import SharedSettings
from slurmfleet.runtime.store_part import watch_store
from slurmfleet.store.pool import StorePool, StoreSettings
from slurmfleet.store.read.reader import StoreReader
from slurmfleet.telemetry.logs import logger


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
        pool = await stack.enter_async_context(StorePool(_store_settings(shared, settings)))
        server = create_server(StoreReader(pool, clock), clock, toolsets=toolsets)
        watch = partial(watch_store, pool, health, clock)
        if stdio:
            await _speak(server, process)
            return
        require_token_beyond_loopback(
            settings.host, settings.token.get_secret_value(), setting="SLURMFLEET_MCP_TOKEN"
        )
        process.tasks.create_task(supervise("store-health", watch, clock=clock), name="store")
        http = HttpServer(
            create_app(server, health, settings),
            host=settings.host,
            port=settings.port,
            setting="SLURMFLEET_MCP_PORT",
            lifespan=True,
        )
        logger().info("mcp serves", host=settings.host, port=http.port, path=PATH)
        await serve_until_stopped(http, process.stopping)


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
