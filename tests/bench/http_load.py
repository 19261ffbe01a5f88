"""A client of HTTP/1.1 that costs little, so that what is measured is the server.

It keeps its connections, asks one thing at a time on each, and reads answers with a
Content-Length; any other answer than 200 ends the measurement.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count

_LIMIT_S = 120.0
_OK = b"200"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How a number of requests went."""

    latencies_s: Sequence[float]
    wall_s: float
    last_body: bytes

    @property
    def requests_per_s(self) -> float:
        """Give how many were answered in a second."""
        return len(self.latencies_s) / self.wall_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One open connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, request: bytes) -> bytes:
        """Send a request and give the answer's body."""
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        body = await self.reader.readexactly(length)
        if lines[0].split(b" ")[1] != _OK:
            raise RuntimeError(f"{head.decode()}{body[:500].decode()}")
        return body


@asynccontextmanager
async def connected(port: int) -> AsyncGenerator[Connection]:
    """Lend a connection to a port of this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Connection(reader=reader, writer=writer)
    finally:
        writer.close()


async def load(
    port: int, request: Callable[[int], bytes], *, requests: int, connections: int
) -> Load:
    """Send a number of requests over a number of connections, as fast as they are answered.

    Args:
        port: Of this machine.
        request: Gives the bytes of the request with a number.
        requests: In all.
        connections: At the same time.
    """
    numbers = iter(range(requests))
    latencies_s: list[float] = []
    bodies: dict[str, bytes] = {}
    async with asyncio.timeout(_LIMIT_S), asyncio.TaskGroup() as group:
        began_s = time.perf_counter()
        for _ in range(connections):
            group.create_task(_work(port, request, numbers, latencies_s, bodies))
    return Load(
        latencies_s=latencies_s, wall_s=time.perf_counter() - began_s, last_body=bodies["last"]
    )


async def _work(
    port: int,
    request: Callable[[int], bytes],
    numbers: Iterator[int],
    latencies_s: list[float],
    bodies: dict[str, bytes],
) -> None:
    async with connected(port) as connection:
        for number in numbers:
            began_s = time.perf_counter()
            bodies["last"] = await connection.ask(request(number))
            latencies_s.append(time.perf_counter() - began_s)


def get(path: str) -> bytes:
    """Give a GET for JSON."""
    return (f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n").encode()


_call_ids = count(1)


def call_tool(name: str, arguments: Mapping[str, object]) -> bytes:
    """Give a POST that calls an MCP tool; the server keeps no session."""
    call = {
        "jsonrpc": "2.0",
        "id": next(_call_ids),
        "method": "tools/call",
        "params": {"name": name, "arguments": dict(arguments)},
    }
    body = json.dumps(call).encode()
    head = (
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        "Accept: application/json, text/event-stream\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
