"""Problems in the words of tools: what is wrong, and what mends it."""

from collections.abc import Generator
from contextlib import contextmanager

import mcp_types
from fastmcp.exceptions import FastMCPError, ToolError, ValidationError
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools.base import ToolResult
from pydantic import ValidationError as PydanticValidationError

from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.text import clean_line
from slurmfleet.telemetry.logs import logger
from slurmfleet.telemetry.metrics import TOOL_DURATION
from slurmfleet.timing.clock import Clock

_MAX_NAMED = 3


@contextmanager
def told_problems() -> Generator[None]:
    """Turn a problem into a tool's error."""
    try:
        yield
    except ProblemError as problem:
        if problem.code is ProblemCode.INTERNAL:
            logger().error("tool failed", error=repr(problem.__cause__))
        raise tool_error(problem) from problem


def tool_error(problem: ProblemError) -> ToolError:
    """Give the error that a model reads: `code: what — fix: remedy`."""
    fix = f" — fix: {clean_line(problem.remedy)}" if problem.remedy else ""
    return ToolError(f"{problem.code}: {clean_line(problem.detail)}{fix}")


class CallWatch(Middleware):
    """Measures calls, and says bad arguments in our words."""

    def __init__(self, clock: Clock) -> None:
        """Keep what time is measured with."""
        self._clock = clock

    async def on_call_tool(
        self,
        context: MiddlewareContext[mcp_types.CallToolRequestParams],
        call_next: CallNext[mcp_types.CallToolRequestParams, ToolResult],
    ) -> ToolResult:
        """Let a call through and look at how it goes."""
        started_s = self._clock.monotonic_s()
        outcome = "error"
        tool = "unknown"
        try:
            result = await call_next(context)
        except FastMCPError as error:
            tool = context.message.name
            if isinstance(error, ValidationError):
                raise _bad_arguments(error) from error
            raise
        else:
            outcome, tool = "ok", context.message.name
            return result
        finally:
            taken_s = self._clock.monotonic_s() - started_s
            TOOL_DURATION.labels(tool=tool, outcome=outcome).observe(taken_s)


def _bad_arguments(error: ValidationError) -> ToolError:
    cause = error.__cause__
    if not isinstance(cause, PydanticValidationError):
        return tool_error(ProblemError(ProblemCode.INVALID_PARAMETER, str(error)))
    wrong = [
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}"
        for one in cause.errors(include_url=False, include_context=False)
    ]
    return tool_error(
        ProblemError(
            ProblemCode.INVALID_PARAMETER,
            f"{'; '.join(wrong[:_MAX_NAMED])}.",
            remedy="call again with arguments as the tool's input schema describes them",
        )
    )
