"""A limit around one call to the server, and a guard around one to the driver."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

from slurmfleet.bus.errors import BusTimeoutError
from slurmfleet.timing.budget import Budget, BudgetExceededError


@asynccontextmanager
async def within(operation: str, limit_s: float) -> AsyncGenerator[None]:
    """Run the body; if it takes longer, cancel it and raise BusTimeoutError."""
    try:
        async with Budget(operation=operation, limit_s=limit_s).enforce():
            yield
    except BudgetExceededError as exc:
        raise BusTimeoutError(operation, f"no answer within {limit_s:g} s") from exc


@contextmanager
def cancellation_kept() -> Generator[None]:
    """Raise the cancellation that the body swallowed.

    The driver catches CancelledError while its queue is full, and asyncio.wait_for of Python 3.11,
    on which it stands, loses one that comes together with the result. A loop that goes on after
    its cancellation would keep its task group, and so the process, from ending.
    """
    task = asyncio.current_task()
    cancels = task.cancelling() if task else 0
    try:
        yield
    except Exception as exc:
        if task and task.cancelling() > cancels:
            raise asyncio.CancelledError from exc
        raise
    if task and task.cancelling() > cancels:
        raise asyncio.CancelledError
