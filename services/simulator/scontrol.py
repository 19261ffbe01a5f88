"""scontrol: ping, show, what changes jobs, and what changes nodes and reservations.

Source: scontrol(1); samples of Slurm 24.11.
"""

from collections.abc import Iterable

from services.simulator.administration import administer
from services.simulator.calls import Answer, Call, grammar, read_options, refused
from services.simulator.cluster import Cluster
from services.simulator.model import ClusterSpec, Job, Partition, State, compress
from services.simulator.node_view import node_record, reservation_record
from services.simulator.squeue import shown_priority, shown_state
from services.simulator.submission import change
from services.simulator.text import (
    expand,
    full_duration,
    job_tres,
    memory,
    moment,
    node_list,
    queue_tres,
    tres_parts,
)

GRAMMAR = grammar(flags="o,oneliner d,details a,all V,version Q,quiet", valued="M,clusters")
CHANGES = ("hold", "release", "requeue", "suspend", "resume")
ADMINISTRATION = ("update", "create", "delete")


def scontrol(cluster: Cluster, call: Call) -> Answer:
    """Answer one call of scontrol."""
    options = read_options("scontrol", call.argv, GRAMMAR)
    if "version" in options.flags or options.words[:1] == ["version"]:
        return Answer(stdout=f"slurm-wlm {cluster.spec.version}\n")
    match options.words:
        case ["ping"]:
            return Answer(stdout=f"Slurmctld(primary) at {cluster.spec.name}-login is UP\n")
        case [verb, *words] if verb in CHANGES and words:
            return change(cluster, call, verb, words)
        case [verb, *words] if verb in ADMINISTRATION and words:
            return administer(cluster, call, verb, words)
        case ["show", noun, *names]:
            return _show(cluster, call, noun, names, options.flags)
        case _:
            return refused(f"invalid keyword: {' '.join(options.words)}")


def _show(cluster: Cluster, call: Call, noun: str, names: list[str], flags: set[str]) -> Answer:
    match noun.rstrip("s"):
        case "job":
            found = [_job(cluster, call, job) for job in _jobs(cluster, names)]
            missing = "slurm_load_jobs error: Invalid job id specified"
        case "node":
            nodes = [node for name, node in cluster.nodes.items() if not names or name in names]
            found = [node_record(cluster, call, node, details="details" in flags) for node in nodes]
            missing = f"Node {' '.join(names)} not found"
        case "partition":
            parts = [part for part in cluster.spec.partitions if not names or part.name in names]
            found = [_partition(cluster.spec, part) for part in parts]
            missing = "slurm_load_partitions error: Invalid partition name specified"
        case "reservation":
            chosen = cluster.reservations.values()
            found = [
                reservation_record(cluster, call, one)
                for one in chosen
                if not names or one.name in names
            ]
            missing = f"Reservation {' '.join(names)} not found"
            if not found and not names:
                return Answer(stdout="No reservations in the system\n")
        case _:
            return _show_other(cluster, noun)
    if names and not found:
        return refused(missing)
    return _records(found, one_line="oneliner" in flags)


def _show_other(cluster: Cluster, noun: str) -> Answer:
    match noun:
        case "config":
            return Answer(stdout=_config(cluster))
        case _:
            return refused(f"invalid entity:{noun} for keyword:show")


def _records(records: Iterable[list[str]], *, one_line: bool) -> Answer:
    """Write records: lines indented by three, or everything of one record on one line."""
    if one_line:
        return Answer(stdout="".join(f"{' '.join(record)} \n" for record in records))
    return Answer(stdout="".join("\n   ".join(record) + "\n   \n\n" for record in records))


def _jobs(cluster: Cluster, names: list[str]) -> list[Job]:
    if not names:
        return sorted(cluster.jobs.values(), key=lambda job: job.raw_id)
    found: list[Job] = []
    for text in ",".join(names).split(","):
        found += cluster.named(text)
    return found


def _job(cluster: Cluster, call: Call, job: Job) -> list[str]:
    def time(at: int | None, missing: str = "Unknown") -> str:
        return moment(at, time_format=call.time_format, missing=missing)

    request, shape = job.request, job.request.shape
    uid = next((user.uid for user in cluster.spec.users if user.name == request.user), 0)
    specs = {node.name: node for node in cluster.spec.nodes}
    code, signal = job.queue_exit
    used_s = job.used_s(cluster.now)
    start = job.expected_at if job.state is State.PENDING else job.started_at
    stdout = expand(request.stdout, job)
    return [
        f"JobId={job.raw_id}{_group(job)} JobName={request.name}",
        *_het_ids(cluster, job),
        f"UserId={request.user}({uid}) GroupId={request.user}({uid}) MCS_label=N/A",
        (
            f"Priority={shown_priority(job, cluster.now)} Nice=0 Account={request.account} "
            f"QOS={request.qos}"
        ),
        f"JobState={shown_state(job)} Reason={job.reason} Dependency={job.dependency or '(null)'}",
        (
            f"Requeue={int(request.requeue)} Restarts={job.restarts} BatchFlag=1 Reboot=0 "
            f"ExitCode={code}:{signal}"
        ),
        (
            f"RunTime={full_duration(used_s)} TimeLimit={full_duration(request.time_limit_s)} "
            "TimeMin=N/A"
        ),
        f"SubmitTime={time(job.submitted_at)} EligibleTime={time(job.eligible_at)}",
        (
            f"StartTime={time(start)} EndTime={time(job.ended_at or job.limit_at)} "
            f"Deadline={time(request.deadline_at, 'N/A')}"
        ),
        f"SuspendTime={time(job.suspended_at, 'None')} SecsPreSuspend={_ran_before(job)}",
        f"Partition={request.partition} AllocNode:Sid={cluster.spec.name}-login:1",
        f"ReqNodeList={request.node or '(null)'} ExcNodeList=(null)",
        f"NodeList={node_list(job.nodes)}",
        *([f"BatchHost={job.nodes[0]}"] if job.nodes else []),
        (
            f"NumNodes={shape.nodes} NumCPUs={shape.nodes * shape.cpus} NumTasks={shape.nodes} "
            f"CPUs/Task={shape.cpus}"
        ),
        f"ReqTRES={queue_tres(tres_parts(shape, gpu_type=shape.gpu_type))}",
        f"AllocTRES={queue_tres(job_tres(job, specs)) if job.nodes else '(null)'}",
        f"MinCPUsNode={shape.cpus} MinMemoryNode={memory(shape.memory_mib)} MinTmpDiskNode=0",
        f"Command={request.command or '(null)'}",
        f"WorkDir={request.work_dir}",
        *([f"Comment={request.comment} "] if request.comment else []),
        f"StdErr={expand(request.stderr, job) if request.stderr else stdout}",
        "StdIn=/dev/null",
        f"StdOut={stdout}",
    ]


def _group(job: Job) -> str:
    if job.het_id is not None:
        return f" HetJobId={job.het_id} HetJobOffset={job.het_offset}"
    if job.array_id is None:
        return ""
    task = job.waiting_text if job.waiting else job.task_id
    limit = job.request.task_limit
    throttle = f" ArrayTaskThrottle={limit}" if limit else ""
    return f" ArrayJobId={job.array_id} ArrayTaskId={task}{throttle}"


def _het_ids(cluster: Cluster, job: Job) -> list[str]:
    if job.het_id is None:
        return []
    numbers = tuple(part.raw_id for part in cluster.components(job))
    return [f"HetJobIdSet={compress(numbers)}"]


def _ran_before(job: Job) -> int:
    """Give how long a suspended job had run; 0 for others."""
    return 0 if job.suspended_at is None else job.used_s(job.suspended_at)


def _partition(spec: ClusterSpec, part: Partition) -> list[str]:
    nodes = [node for node in spec.nodes if node.name in part.nodes]
    cpus, gpus = sum(node.cpus for node in nodes), sum(node.gpus for node in nodes)
    tres = f"cpu={cpus},mem={memory(sum(node.memory_mib for node in nodes))},node={len(nodes)}"
    kind = next((node.gpu_type for node in nodes if node.gpus), "")
    graphics = f",gres/gpu={gpus},gres/gpu:{kind}={gpus}" if gpus else ""
    return [
        f"PartitionName={part.name}",
        "AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL",
        f"AllocNodes=ALL Default={'YES' if part.is_default else 'NO'} QoS=N/A",
        (
            f"DefaultTime={full_duration(part.default_time_s)} DisableRootJobs=NO ExclusiveUser=NO "
            "ExclusiveTopo=NO GraceTime=0 Hidden=NO"
        ),
        (
            f"MaxNodes=UNLIMITED MaxTime={full_duration(part.max_time_s)} MinNodes=0 LLN=NO "
            "MaxCPUsPerNode=UNLIMITED MaxCPUsPerSocket=UNLIMITED"
        ),
        f"Nodes={node_list(part.nodes)}",
        (
            f"PriorityJobFactor=1 PriorityTier={1 + part.priority // 1000} RootOnly=NO ReqResv=NO "
            "OverSubscribe=NO"
        ),
        "OverTimeLimit=NONE PreemptMode=REQUEUE",
        f"State=UP TotalCPUs={cpus} TotalNodes={len(nodes)} SelectTypeParameters=NONE",
        "JobDefaults=(null)",
        "DefMemPerNode=UNLIMITED MaxMemPerNode=UNLIMITED",
        f"TRES={tres},billing={cpus}{graphics}",
    ]


def _config(cluster: Cluster) -> str:
    spec = cluster.spec
    kind = f",gres/gpu:{spec.gpu_type}" if spec.gpu_type else ""
    values = {
        "AccountingStorageEnforce": "associations,limits,qos",
        "AccountingStorageTRES": f"cpu,mem,energy,node,billing,gres/gpu{kind}",
        "AccountingStorageType": "accounting_storage/slurmdbd",
        "ClusterName": spec.name,
        "MaxArraySize": str(spec.max_array_size),
        "MessageTimeout": "10 sec",
        "MinJobAge": f"{spec.min_job_age_s} sec",
        "PreemptMode": "REQUEUE",
        "PreemptType": "preempt/qos",
        "PriorityType": "priority/multifactor",
        "SchedulerType": "sched/backfill",
        "SelectType": "select/cons_tres",
        "SLURM_VERSION": spec.version,
        "SlurmctldParameters": "(null)",
        "SlurmctldHost[0]": f"{spec.name}-login",
    }
    head = f"Configuration data as of {moment(cluster.now, time_format='')}\n"
    return head + "".join(f"{name:<23} = {value}\n" for name, value in values.items())
