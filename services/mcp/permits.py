"""Shows and lets run only the tools that belong to who asks."""

from collections.abc import Callable, Mapping, Sequence

import mcp_types
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools.base import Tool, ToolResult

from services.mcp.errors import told_problems
from slurmfleet.access.audit import Action, Auditor
from slurmfleet.access.principal import Principal, current_principal
from slurmfleet.contracts.access import Toolset
from slurmfleet.contracts.problems import ProblemError


class Permits(Middleware):
    """Judges calls by the toolset of the tool; a tool of none is nobody's."""

    def __init__(
        self,
        toolset_of: Mapping[str, Toolset],
        still: Callable[[Principal], None],
        auditor: Auditor,
    ) -> None:
        """Keep how calls are judged.

        Args:
            toolset_of: Of each tool, by its name.
            still: Refuses whoever would not be let in any more; a session outlives tokens.
            auditor: Told of refusals, but for those of reading.
        """
        self._toolset_of = toolset_of
        self._still = still
        self._auditor = auditor

    async def on_list_tools(
        self,
        context: MiddlewareContext[mcp_types.ListToolsRequest],
        call_next: CallNext[mcp_types.ListToolsRequest, Sequence[Tool]],
    ) -> Sequence[Tool]:
        """Leave out what the caller may not call: an agent plans with what it has."""
        tools = await call_next(context)
        held = current_principal().toolsets
        return [tool for tool in tools if self._toolset_of.get(tool.name) in held]

    async def on_call_tool(
        self,
        context: MiddlewareContext[mcp_types.CallToolRequestParams],
        call_next: CallNext[mcp_types.CallToolRequestParams, ToolResult],
    ) -> ToolResult:
        """Refuse a tool that is not the caller's."""
        toolset = self._toolset_of.get(context.message.name)
        if toolset is not None:
            with told_problems():
                self._still(current_principal())
                await self._require(context.message.name, toolset)
        return await call_next(context)

    async def _require(self, tool: str, toolset: Toolset) -> None:
        try:
            current_principal().require(toolset)
        except ProblemError as problem:
            if toolset is not Toolset.OBSERVE:
                action = Action(name=f"tool.{tool}", needs=toolset)
                await self._auditor.refused(action, problem)
            raise
