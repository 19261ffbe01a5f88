"""Running scripts on a cluster: a tool of `operate`, refused where the cluster forbids them."""

from dataclasses import dataclass
from typing import Annotated

from fastmcp.tools.base import Tool, ToolResult
from fastmcp.tools.function_tool import FunctionTool
from mcp_types import ToolAnnotations
from pydantic import Field

from services.mcp.arguments import DESTROYS, Cluster, Reason
from services.mcp.errors import told_problems
from services.mcp.framing import framed
from services.mcp.schemas import schema_of
from slurmfleet.access.scripts import ScriptRuns
from slurmfleet.access.submission import told_as_problem
from slurmfleet.contracts import ids
from slurmfleet.contracts.scripts import (
    DEFAULT_LIMIT_S,
    LONGEST_LIMIT_S,
    MOST_SCRIPT_BYTES,
    Interpreter,
    ScriptHost,
    ScriptReport,
    ScriptRequest,
)
from slurmfleet.contracts.text import clean_line, clean_text

_TITLE = "Run a script on a cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptAnswer:
    """What a script did."""

    exit_status: int
    timed_out: bool
    flooded: bool
    """Whether it was ended because it wrote too much."""

    stdout: str
    """Untrusted: what the script wrote."""

    stderr: str
    stdout_left_out_bytes: int
    """Missing in the middle, where a line says so."""

    stderr_left_out_bytes: int
    duration_s: float
    machine: str
    login: str

    @classmethod
    def of(cls, report: ScriptReport) -> "ScriptAnswer":
        """Give a report as tools answer."""
        return cls(
            exit_status=report.exit_status,
            timed_out=report.timed_out,
            flooded=report.flooded,
            stdout=clean_text(report.stdout),
            stderr=clean_text(report.stderr),
            stdout_left_out_bytes=report.stdout_left_out_bytes,
            stderr_left_out_bytes=report.stderr_left_out_bytes,
            duration_s=round(report.duration_s, 3),
            machine=clean_line(report.machine),
            login=clean_line(report.login),
        )


def run_script_tool(runs: ScriptRuns) -> Tool:
    """Give the tool."""

    async def run_script(
        cluster: Cluster,
        script: Annotated[str, Field(max_length=MOST_SCRIPT_BYTES, description="Its text.")],
        interpreter: Interpreter = Interpreter.PYTHON3,
        timeout: Annotated[  # noqa: ASYNC109 the name that users of such tools know
            int, Field(ge=1, le=LONGEST_LIMIT_S, description="Seconds it may run.")
        ] = DEFAULT_LIMIT_S,
        *,
        host: ScriptHost = ScriptHost.LOGIN,
        arguments: Annotated[list[str] | None, Field(description="Its own.")] = None,
        reason: Reason = "",
    ) -> ToolResult:
        with told_problems():
            with told_as_problem("docs/scripts.md"):
                request = ScriptRequest(
                    script=script,
                    interpreter=interpreter,
                    host=host,
                    arguments=tuple(arguments or ()),
                    limit_s=timeout,
                )
            report = await runs.run(ids.cluster_name(cluster), request, reason=reason)
        answer = ScriptAnswer.of(report)
        structured = {name: getattr(answer, name) for name in ScriptAnswer.__slots__}
        return ToolResult(content=script_text(answer), structured_content=structured)

    return FunctionTool.from_function(
        run_script,
        title=_TITLE,
        description="Runs a script as our login on a login node or data host and waits for its "
        "end, where an admin allows it. Real work is a job: submit_job.",
        annotations=ToolAnnotations(title=_TITLE, **{**DESTROYS, "idempotent_hint": False}),
        output_schema=schema_of(ScriptAnswer),
    )


def script_text(answer: ScriptAnswer) -> str:
    """Say how a script ended, and show what it wrote between marks."""
    why = " (its time was over)" if answer.timed_out else ""
    why += " (it wrote too much)" if answer.flooded else ""
    head = (
        f"Exit status {answer.exit_status}{why} after {answer.duration_s:g} s "
        f"as {answer.login} on {answer.machine}."
    )
    lines = [head]
    for name, text in (("stdout", answer.stdout), ("stderr", answer.stderr)):
        if text:
            lines += [f"{name}:", *framed(text.splitlines(), "the script")]
    return "\n".join(lines)
