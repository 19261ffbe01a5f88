"""A background loop that lives exactly as long as a block of code."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager


@asynccontextmanager
async def beside(work: Coroutine[None, None, None], *, name: str) -> AsyncGenerator[None]:
    """Run `work` beside the body and cancel it when the body ends.

    If `work` raises, the body is cancelled. A single failure, of the body or of the work, comes
    out as itself and not wrapped in a group.
    """
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(work, name=name)
            try:
                yield
            finally:
                task.cancel()
    except BaseExceptionGroup as failures:
        if len(failures.exceptions) == 1:
            raise failures.exceptions[0] from None
        raise
