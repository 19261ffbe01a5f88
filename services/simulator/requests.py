"""What sbatch's options ask for: a request in the simulator's terms, or a refusal in Slurm's.

Source: sbatch(1); error texts from samples of Slurm 24.11.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from services.simulator import dependencies
from services.simulator.calls import Call, Options, grammar
from services.simulator.cluster import Cluster
from services.simulator.model import ClusterSpec, Partition, Plan, Request, Shape, State, User
from services.simulator.placement import Node

SBATCH = grammar(
    flags="parsable H,hold no-requeue requeue test-only V,version Q,quiet exclusive",
    valued=(
        "J,job-name p,partition A,account t,time a,array d,dependency wrap comment o,output "
        "e,error q,qos N,nodes n,ntasks c,cpus-per-task mem gres G,gpus gpus-per-node b,begin "
        "deadline D,chdir w,nodelist export ntasks-per-node mail-type mail-user"
    ),
)

BAD_NODES = "Requested node configuration is not available"
BAD_LIMIT = "Requested time limit is invalid (missing or exceeds some limit)"
MINUTE_S = 60
DEFAULT_MEMORY_MIB = 4096
_TIME = re.compile(r"(?:([0-9]+)-)?([0-9]+)(?::([0-9]+))?(?::([0-9]+))?")
_MEMORY = re.compile(r"([0-9]+)([KMGT]?)B?", re.IGNORECASE)
_GPUS = re.compile(r"(?:gpu:)?(?:([A-Za-z][A-Za-z0-9_]*):)?([0-9]+)")
_FROM_NOW = re.compile(r"now(?:\+([0-9]+)(second|minute|hour|day|week)?s?)?")
_CLOCK = re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2})?")
_UNIT_S = {None: 1, "second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_MEMORY_MIB = {"K": 1 / 1024, "": 1, "M": 1, "G": 1024, "T": 1024**2}


class RefusedError(Exception):
    """sbatch does not take the job; the message is Slurm's."""


def read_request(cluster: Cluster, options: Options, call: Call) -> Request:
    """Read one component's options.

    Raises:
        RefusedError: The cluster does not take it.
    """
    spec, values = cluster.spec, options.values
    user = spec.user(call.user)
    if user is None:
        raise RefusedError("Invalid account or account/partition combination specified")
    partition = spec.partition(values.get("partition", spec.default_partition))
    if partition is None:
        raise RefusedError("Invalid partition name specified")
    shape = _shape(values, spec)
    if not _could_run(shape, partition, cluster.nodes):
        raise RefusedError(BAD_NODES)
    comment = values.get("comment", "")
    limit_s = _limit_s(values["time"]) if "time" in values else partition.default_time_s
    begin_at = _begin_at(values.get("begin", ""), cluster.now)
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
        begin_at=begin_at,
        deadline_at=_deadline_at(values.get("deadline", ""), begin_at, limit_s, cluster.now),
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
        raise RefusedError("Invalid account or account/partition combination specified")
    return account


def _qos(values: Mapping[str, str], spec: ClusterSpec) -> str:
    qos = values.get("qos", "normal")
    if qos not in {known.name for known in spec.qos}:
        raise RefusedError("Invalid qos specification")
    return qos


def _node(name: str, nodes: Mapping[str, Node]) -> str:
    if name and name not in nodes:
        raise RefusedError("Invalid node name specified")
    return name


def _dependency(text: str) -> str:
    try:
        dependencies.parse(text)
    except ValueError as exc:
        raise RefusedError("Job dependency problem") from exc
    return text


def _shape(values: Mapping[str, str], spec: ClusterSpec) -> Shape:
    nodes = _count(values.get("nodes", "1").partition("-")[0])
    gpu_type, gpus = "", 0
    if wanted := values.get("gpus-per-node") or values.get("gres") or values.get("gpus"):
        matched = _GPUS.fullmatch(wanted)
        if matched is None:
            raise RefusedError("Invalid generic resource (gres) specification")
        gpu_type, gpus = matched.group(1) or "", int(matched.group(2))
        if "gpus" in values and "gres" not in values and "gpus-per-node" not in values:
            largest = max((node.gpus for node in spec.nodes), default=0) or 1
            nodes = max(nodes, -(-gpus // largest))
            gpus = -(-gpus // nodes)
    memory = _MEMORY.fullmatch(values.get("mem", f"{DEFAULT_MEMORY_MIB}M"))
    if memory is None:
        raise RefusedError("Memory required by task is not available")
    memory_mib = int(int(memory.group(1)) * _MEMORY_MIB[memory.group(2).upper()])
    tasks = -(-_count(values.get("ntasks", str(nodes))) // nodes)
    cpus = tasks * _count(values.get("cpus-per-task", "1"))
    return Shape(nodes=nodes, cpus=cpus, memory_mib=memory_mib, gpus=gpus, gpu_type=gpu_type)


def _count(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise RefusedError(BAD_NODES)
    return int(text)


def _could_run(shape: Shape, partition: Partition, nodes: Mapping[str, Node]) -> bool:
    return sum(nodes[name].could_hold(shape) for name in partition.nodes) >= shape.nodes


def _limit_s(text: str) -> int | None:
    """Read a time limit: minutes, `H:M:S`, `D-H`, `D-H:M`; Slurm rounds up to minutes."""
    if text.upper() in ("UNLIMITED", "INFINITE", "0"):
        return None
    matched = _TIME.fullmatch(text)
    if matched is None:
        raise RefusedError("Invalid time limit specification")
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
            raise RefusedError("Invalid job array specification")
        first, last, step = matched.groups()
        if int(last or first) >= spec.max_array_size:
            raise RefusedError("Invalid job array specification")
        chosen.update(range(int(first), int(last or first) + 1, int(step or 1) or 1))
    if not chosen or (limit and not limit.isdigit()):
        raise RefusedError("Invalid job array specification")
    return tuple(sorted(chosen)), int(limit) if limit else None


def _begin_at(text: str, now: int) -> int:
    return _moment(text, now) if text else 0


def _deadline_at(text: str, begin_at: int, limit_s: int | None, now: int) -> int | None:
    """Read a deadline; one that cannot be met is refused."""
    if not text:
        return None
    at = _moment(text, now)
    if at < max(now, begin_at) or at < now + (limit_s or 0):
        raise RefusedError(BAD_LIMIT)
    return at


def _moment(text: str, now: int) -> int:
    """Read `now+5minutes`, `14:30` (the next one), `2026-11-20T14:30` or seconds since 1970."""
    if text.isdigit():
        return int(text)
    if matched := _FROM_NOW.fullmatch(text):
        return now + int(matched.group(1) or 0) * _UNIT_S[matched.group(2)]
    today = datetime.fromtimestamp(now, tz=UTC).replace(tzinfo=None)
    try:
        at = datetime.fromisoformat(f"{today:%Y-%m-%d}T{text}" if _CLOCK.fullmatch(text) else text)
    except ValueError as exc:
        raise RefusedError("Invalid time specification") from exc
    if _CLOCK.fullmatch(text) and at < today:
        at += timedelta(days=1)
    return int(at.replace(tzinfo=UTC).timestamp())


def _absolute(path: str, work_dir: str) -> str:
    return path if path.startswith("/") else f"{work_dir}/{path}"
