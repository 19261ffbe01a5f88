"""srun into a running job, and the GPUs that a step sees.

Only what a monitor does: a step with `--overlap` over the nodes of one's own running job. Its
program really runs, once per node, on the machine of the simulator; see `stepshim`.

Source: srun(1); words of srun 24.11 for jobs that are over, foreign or components of a het job.
"""

from services.simulator.calls import Answer, Call, grammar, read_options, refused
from services.simulator.cluster import Cluster
from services.simulator.model import Job, State

SRUN = grammar(
    flags="overlap Q,quiet u,unbuffered v,verbose l,label",
    valued="jobid het-group N,nodes n,ntasks ntasks-per-node mem cpu-bind J,job-name"
    " c,cpus-per-task i,input gres",
)
ALIVE = "--simulator-alive"
"""What a step's program asks while it runs: whether its job still does."""

EXPIRED = "srun: Check SLURM_JOB_ID environment variable. Expired or invalid job {}"
NO_DRIVER = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that "
    "the latest NVIDIA driver is installed and running.\n"
)
MODELS = {
    "h100": ("NVIDIA H100 80GB HBM3", 81_559, 700),
    "a100": ("NVIDIA A100-SXM4-40GB", 40_960, 400),
    "l40s": ("NVIDIA L40S", 46_068, 350),
}
NO_DRIVER_STATUS = 9
PERIOD_S = 30


def srun(cluster: Cluster, call: Call) -> Answer:
    """Answer one call of srun: the environments of its tasks, a line each, and the program."""
    if call.argv[:1] == (ALIVE,):
        job = _job(cluster, call.argv[1], None)
        return Answer(status=0 if job is not None and job.state is State.RUNNING else 1)
    options = read_options("srun", call.argv, SRUN, stop_at_word=True)
    number = options.values.get("jobid") or call.env.get("SLURM_JOB_ID", "")
    if not number.isdigit():
        return refused(f'srun: error: Invalid numeric value "{number}" for --jobid.')
    unconfirmed = f"srun: error: Unable to confirm allocation for job {number}: "
    job = _job(cluster, number, options.values.get("het-group"))
    if job is None or job.state is not State.RUNNING:
        words = "Invalid job id specified" if job is None else "Job/step already completing"
        return refused(f"{unconfirmed}{words}\n{EXPIRED.format(number)}")
    if job.request.user != call.user:
        return refused(f"{unconfirmed}Access/permission denied")
    if job.het_offset and str(job.raw_id) == number:
        return refused(f"{unconfirmed}Job not heterogeneous job leader")
    wanted = int(options.values.get("nodes", "1"))
    gpus = ",".join(map(str, range(job.request.shape.gpus)))
    tasks = [
        f"SLURM_JOB_ID={job.het_id or job.raw_id} SLURMD_NODENAME={node} SLURM_NODEID={place}"
        f" SLURM_STEP_GPUS={gpus} CUDA_VISIBLE_DEVICES={gpus} SIMULATED_JOB={job.raw_id}"
        for place, node in enumerate(job.nodes[:wanted])
    ]
    return Answer(stdout="\n".join(tasks) + "\n\0" + "\0".join(options.words))


def _job(cluster: Cluster, number: str, group: str | None) -> Job | None:
    raw_id = int(number) if number.isdigit() else 0
    job = cluster.jobs.get(raw_id)
    if job is None or group is None:
        return job
    parts = {str(part.het_offset): part for part in cluster.components(job)}
    return parts.get(group)


def nvidia_smi(cluster: Cluster, call: Call) -> Answer:
    """Answer one call of nvidia-smi inside a step; elsewhere there is no driver."""
    node, gpus = call.env.get("SLURMD_NODENAME", ""), call.env.get("SLURM_STEP_GPUS", "")
    spec = next((one for one in cluster.spec.nodes if one.name == node), None)
    if spec is None or not gpus:
        return Answer(stdout=NO_DRIVER, status=NO_DRIVER_STATUS)
    name, total_mib, limit_w = MODELS.get(spec.gpu_type, MODELS["h100"])
    query = next((word for word in call.argv if word.startswith("--query-gpu=")), "")
    job = int(call.env.get("SLURM_JOB_ID", "0") or 0)
    lines: list[str] = []
    for index in map(int, gpus.split(",")):
        uuid = f"GPU-{sum(node.encode()) * 65_537 % 2**32:08x}-0000-4000-8000-{index:012x}"
        busy = 40 + (job * 7 + index * 13 + cluster.now // PERIOD_S * 3) % 60
        values = {
            "index": index,
            "uuid": uuid,
            "name": name,
            "utilization.gpu": busy,
            "memory.used": total_mib // 4 + (job * 911 + index * 137) % (total_mib // 2),
            "memory.total": total_mib,
            "power.draw": f"{90 + busy * (limit_w - 90) // 100}.00",
            "temperature.gpu": 35 + busy // 3,
        }
        asked = query.removeprefix("--query-gpu=").split(",") if query else []
        if "-L" in call.argv:
            lines.append(f"GPU {index}: {name} (UUID: {uuid})")
        elif unknown := next((one for one in asked if one not in values), ""):
            return Answer(stdout=f'Field "{unknown}" is not a valid field to query.\n\n', status=2)
        else:
            lines.append(", ".join(str(values[one]) for one in asked))
    return Answer(stdout="".join(f"{line}\n" for line in lines))
