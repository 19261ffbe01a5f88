"""The unix socket over which client programs ask their cluster.

A request is its length in decimal, a newline, and NUL-separated words: program, user, folder,
number of variables, the variables, the arguments. An answer is `STATUS OUT ERR` and a newline, then
so many bytes of either; or `script PATH`, after which the program sends the script's text.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from services.simulator.calls import Answer, Call

MOST_BYTES = 8 * 1024 * 1024
FIXED_WORDS = 4

Responder = Callable[[Call], Awaitable[Answer]]


@asynccontextmanager
async def serve_clients(path: Path, respond: Responder) -> AsyncGenerator[None]:
    """Answer client programs on a socket at `path` while the body runs.

    The folder of `path` decides who may connect; it belongs to the caller.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _serve(reader, writer, respond)
        except (OSError, EOFError, ValueError):
            pass  # the program was ended, or spoke another language: it alone is concerned
        finally:
            writer.close()

    server = await asyncio.start_unix_server(serve, path, limit=MOST_BYTES)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


def read_call(payload: bytes) -> Call:
    """Read a request.

    Raises:
        ValueError: It is none.
    """
    words = [word.decode("utf-8", "surrogateescape") for word in payload.split(b"\0")]
    if len(words) < FIXED_WORDS:
        raise ValueError(payload)
    program, user, work_dir, count = words[:FIXED_WORDS]
    rest = words[FIXED_WORDS:]
    pairs = (word.partition("=") for word in rest[: int(count)])
    return Call(
        program=program,
        argv=tuple(rest[int(count) :]),
        user=user,
        env={name: value for name, _, value in pairs},
        work_dir=work_dir,
    )


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, respond: Responder
) -> None:
    call = read_call(await _receive(reader))
    answer = await respond(call)
    if answer.wants_script is not None:
        writer.write(f"script {answer.wants_script}\n".encode("utf-8", "surrogateescape"))
        script = (await _receive(reader)).decode("utf-8", "surrogateescape")
        answer = await respond(replace(call, script=script))
    stdout = answer.stdout.encode("utf-8", "surrogateescape")
    stderr = answer.stderr.encode("utf-8", "surrogateescape")
    writer.write(b"%d %d %d\n" % (answer.status, len(stdout), len(stderr)))
    writer.write(stdout + stderr)
    await writer.drain()


async def _receive(reader: asyncio.StreamReader) -> bytes:
    size = int(await reader.readline())
    if not 0 <= size <= MOST_BYTES:
        raise ValueError(size)
    return await reader.readexactly(size)
