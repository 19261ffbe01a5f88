"""sacct: the runs that accounting knows, also those that have left the queue.

Source: sacct(1); samples and docs/slurm-output.md, Slurm 24.11.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from services.simulator.calls import (
    Answer,
    Call,
    Options,
    UsageError,
    grammar,
    read_options,
    refused,
)
from services.simulator.cluster import Cluster
from services.simulator.model import COMPACT_STATES, Job, NodeSpec, State
from services.simulator.text import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    accounting_tres,
    full_duration,
    job_tres,
    memory,
    moment,
    node_list,
    tres_parts,
)

MAX_NAME_BYTES = 255
STANDARD = "JobID,JobName,Partition,Account,AllocCPUS,State,ExitCode"
FIXED_WIDTH = 10
LINE_NAMES = 4

GRAMMAR = grammar(
    flags=(
        "a,allusers X,allocations n,noheader P,parsable2 p,parsable D,duplicates e,helpformat "
        "V,version"
    ),
    valued=(
        "j,jobs o,format S,starttime E,endtime s,state u,user,uid A,account,accounts "
        "r,partition delimiter"
    ),
)

_AGO = re.compile(r"now(?:-([0-9]+)(second|minute|hour|day|week)s?)?")
_UNIT_S = {"second": 1, "minute": MINUTE_S, "hour": HOUR_S, "day": DAY_S, "week": 7 * DAY_S}


def sacct(cluster: Cluster, call: Call) -> Answer:
    """Answer one call of sacct."""
    options = read_options("sacct", call.argv, GRAMMAR)
    if "version" in options.flags:
        return Answer(stdout=f"slurm-wlm {cluster.spec.version}\n")
    if "helpformat" in options.flags:
        return Answer(stdout=_help())
    by_name = {name.lower(): name for name in FIELDS}
    wanted = options.values.get("format", STANDARD).split(",")
    for name in wanted:
        if name.partition("%")[0].lower() not in by_name:
            return refused(f'sacct: error: Invalid field requested: "{name}"')
    names = [by_name[name.partition("%")[0].lower()] for name in wanted]
    printer = _Printer(cluster, call)
    rows = [
        [FIELDS[name](printer, job) for name in names] for job in _chosen(cluster, options, call)
    ]
    return Answer(stdout=_table(names, rows, options))


class _Printer:
    """Writes what one call wants to know of a row."""

    def __init__(self, cluster: Cluster, call: Call) -> None:
        self.now = cluster.now
        self.nodes: dict[str, NodeSpec] = {node.name: node for node in cluster.spec.nodes}
        self.uids = {user.name: user.uid for user in cluster.spec.users}
        self._format = call.time_format

    def time(self, at: int | None, *, missing: str = "Unknown") -> str:
        return moment(at, time_format=self._format, missing=missing)

    def start(self, job: Job) -> str:
        if job.state.is_over and not job.nodes:
            return "None"
        return self.time(job.started_at if job.nodes else None)

    def state(self, job: Job) -> str:
        if job.state is State.CANCELLED:
            return f"CANCELLED by {job.cancelled_by or 0}"
        return job.state.value

    def elapsed_s(self, job: Job) -> int:
        return job.used_s(self.now)

    def paused_s(self, job: Job) -> int:
        since = job.suspended_at
        return job.paused_s + (0 if since is None else self.now - since)

    def requested(self, job: Job) -> str:
        shape = job.request.shape
        return accounting_tres(tres_parts(shape, gpu_type=shape.gpu_type))

    def allocated(self, job: Job) -> str:
        return accounting_tres(job_tres(job, self.nodes)) if job.nodes else ""


def _label(job: Job) -> str:
    """Give the id; a component that never ran is known by its own number."""
    return job.label if job.het_id is None or job.nodes else str(job.raw_id)


def _limit_minutes(_: _Printer, job: Job) -> str:
    limit_s = job.request.time_limit_s
    return "UNLIMITED" if limit_s is None else str(limit_s // MINUTE_S)


def _name(_: _Printer, job: Job) -> str:
    raw = job.request.name.encode("utf-8", "surrogateescape")[:MAX_NAME_BYTES]
    text = raw.decode("utf-8", "surrogateescape").replace('"', "`")
    return "".join("?" if "\udc80" <= sign <= "\udcff" else sign for sign in text) or "allocation"


def _cpus(_: _Printer, job: Job) -> str:
    return str(job.request.shape.nodes * job.request.shape.cpus if job.nodes else 0)


def _exit(_: _Printer, job: Job) -> str:
    code, signal = job.accounting_exit
    return f"{code}:{signal}"


def _request(name: str) -> Callable[[_Printer, Job], str]:
    return lambda _, job: str(getattr(job.request, name))


FIELDS: dict[str, Callable[[_Printer, Job], str]] = {
    "Account": _request("account"),
    "AllocCPUS": _cpus,
    "AllocTRES": _Printer.allocated,
    "Comment": lambda _, job: job.request.comment if job.state.is_over else "",
    "DerivedExitCode": lambda _, job: "0:15" if job.state in _KILLED and job.nodes else "0:0",
    "Elapsed": lambda printer, job: full_duration(printer.elapsed_s(job)),
    "ElapsedRaw": lambda printer, job: str(printer.elapsed_s(job)),
    "Eligible": lambda printer, job: printer.time(job.eligible_at),
    "End": lambda printer, job: printer.time(job.ended_at),
    "ExitCode": _exit,
    "JobID": lambda _, job: _label(job),
    "JobIDRaw": lambda _, job: str(job.raw_id),
    "JobName": _name,
    "NCPUS": _cpus,
    "NNodes": lambda _, job: str(job.request.shape.nodes),
    "NodeList": lambda _, job: node_list(job.nodes) or "None assigned",
    "Partition": _request("partition"),
    "Priority": lambda _, job: str(job.priority),
    "QOS": _request("qos"),
    "Reason": lambda _, __: "None",
    "ReqMem": lambda _, job: memory(job.request.shape.memory_mib * job.request.shape.nodes),
    "ReqTRES": _Printer.requested,
    "Restarts": lambda _, job: str(job.restarts),
    "Start": _Printer.start,
    "State": _Printer.state,
    "StdErr": _request("stderr"),
    "StdIn": lambda _, __: "/dev/null",
    "StdOut": _request("stdout"),
    "Suspended": lambda printer, job: full_duration(printer.paused_s(job)),
    "Submit": lambda printer, job: printer.time(job.submitted_at),
    "SubmitLine": _request("submit_line"),
    "Timelimit": lambda _, job: full_duration(job.request.time_limit_s),
    "TimelimitRaw": _limit_minutes,
    "UID": lambda printer, job: str(printer.uids[job.request.user]),
    "User": _request("user"),
    "WorkDir": _request("work_dir"),
}
"""What sacct can print here, as it spells it."""

_KILLED = frozenset({State.CANCELLED, State.TIMEOUT, State.PREEMPTED})


def _chosen(cluster: Cluster, options: Options, call: Call) -> list[Job]:
    accounting = cluster.accounting
    if "jobs" in options.values:
        jobs: list[Job] = []
        for text in options.values["jobs"].split(","):
            number = re.split(r"[_+]", text)[0]
            if not number.isdigit():
                raise UsageError("sacct", f"Bad job/step specified: {text}")
            found = accounting.rows_of(int(number))
            jobs += [job for job in found if text in (number, job.label)]
        jobs = list({(job.raw_id, job.submitted_at): job for job in jobs}.values())
    else:
        jobs = [job for job in accounting.rows() if _in_window(job, options, cluster.now)]
    if "duplicates" not in options.flags:
        jobs = _newest(jobs)
    everybody = "allusers" in options.flags or ("user" not in options.values)
    users = options.values.get("user", call.user).split(",")
    if "jobs" not in options.values and "allusers" not in options.flags:
        everybody = False
    states = {word.upper() for word in options.values.get("state", "").split(",") if word}
    return [
        job
        for job in jobs
        if (everybody or job.request.user in users)
        and (not states or states & {job.state.value, COMPACT_STATES[job.state.value]})
    ]


def _newest(jobs: Iterable[Job]) -> list[Job]:
    newest: dict[int, Job] = {}
    for job in jobs:
        known = newest.get(job.raw_id)
        if known is None or known.submitted_at <= job.submitted_at:
            newest[job.raw_id] = job
    return list(newest.values())


def _in_window(job: Job, options: Options, now: int) -> bool:
    """Tell whether a row belongs to the time asked for; one that never was eligible does not."""
    if job.eligible_at is None:
        return False
    since = _moment(options.values.get("starttime"), now, default=now - now % DAY_S)
    until = _moment(options.values.get("endtime"), now, default=now)
    return job.eligible_at <= until and (job.ended_at is None or job.ended_at >= since)


def _moment(text: str | None, now: int, *, default: int) -> int:
    if text is None:
        return default
    if matched := _AGO.fullmatch(text):
        count, unit = matched.groups()
        return now - int(count) * _UNIT_S[unit] if count else now
    if (
        text.startswith("uts") and text[3:].isdigit()
    ):  # bare seconds are refused, as in parse_time.c
        return int(text[3:])
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError as exc:
        raise UsageError("sacct", f"Invalid time specification {text}") from exc


def _table(names: list[str], rows: list[list[str]], options: Options) -> str:
    header = [] if "noheader" in options.flags else [names]
    if "parsable2" in options.flags or "parsable" in options.flags:
        delimiter = options.values.get("delimiter", "|")
        end = delimiter if "parsable2" not in options.flags else ""
        return "".join(f"{delimiter.join(row)}{end}\n" for row in [*header, *rows])
    lines = [*header, *([["-" * FIXED_WIDTH] * len(names)] if header else []), *rows]
    return "".join(
        " ".join(text[:FIXED_WIDTH].rjust(FIXED_WIDTH) for text in line) + " \n" for line in lines
    )


def _help() -> str:
    names = sorted(FIELDS)
    lines = [names[start : start + LINE_NAMES] for start in range(0, len(names), LINE_NAMES)]
    return "".join("".join(f"{name:<20}" for name in line) + "\n" for line in lines)
