"""One job on a terminal: sections of names and values, without those that have nothing to say."""

from collections.abc import Iterable, Sequence

from rich.console import RenderableType
from rich.text import Text

from slurmfleet.cli.ages import age_text, duration_text, moment_text
from slurmfleet.cli.answers import DependencyAnswer, JobAnswer
from slurmfleet.cli.output import pairs

Pairs = Sequence[tuple[str, str | Text]]

_STATE_STYLES = {
    "RUNNING": "green",
    "PENDING": "yellow",
    "SUSPENDED": "yellow",
    "COMPLETED": "dim",
    "CANCELLED": "dim",
}
_NAME_WIDTH = 14
_MOST_NODES = 32
"""Named one by one; of a larger job the compact list has to do."""


def job_sections(one: JobAnswer) -> list[RenderableType]:
    """Give what is known of a job, section by section."""
    sections: Iterable[tuple[str, Pairs]] = (
        ("", _job(one)),
        ("Time", _times(one)),
        ("Resources", _resources(one)),
        ("Asked for", _request(one)),
        ("Waits for", _dependencies(one)),
        ("Parts", _parts(one)),
        ("Files", _files(one)),
        ("Seen", _seen(one)),
    )
    shown: list[RenderableType] = []
    for title, rows in sections:
        if not any(value for _, value in rows):
            continue
        if title:
            shown += [Text(), Text(title, style="bold underline")]
        shown.append(pairs(rows, name_width=_NAME_WIDTH))
    return shown


def state_text(one: JobAnswer) -> str:
    """Give the state with Slurm's flags, and whether it may have moved on."""
    flags = f"+{'+'.join(one.state_flags)}" if one.state_flags else ""
    return f"{one.state}{flags}{' (stale)' if one.stale else ''}"


def state_style(one: JobAnswer) -> str:
    """Give the colour of a state: red for what went wrong."""
    return _STATE_STYLES.get(one.state, "red")


def time_text(one: JobAnswer) -> str:
    """Say how long it ran; of one that waits, how long it has waited."""
    until = one.ended_at or one.observed_at
    if one.started_at is not None:
        return duration_text((until - one.started_at).total_seconds())
    if one.live:
        return f"waits {duration_text((until - one.submitted_at).total_seconds())}"
    return ""


def _job(one: JobAnswer) -> Pairs:
    return (
        ("job", f"{one.job_id} on {one.cluster}"),
        ("name", one.name),
        ("state", Text(state_text(one), style=state_style(one))),
        ("reason", one.reason),
        ("exit", _exit(one)),
        ("user", one.user),
        ("project", one.project or ""),
        ("account", one.account),
        ("partition", one.partition),
        ("qos", one.qos),
        ("priority", "" if one.priority is None else str(one.priority)),
        ("comment", one.comment),
    )


def _times(one: JobAnswer) -> Pairs:
    return (
        ("submitted", moment_text(one.submitted_at)),
        ("may start", moment_text(one.eligible_at) if one.started_at is None else ""),
        ("expected start", moment_text(one.expected_start_at)),
        ("started", moment_text(one.started_at)),
        ("ended", moment_text(one.ended_at)),
        ("vanished", moment_text(one.vanished_at)),
        ("time", time_text(one)),
        ("time limit", duration_text(one.time_limit_s) if one.time_limit_s else ""),
        ("deadline", moment_text(one.request.deadline_at)),
        ("restarts", str(one.restart_count) if one.restart_count else ""),
    )


def _resources(one: JobAnswer) -> Pairs:
    return (
        ("nodes", f"{one.nodes} {one.node_list}".strip() if one.nodes else ""),
        ("node names", _node_names(one)),
        ("batch host", one.batch_host if one.nodes > 1 else ""),
        ("CPUs", str(one.cpus) if one.cpus else ""),
        ("memory", f"{one.memory_mib / 1024:.1f} GiB" if one.memory_mib else ""),
        ("GPUs", _gpus(one)),
        ("TRES", one.tres),
    )


def _request(one: JobAnswer) -> Pairs:
    asked = one.request
    gpus = (f"{gpu.count} {gpu.gpu_type}".strip() + f" per {gpu.per}" for gpu in asked.gpus)
    return (
        ("GPUs", ", ".join(gpus)),
        ("tasks", str(asked.task_count) if asked.task_count > 1 else ""),
        ("features", asked.features),
        ("on nodes", asked.required_nodes),
        ("not on nodes", asked.excluded_nodes),
        ("reservation", asked.reservation),
        ("licenses", asked.licenses),
        ("whole nodes", "yes" if asked.is_exclusive else ""),
        ("nice", str(asked.nice) if asked.nice else ""),
        ("interactive", "yes, no batch script" if asked.is_batch is False else ""),
        ("requeue", "never" if asked.may_requeue is False else ""),
    )


def _dependencies(one: JobAnswer) -> Pairs:
    """Give each dependency, or Slurm's own text where it could not be taken apart."""
    if not one.dependencies or any(other.kind == "unknown" for other in one.dependencies):
        return (("dependency", one.dependency),)
    any_of = len(one.dependencies) > 1 and one.dependencies[0].any_suffices
    rows = [(other.kind, _dependency(other)) for other in one.dependencies]
    return (*rows, ("of these", "one is enough" if any_of else ""))


def _dependency(other: DependencyAnswer) -> str:
    number = "" if other.job_id is None else f"job {other.job_id}"
    if other.is_whole_array:
        number += ", all its tasks"
    elif other.array_task_id is not None:
        number += f"_{other.array_task_id}"
    delay = f"{other.delay_min} min later" if other.delay_min else ""
    state = "" if other.state == "unknown" else f"({other.state})"
    told = " ".join(part for part in (number, delay, state) if part)
    return told or "earlier jobs of the same name"


def _parts(one: JobAnswer) -> Pairs:
    """Say of what it is a part, or which parts it has."""
    states = ", ".join(f"{count} {state}" for state, count in one.task_states.items() if count)
    if one.het_job_id is not None:
        component = "" if one.het_offset is None else str(one.het_offset)
        whole = str(one.het_job_id) if component else ""
        return (("het job", whole), ("component", component), ("components", states))
    if one.array_task_id is not None:
        return (("array", str(one.array_job_id)), ("task", str(one.array_task_id)))
    return (("tasks", states), ("waiting tasks", one.array_pending))


def _files(one: JobAnswer) -> Pairs:
    return (
        ("directory", one.work_dir),
        ("command", one.command),
        ("submitted by", one.submit_line),
        ("stdout", _path(one, "stdout_path", one.stdout_path)),
        ("stderr", _stderr(one)),
        ("stdin", one.stdin_path if one.stdin_path != "/dev/null" else ""),
    )


def _stderr(one: JobAnswer) -> str:
    if one.stderr_path and one.stderr_path == one.stdout_path:
        return "with stdout"
    return _path(one, "stderr_path", one.stderr_path)


def _path(one: JobAnswer, name: str, path: str) -> str:
    unknown = path and name in one.unexpanded_paths
    return f"{path} (its patterns are known when it starts)" if unknown else path


def _seen(one: JobAnswer) -> Pairs:
    stale = f" ({one.stale_reason})" if one.stale_reason else ""
    return (
        ("seen", age_text(one.age_s, stale=one.stale) + stale),
        ("source", one.source),
        ("SLUID", one.sluid),
    )


def _node_names(one: JobAnswer) -> str:
    """Name the nodes where the compact list does not do so already."""
    names = one.node_names
    if len(names) < 2 or not one.node_list:  # noqa: PLR2004 one name is the list itself
        return ""
    more = len(names) > _MOST_NODES or not one.has_all_node_names
    return ", ".join(names[:_MOST_NODES]) + (", …" if more else "")


def _gpus(one: JobAnswer) -> str:
    if one.gpu_source == "unknown":
        return "some, how many is not told"
    types = ", ".join(f"{count} {kind}" for kind, count in one.gpus_by_type.items())
    told = f"{one.gpus} ({types})" if types else (str(one.gpus) if one.gpus else "")
    return f"{told}, worked out from the request" if told and one.gpu_source == "request" else told


def _exit(one: JobAnswer) -> str:
    """Give exit status and signal; a status of 0 says nothing beside a signal."""
    code = "" if one.exit_code is None else f"status {one.exit_code}"
    if not one.exit_signal:
        return code
    signal = f"signal {one.exit_signal}"
    return f"{code}, {signal}" if one.exit_code else signal
