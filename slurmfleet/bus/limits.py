"""A limit around one call to the server."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

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
