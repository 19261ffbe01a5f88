"""What a connection test found, step by step."""

from rich.console import Group, RenderableType
from rich.text import Text

from slurmfleet.contracts.commands import ConnectionReport, Step


def report_page(report: ConnectionReport) -> RenderableType:
    """Give the steps, each with what mends it."""
    lines = [line for step in report.steps for line in step_lines(step)]
    if report.ok:
        who = f" as {report.login_user}" if report.login_user else ""
        slurm = f", Slurm {report.slurm_version}" if report.slurm_version else ""
        lines.append(Text(f"All well{who}{slurm}, in {report.duration_s:.1f} s."))
    return Group(*lines)


def step_lines(step: Step, *, indent: str = "") -> list[Text]:
    """Give one step, and below it what mends it."""
    mark = Text("ok  ", style="green") if step.ok else Text("FAIL", style="bold red")
    said = f" {step.name}" + (f": {step.detail}" if step.detail else "")
    lines = [Text(indent) + mark + Text(said)]
    if step.remedy:
        lines.append(Text(f"{indent}     fix: {step.remedy}"))
    return lines
