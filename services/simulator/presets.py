"""Clusters to play with: sizes and rules much like those of a research site."""

from services.simulator.model import FIRST_UID, ClusterSpec, NodeSpec, Partition, Qos, User

DAY_S = 86_400
HOUR_S = 3600

ACCOUNTS = ("nlp", "vision", "speech")

SPEECH_GPUS = 64
"""What the account `speech` may hold at once; the others have no limit."""

GPU_NODES = {
    "h100": NodeSpec(name="h100", cpus=112, memory_mib=2_064_384, gpus=8, gpu_type="h100"),
    "a100": NodeSpec(name="a100", cpus=64, memory_mib=1_032_192, gpus=8, gpu_type="a100"),
    "l40s": NodeSpec(name="l40s", cpus=64, memory_mib=516_096, gpus=4, gpu_type="l40s"),
}

QOS = (
    Qos(name="normal"),
    Qos(name="high", priority=5000, preempts=("standby",), max_gpus_per_user=32),
    Qos(name="standby", priority=-2000),
    Qos(name="interactive", priority=1000, max_jobs_per_user=2),
)


def gpu_type_of(cluster: str) -> str:
    """Give the GPU type that a cluster's name ends in; h100 where it names none."""
    return next((kind for kind in GPU_NODES if cluster.endswith(kind)), "h100")


def demo_users(names: tuple[str, ...]) -> tuple[User, ...]:
    """Give users with an account each, and the first account for all."""
    users: list[User] = []
    for index, name in enumerate(names):
        own = ACCOUNTS[index % len(ACCOUNTS)]
        accounts = (own, *(account for account in ACCOUNTS if account != own))
        users.append(User(name=name, uid=FIRST_UID + index, accounts=accounts))
    return tuple(users)


def demo_spec(
    name: str,
    *,
    users: tuple[str, ...],
    operators: tuple[str, ...] = (),
    gpu_nodes: int = 16,
    history_s: int = 7 * DAY_S,
    home_root: str = "/home",
    first_job_id: int = 1000,
) -> ClusterSpec:
    """Give a cluster with a large GPU partition, a debug corner and some CPU nodes."""
    model = GPU_NODES[gpu_type_of(name)]
    batch = _nodes("gpu", gpu_nodes, model)
    debug = _nodes("dbg", 2, model)
    cpu = _nodes("cpu", 4, NodeSpec(name="cpu", cpus=128, memory_mib=516_096))
    names = tuple(node.name for node in batch)
    return ClusterSpec(
        name=name,
        nodes=(*batch, *debug, *cpu),
        partitions=(
            Partition(name="batch", nodes=names, max_time_s=DAY_S, is_default=True),
            Partition(name="interactive", nodes=names, max_time_s=4 * HOUR_S, priority=3000),
            Partition(
                name="debug",
                nodes=tuple(node.name for node in debug),
                max_time_s=HOUR_S,
                default_time_s=600,
                priority=4000,
            ),
            Partition(name="cpu", nodes=tuple(node.name for node in cpu)),
        ),
        qos=QOS,
        users=demo_users(users),
        account_gpu_limits=(("speech", SPEECH_GPUS),),
        operators=operators,
        history_s=history_s,
        home_root=home_root,
        first_job_id=max(1, first_job_id),
    )


def _nodes(prefix: str, count: int, model: NodeSpec) -> tuple[NodeSpec, ...]:
    width = max(2, len(str(count)))
    return tuple(
        NodeSpec(
            name=f"{prefix}{number:0{width}d}",
            cpus=model.cpus,
            memory_mib=model.memory_mib,
            gpus=model.gpus,
            gpu_type=model.gpu_type,
        )
        for number in range(1, count + 1)
    )
