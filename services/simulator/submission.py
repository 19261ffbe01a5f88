"""sbatch, scancel and what `scontrol` changes: how users act on their jobs.

Source: sbatch(1), scancel(1), scontrol(1); error texts from samples of Slurm 24.11.
"""

import re
import shlex
from collections.abc import Mapping

from services.simulator import dependencies
from services.simulator.calls import Answer, Call, Options, grammar, read_options, refused
from services.simulator.cluster import Cluster
from services.simulator.model import (
    COMPACT_STATES,
    ClusterSpec,
    Job,
    Partition,
    Plan,
    Request,
    Shape,
    State,
    User,
)
from services.simulator.placement import Node

SBATCH = grammar(
    flags="parsable H,hold no-requeue requeue test-only V,version Q,quiet exclusive",
    valued=(
        "J,job-name p,partition A,account t,time a,array d,dependency wrap comment o,output "
        "e,error q,qos N,nodes n,ntasks c,cpus-per-task mem gres G,gpus gpus-per-node b,begin "
        "D,chdir w,nodelist export ntasks-per-node mail-type mail-user"
    ),
)
SCANCEL = grammar(
    flags="v,verbose Q,quiet me f,full b,batch", valued="u,user n,name t,state s,signal"
)

FAILED = "sbatch: error: Batch job submission failed: "
BAD_NODES = "Requested node configuration is not available"
NOT_ALLOWED = "Access/permission denied"
CANNOT_CANCEL = 210
MINUTE_S = 60
DEFAULT_MEMORY_MIB = 4096
_TIME = re.compile(r"(?:([0-9]+)-)?([0-9]+)(?::([0-9]+))?(?::([0-9]+))?")
_MEMORY = re.compile(r"([0-9]+)([KMGT]?)B?", re.IGNORECASE)
_GPUS = re.compile(r"(?:gpu:)?(?:([A-Za-z][A-Za-z0-9_]*):)?([0-9]+)")
_BEGIN = re.compile(r"now\+([0-9]+)(second|minute|hour|day)?s?")
_BEGIN_S = {None: 1, "second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_MEMORY_MIB = {"K": 1 / 1024, "": 1, "M": 1, "G": 1024, "T": 1024**2}


class _RefusedError(Exception):
    """sbatch does not take the job; the message is Slurm's."""


def sbatch(cluster: Cluster, call: Call) -> Answer:
    """Answer one call of sbatch."""
    options = read_options("sbatch", call.argv, SBATCH, stop_at_word=True)
    if "version" in options.flags:
        return Answer(stdout=f"slurm-wlm {cluster.spec.version}\n")
    if "wrap" not in options.values:
        if call.script is None:
            return Answer(wants_script=options.words[0] if options.words else "")
        if not call.script.startswith("#!"):
            return refused(
                "sbatch: error: This does not look like a batch script.  The first\n"
                "sbatch: error: line must start with #! followed by the path to an interpreter.\n"
                "sbatch: error: For instance: #!/bin/sh"
            )
        options = _with_directives(options, call.script)
    try:
        job = cluster.submit(_request(cluster, options, call))
    except _RefusedError as refusal:
        return refused(f"{FAILED}{refusal}")
    if "parsable" in options.flags:
        return Answer(stdout=f"{job.raw_id}\n")
    return Answer(stdout=f"Submitted batch job {job.raw_id}\n")


def scancel(cluster: Cluster, call: Call) -> Answer:
    """Answer one call of scancel; unknown and finished jobs are passed over in silence."""
    options = read_options("scancel", call.argv, SCANCEL)
    user = cluster.spec.user(call.user)
    uid = user.uid if user else 0
    said, status = "", 0
    for job, task in _targets(cluster, options, call):
        if job.request.user != call.user:
            said += f"scancel: error: Kill job error on job id {job.label}: {NOT_ALLOWED}\n"
            status = CANNOT_CANCEL
            continue
        if "verbose" in options.flags:
            said += f"scancel: Terminating job {job.label}\n"
        if task is None:
            cluster.cancel(job, uid=uid)
        else:
            cluster.cancel_task(job, task, uid=uid)
    return Answer(stderr=said, status=status)


def change(cluster: Cluster, call: Call, verb: str, words: list[str]) -> Answer:
    """Answer `scontrol hold|release|requeue`."""
    for text in ",".join(words).split(","):
        found = _records(cluster, text)
        if not found:
            return refused(f"Invalid job id specified for job {text}")
        for job in found:
            if job.request.user != call.user:
                return refused(f"{NOT_ALLOWED} for job {text}")
            match verb:
                case "hold":
                    cluster.hold(job)
                case "release":
                    cluster.release(job)
                case _:
                    if job.state is State.PENDING:
                        return refused(f"Job is pending execution for job {text}")
                    cluster.requeue(job)
    return Answer()


def _records(cluster: Cluster, text: str) -> list[Job]:
    number, _, task = text.partition("_")
    if not number.isdigit():
        return []
    return list(cluster.find(int(number), int(task) if task.isdigit() else None))


def _targets(cluster: Cluster, options: Options, call: Call) -> list[tuple[Job, int | None]]:
    chosen: list[tuple[Job, int | None]] = []
    for text in options.words:
        _, _, task = text.partition("_")
        for job in _records(cluster, text):
            one_of_many = task.isdigit() and len(job.waiting) > 1
            chosen.append((job, int(task) if one_of_many else None))
    owner = call.user if "me" in options.flags else options.values.get("user")
    name, state = options.values.get("name"), options.values.get("state", "").upper()
    if owner or name or state:
        pool = [job for job, _ in chosen] if options.words else list(cluster.jobs.values())
        chosen = [
            (job, None)
            for job in pool
            if (not owner or job.request.user == owner)
            and (owner or job.request.user == call.user)
            and (not name or job.request.name == name)
            and (not state or state in (job.state.value, COMPACT_STATES[job.state.value]))
        ]
    return [(job, task) for job, task in chosen if not job.state.is_over]


def _with_directives(options: Options, script: str) -> Options:
    """Add the `#SBATCH` lines of a script; the command line is stronger."""
    words: list[str] = []
    for line in script.splitlines()[1:]:
        if line.startswith("#SBATCH"):
            words += shlex.split(line.removeprefix("#SBATCH"), comments=True)
        elif line and not line.startswith("#"):
            break
    inside = read_options("sbatch", words, SBATCH)
    return Options(
        flags=inside.flags | options.flags,
        values={**inside.values, **options.values},
        words=options.words,
    )


def _request(cluster: Cluster, options: Options, call: Call) -> Request:
    spec, values = cluster.spec, options.values
    user = spec.user(call.user)
    if user is None:
        raise _RefusedError("Invalid account or account/partition combination specified")
    partition = spec.partition(values.get("partition", spec.default_partition))
    if partition is None:
        raise _RefusedError("Invalid partition name specified")
    shape = _shape(values, spec)
    if not _could_run(shape, partition, cluster.nodes):
        raise _RefusedError(BAD_NODES)
    comment = values.get("comment", "")
    limit_s = _limit_s(values["time"]) if "time" in values else partition.default_time_s
    tasks, task_limit = _tasks(values.get("array", ""), spec)
    work_dir = values.get("chdir", call.work_dir)
    script = options.words[0] if options.words else ""
    stdout = values.get("output", "slurm-%A_%a.out" if tasks else "slurm-%j.out")
    return Request(
        name=values.get("job-name", script.rpartition("/")[2] or "wrap"),
        user=user.name,
        account=_account(values, user),
        partition=partition.name,
        qos=_qos(values, spec),
        shape=shape,
        time_limit_s=limit_s,
        tasks=tasks,
        task_limit=task_limit,
        dependency=_dependency(values.get("dependency", "")),
        begin_at=_begin_at(values.get("begin", ""), cluster.now),
        hold="JobHeldUser" if "hold" in options.flags else "",
        node=_node(values.get("nodelist", ""), cluster.nodes),
        requeue="no-requeue" not in options.flags,
        comment=comment,
        work_dir=work_dir,
        command=_absolute(script, work_dir) if script else "",
        stdout=_absolute(stdout, work_dir),
        stderr=_absolute(values["error"], work_dir) if "error" in values else "",
        submit_line=" ".join(("sbatch", *call.argv)),
        plan=read_plan(comment),
    )


def read_plan(comment: str) -> Plan | None:
    """Read what shall become of a job: `sim:runtime=30,exit=1`, `signal=9` or `oom=1`.

    None when the comment says nothing of the kind.
    """
    marked = re.search(r"\bsim:(\S+)", comment)
    if marked is None:
        return None
    wishes = dict(re.findall(r"(runtime|exit|signal|oom)=([0-9]+)", marked.group(1)))
    runtime_s = int(wishes.get("runtime", MINUTE_S))
    if "oom" in wishes:
        return Plan(runtime_s=runtime_s, state=State.OUT_OF_MEMORY, exit_signal=125)
    code, signal = int(wishes.get("exit", 0)), int(wishes.get("signal", 0))
    state = State.FAILED if code or signal else State.COMPLETED
    return Plan(runtime_s=runtime_s, state=state, exit_code=code, exit_signal=signal)


def _account(values: Mapping[str, str], user: User) -> str:
    account = values.get("account", user.accounts[0])
    if account not in user.accounts:
        raise _RefusedError("Invalid account or account/partition combination specified")
    return account


def _qos(values: Mapping[str, str], spec: ClusterSpec) -> str:
    qos = values.get("qos", "normal")
    if qos not in {known.name for known in spec.qos}:
        raise _RefusedError("Invalid qos specification")
    return qos


def _node(name: str, nodes: Mapping[str, Node]) -> str:
    if name and name not in nodes:
        raise _RefusedError("Invalid node name specified")
    return name


def _dependency(text: str) -> str:
    try:
        dependencies.parse(text)
    except ValueError as exc:
        raise _RefusedError("Job dependency problem") from exc
    return text


def _shape(values: Mapping[str, str], spec: ClusterSpec) -> Shape:
    nodes = _count(values.get("nodes", "1").partition("-")[0])
    gpu_type, gpus = "", 0
    if wanted := values.get("gpus-per-node") or values.get("gres") or values.get("gpus"):
        matched = _GPUS.fullmatch(wanted)
        if matched is None:
            raise _RefusedError("Invalid generic resource (gres) specification")
        gpu_type, gpus = matched.group(1) or "", int(matched.group(2))
        if "gpus" in values and "gres" not in values and "gpus-per-node" not in values:
            largest = max((node.gpus for node in spec.nodes), default=0) or 1
            nodes = max(nodes, -(-gpus // largest))
            gpus = -(-gpus // nodes)
    memory = _MEMORY.fullmatch(values.get("mem", f"{DEFAULT_MEMORY_MIB}M"))
    if memory is None:
        raise _RefusedError("Memory required by task is not available")
    memory_mib = int(int(memory.group(1)) * _MEMORY_MIB[memory.group(2).upper()])
    tasks = -(-_count(values.get("ntasks", str(nodes))) // nodes)
    cpus = tasks * _count(values.get("cpus-per-task", "1"))
    return Shape(nodes=nodes, cpus=cpus, memory_mib=memory_mib, gpus=gpus, gpu_type=gpu_type)


def _count(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise _RefusedError(BAD_NODES)
    return int(text)


def _could_run(shape: Shape, partition: Partition, nodes: Mapping[str, Node]) -> bool:
    return sum(nodes[name].could_hold(shape) for name in partition.nodes) >= shape.nodes


def _limit_s(text: str) -> int | None:
    """Read a time limit: minutes, `H:M:S`, `D-H`, `D-H:M`; Slurm rounds up to minutes."""
    if text.upper() in ("UNLIMITED", "INFINITE", "0"):
        return None
    matched = _TIME.fullmatch(text)
    if matched is None:
        raise _RefusedError("Invalid time limit specification")
    days, *rest = (int(part) if part else None for part in matched.groups())
    first, second, third = rest
    if days is not None:
        length_s = days * 86_400 + (first or 0) * 3600 + (second or 0) * 60 + (third or 0)
    elif third is not None:
        length_s = (first or 0) * 3600 + (second or 0) * 60 + third
    else:
        length_s = (first or 0) * 60 + (second or 0)
    return max(1, -(-length_s // MINUTE_S)) * MINUTE_S


def _tasks(text: str, spec: ClusterSpec) -> tuple[tuple[int, ...], int | None]:
    if not text:
        return (), None
    indices, _, limit = text.partition("%")
    chosen: set[int] = set()
    for part in indices.split(","):
        matched = re.fullmatch(r"([0-9]+)(?:-([0-9]+)(?::([0-9]+))?)?", part)
        if matched is None:
            raise _RefusedError("Invalid job array specification")
        first, last, step = matched.groups()
        if int(last or first) >= spec.max_array_size:
            raise _RefusedError("Invalid job array specification")
        chosen.update(range(int(first), int(last or first) + 1, int(step or 1) or 1))
    if not chosen or (limit and not limit.isdigit()):
        raise _RefusedError("Invalid job array specification")
    return tuple(sorted(chosen)), int(limit) if limit else None


def _begin_at(text: str, now: int) -> int:
    if not text:
        return 0
    if text.isdigit():
        return int(text)
    matched = _BEGIN.fullmatch(text)
    if matched is None:
        raise _RefusedError("Invalid time specification")
    return now + int(matched.group(1)) * _BEGIN_S[matched.group(2)]


def _absolute(path: str, work_dir: str) -> str:
    return path if path.startswith("/") else f"{work_dir}/{path}"
