"""A time budget as a value: how long an operation may take, and what it was."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass


class BudgetExceededError(Exception):
    """An operation did not end within its budget."""

    def __init__(self, operation: str, limit_s: float) -> None:
        """Keep what was tried and for how long."""
        super().__init__(f"{operation} took longer than {limit_s:g} s")
        self.operation = operation
        self.limit_s = limit_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How long one named operation may take."""

    operation: str
    """What is done, for the error message: "poll alpha"."""

    limit_s: float
    """Seconds of real time."""

    @asynccontextmanager
    async def enforce(self) -> AsyncGenerator[None]:
        """Run the body; a body that overruns is cancelled.

        Raises:
            BudgetExceededError: The limit passed. A timeout raised by the body itself, or the
                caller's own cancellation, goes through unchanged.
        """
        scope = asyncio.timeout(self.limit_s)
        try:
            async with scope:
                yield
        except TimeoutError as exc:
            if scope.expired():
                raise BudgetExceededError(self.operation, self.limit_s) from exc
            raise

    def partial(self, operation: str, *, at_most_s: float) -> "Budget":
        """Give a sub-budget: never longer than this one."""
        return Budget(operation=operation, limit_s=min(at_most_s, self.limit_s))
