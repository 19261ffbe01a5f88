"""squeue: the jobs that the controller still knows.

Source: squeue(1); samples and docs/slurm-output.md, Slurm 24.11.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from services.simulator.calls import Answer, Call, Options, grammar, read_options, refused
from services.simulator.cluster import Cluster
from services.simulator.columns import (
    Column,
    Field,
    lettered,
    lettered_columns,
    named_columns,
    render,
)
from services.simulator.model import COMPACT_STATES, Job, NodeSpec, State
from services.simulator.text import job_tres, memory, moment, node_list, queue_tres, short_duration

AGING_S = 300
"""Every so often the priority of a waiting job rises by one (PriorityCalcPeriod)."""

DEFAULT_BITSTR_LEN = 64
STANDARD = "%.18i %.9P %.8j %.8u %.2t %.10M %.6D %R"

HELP = """Usage: squeue [OPTIONS]
  -h, --noheader                  no headers on output
  -O, --Format=format             format specification
"""
"""The beginning of what the real one says; options that are not simulated are not in it."""

GRAMMAR = grammar(
    flags="h,noheader a,all r,array V,version l,long me start help",
    valued=(
        "t,states u,user A,account j,job,jobs p,partition o,format O,Format q,qos n,name "
        "S,sort w,nodelist"
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A job and what is needed to print it."""

    job: Job
    now: int
    time_format: str
    bitstr_len: int
    nodes: dict[str, NodeSpec]

    def time(self, at: int | None) -> str:
        """Write a time as the user wants it."""
        return moment(at, time_format=self.time_format)


def squeue(cluster: Cluster, call: Call) -> Answer:
    """Answer one call of squeue."""
    options = read_options("squeue", call.argv, GRAMMAR)
    if "version" in options.flags:
        return Answer(stdout=f"slurm-wlm {cluster.spec.version}\n")
    if "help" in options.flags:
        return Answer(stdout=HELP)
    complaints = _unknown_users(cluster, options)
    wanted = _listed(options, "jobs")
    jobs = list(_chosen(cluster, options, call))
    if len(wanted) == 1 and not cluster.named(wanted[0]):
        return refused("slurm_load_jobs error: Invalid job id specified")
    columns, more = _columns(options)
    bitstr_len = int(call.env.get("SLURM_BITSTR_LEN", DEFAULT_BITSTR_LEN))
    specs = {node.name: node for node in cluster.spec.nodes}
    rows = (
        Row(
            job=job,
            now=cluster.now,
            time_format=call.time_format,
            bitstr_len=bitstr_len,
            nodes=specs,
        )
        for job in jobs
    )
    text = render(columns, rows, header="noheader" not in options.flags)
    return Answer(stdout=text, stderr=complaints + more)


def shown_state(job: Job) -> str:
    """Give the word for a job's state; CONFIGURING and COMPLETING hide what it is otherwise."""
    if job.is_completing:
        return "COMPLETING"
    return "CONFIGURING" if job.is_booting else job.state.value


def shown_priority(job: Job, now: int) -> int:
    """Give the priority, which grows while a job waits; a suspended one has none."""
    if job.state is State.SUSPENDED:
        return 0
    aged = (now - job.submitted_at) // AGING_S if job.state is State.PENDING else 0
    return job.priority + max(0, aged) if job.priority else 0


def _listed(options: Options, name: str) -> list[str]:
    return [part for part in options.values.get(name, "").split(",") if part]


def _unknown_users(cluster: Cluster, options: Options) -> str:
    return "".join(
        f"squeue: error: Invalid user: {name}\n"
        for name in _listed(options, "user")
        if cluster.spec.user(name) is None
    )


def _columns(options: Options) -> tuple[list[Column[Row]], str]:
    if "Format" in options.values:
        return named_columns(options.values["Format"], FIELDS, program="squeue")
    pattern = options.values.get("format", STANDARD)
    return lettered_columns(pattern, LETTERS), ""


def _chosen(cluster: Cluster, options: Options, call: Call) -> Iterator[Job]:
    tests = list(_tests(options, call))
    jobs: list[Job] = []
    if "jobs" in options.values:
        for text in _listed(options, "jobs"):
            jobs += cluster.named(text)
    else:
        jobs += cluster.jobs.values()
    jobs = [job for job in jobs if all(test(job) for test in tests)]
    jobs.sort(key=lambda job: (job.request.partition, shown_state(job), -job.priority, job.raw_id))
    for job in jobs:
        if "array" in options.flags and job.waiting:
            for task in job.waiting:
                yield replace(job, task_id=task, waiting=())
        else:
            yield job


def _tests(options: Options, call: Call) -> Iterator[Callable[[Job], bool]]:
    users = _listed(options, "user")
    if "me" in options.flags:
        users = [call.user]
    if "user" in options.values or users:
        yield lambda job: job.request.user in users
    for name, value in (("account", "account"), ("partition", "partition"), ("qos", "qos")):
        if wanted := frozenset(_listed(options, name)):
            yield lambda job, value=value, wanted=wanted: getattr(job.request, value) in wanted
    if names := frozenset(_listed(options, "name")):
        yield lambda job: job.request.name in names
    states = frozenset(word.upper() for word in _listed(options, "states"))
    if not states:
        yield lambda job: not job.state.is_over or job.is_completing
    elif "ALL" not in states:
        yield lambda job: bool(
            states & {shown_state(job), job.state.value, COMPACT_STATES[shown_state(job)]}
        )


def _bits(row: Row) -> str:
    text = row.job.waiting_text
    if row.bitstr_len and len(text) > row.bitstr_len:
        return f"{text[: row.bitstr_len - 3]}..."
    return text


def _label(row: Row) -> str:
    if row.job.waiting:
        return f"{row.job.array_id}_[{_bits(row)}]"
    return row.job.label


def _task(row: Row) -> str:
    if row.job.waiting:
        return _bits(row)
    return "N/A" if row.job.task_id is None else str(row.job.task_id)


def _start(row: Row) -> int | None:
    return row.job.expected_at if row.job.state is State.PENDING else row.job.started_at


def _end(row: Row) -> int | None:
    if row.job.ended_at is not None:
        return row.job.ended_at
    if row.job.state is not State.PENDING:
        return row.job.limit_at
    start, limit_s = row.job.expected_at, row.job.request.time_limit_s
    return None if start is None or limit_s is None else start + limit_s


def _left(row: Row) -> str:
    limit_s = row.job.request.time_limit_s
    return (
        "UNLIMITED"
        if limit_s is None
        else short_duration(max(0, limit_s - row.job.used_s(row.now)))
    )


_TELLING = frozenset(
    {State.PENDING, State.FAILED, State.TIMEOUT, State.OUT_OF_MEMORY, State.DEADLINE}
)
"""States of which squeue shows the reason instead of the nodes."""


def _reason_or_nodes(row: Row) -> str:
    job = row.job
    if job.state in _TELLING:
        return f"({job.reason})"
    return node_list(job.nodes)


def _offset(row: Row) -> str:
    return "N/A" if row.job.het_id is None else str(row.job.het_offset)


def _exit(row: Row) -> str:
    code, signal = row.job.queue_exit
    return f"{code}:{signal}"


def _per_node(row: Row) -> str:
    shape = row.job.request.shape
    if not shape.gpus:
        return "N/A"
    return f"gres/gpu:{shape.gpu_type}:{shape.gpus}" if shape.gpu_type else f"gres/gpu:{shape.gpus}"


def _tres(row: Row) -> str:
    return queue_tres(job_tres(row.job, row.nodes))


def _field(header: str, value: Callable[[Row], str]) -> Field[Row]:
    return Field(header=header, value=value)


FIELDS = {
    "account": _field("ACCOUNT", lambda row: row.job.request.account),
    "batchflag": _field("BATCH_FLAG", lambda _: "1"),
    "batchhost": _field("EXEC_HOST", lambda row: next(iter(row.job.nodes), "n/a")),
    "excnodes": _field("EXC_NODES", lambda _: ""),
    "feature": _field("FEATURES", lambda _: "(null)"),
    "licenses": _field("LICENSES", lambda _: "(null)"),
    "nice": _field("NICE", lambda _: "0"),
    "numtasks": _field("TASKS", lambda row: str(row.job.request.shape.nodes)),
    "oversubscribe": _field("OVER_SUBSCRIBE", lambda _: "OK"),
    "reservation": _field("RESERVATION", lambda _: "(null)"),
    "stdin": _field("STDIN", lambda _: "/dev/null"),
    "tres-per-socket": _field("TRES_PER_SOCKET", lambda _: "N/A"),
    "tres-per-task": _field("TRES_PER_TASK", lambda _: "N/A"),
    "arrayjobid": _field("ARRAY_JOB_ID", lambda row: str(row.job.array_id or row.job.raw_id)),
    "arraytaskid": _field("ARRAY_TASK_ID", _task),
    "command": _field("COMMAND", lambda row: row.job.request.command or "(null)"),
    "comment": _field("COMMENT", lambda row: row.job.request.comment or "(null)"),
    "dependency": _field("DEPENDENCY", lambda row: row.job.dependency or "(null)"),
    "eligibletime": _field("ELIGIBLE_TIME", lambda row: row.time(row.job.eligible_at)),
    "endtime": _field("END_TIME", lambda row: row.time(_end(row))),
    "exit_code": _field("EXIT_CODE", _exit),
    "hetjobid": _field("HET_JOB_ID", lambda row: str(row.job.het_id or "N/A")),
    "hetjoboffset": _field("HET_JOB_OFFSET", _offset),
    "deadline": _field("DEADLINE", lambda row: row.time(row.job.request.deadline_at)),
    "jobarrayid": _field("JOBID", _label),
    "jobid": _field("JOBID", lambda row: str(row.job.raw_id)),
    "minmemory": _field("MIN_MEMORY", lambda row: memory(row.job.request.shape.memory_mib)),
    "name": _field("NAME", lambda row: row.job.request.name),
    "nodelist": _field("NODELIST", lambda row: node_list(row.job.nodes)),
    "numcpus": _field(
        "CPUS", lambda row: str(row.job.request.shape.nodes * row.job.request.shape.cpus)
    ),
    "numnodes": _field("NODES", lambda row: str(row.job.request.shape.nodes)),
    "partition": _field("PARTITION", lambda row: row.job.request.partition),
    "prioritylong": _field("PRIORITY", lambda row: str(shown_priority(row.job, row.now))),
    "qos": _field("QOS", lambda row: row.job.request.qos),
    "reason": _field("REASON", lambda row: row.job.reason),
    "reasonlist": _field("NODELIST(REASON)", _reason_or_nodes),
    "requeue": _field("REQUEUE", lambda row: str(int(row.job.request.requeue))),
    "reqnodes": _field("REQ_NODES", lambda row: row.job.request.node),
    "restartcnt": _field("RESTART_COUNT", lambda row: str(row.job.restarts)),
    "starttime": _field("START_TIME", lambda row: row.time(_start(row))),
    "state": _field("STATE", lambda row: shown_state(row.job)),
    "statecompact": _field("ST", lambda row: COMPACT_STATES[shown_state(row.job)]),
    "stderr": _field("STDERR", lambda row: row.job.request.stderr or "(null)"),
    "stdout": _field("STDOUT", lambda row: row.job.request.stdout),
    "submittime": _field("SUBMIT_TIME", lambda row: row.time(row.job.submitted_at)),
    "timeleft": _field("TIME_LEFT", _left),
    "timelimit": _field("TIME_LIMIT", lambda row: short_duration(row.job.request.time_limit_s)),
    "timeused": _field("TIME", lambda row: short_duration(row.job.used_s(row.now))),
    "tres-alloc": _field("TRES_ALLOC", _tres),
    "tres-per-job": _field("TRES_PER_JOB", lambda _: "N/A"),
    "tres-per-node": _field("TRES_PER_NODE", _per_node),
    "username": _field("USER", lambda row: row.job.request.user),
    "workdir": _field("WORK_DIR", lambda row: row.job.request.work_dir),
}
"""What -O can print, by lower-case name."""

LETTERS = lettered(
    "i=jobarrayid A=jobid F=arrayjobid K=arraytaskid P=partition j=name u=username a=account "
    "T=state t=statecompact M=timeused l=timelimit L=timeleft D=numnodes C=numcpus "
    "m=minmemory b=tres-per-node r=reason R=reasonlist N=nodelist S=starttime V=submittime "
    "e=endtime Q=prioritylong q=qos E=dependency Z=workdir o=command k=comment",
    FIELDS,
)
"""What -o can print."""
