"""sstat: what the running steps of jobs use; invented, steady for each job, growing with time.

Source: sstat(1); tests/fixtures/slurm, case `steps`: an array's number gives all its tasks, an
unknown job and one that is not running are a sentence on standard error with exit status 0.
"""

from collections.abc import Iterable

from services.simulator.calls import Answer, Call, grammar, read_options, refused
from services.simulator.cluster import Cluster
from services.simulator.model import Job, State
from services.simulator.text import full_duration, node_list

GRAMMAR = grammar(
    flags="a,allsteps n,noheader p,parsable P,parsable2 noconvert e,helpformat v,verbose",
    valued="j,jobs o,fields,format",
)
FIELDS = (
    "JobID",
    "Nodelist",
    "NTasks",
    "AveCPU",
    "AveRSS",
    "MaxRSS",
    "TRESUsageInAve",
    "TRESUsageInMax",
    "TRESUsageInTot",
)
DEFAULT_FIELDS = "JobID,NTasks,AveCPU,AveRSS,MaxRSS"
KIB = 1024


def sstat(cluster: Cluster, call: Call) -> Answer:
    """Answer one call of sstat."""
    options = read_options("sstat", call.argv, GRAMMAR)
    if "helpformat" in options.flags:
        return Answer(stdout=" ".join(FIELDS) + "\n")
    names = (options.values.get("format") or options.values.get("fields", DEFAULT_FIELDS)).split(
        ","
    )
    known = {field.lower(): field for field in FIELDS}
    for name in names:
        if name.lower() not in known:
            return refused(f'sstat: error: Invalid field requested: "{name}"')
    rows: list[str] = []
    errors: list[str] = []
    plain = "noconvert" in options.flags
    for text in options.values.get("jobs", "").split(","):
        number = text.partition("_")[0].partition(".")[0]
        jobs = list(_seen(cluster, call, number))
        if not jobs:
            errors.append(f"sstat: error: couldn't get steps for job {number}")
        elif not (working := [job for job in jobs if not job.het_offset]):
            errors.append(f"sstat: error: No steps running for job {number}")
        else:
            rows += [_row(cluster, job, [known[one.lower()] for one in names], plain=plain)
                     for job in working]  # fmt: skip
    header = [] if "noheader" in options.flags else ["|".join(known[one.lower()] for one in names)]
    return Answer(
        stdout="".join(f"{row}\n" for row in (*header, *rows)),
        stderr="".join(f"{error}\n" for error in errors),
    )


def _seen(cluster: Cluster, call: Call, number: str) -> Iterable[Job]:
    """Give the running jobs of a number that the user may see the use of."""
    if not number.isdigit():
        return ()
    raw_id = int(number)
    may_all = call.user in cluster.spec.operators
    return (
        job
        for job in cluster.running()
        if job.state is State.RUNNING
        and raw_id in (job.raw_id, job.array_id)
        and (may_all or job.request.user == call.user)
    )


def _row(cluster: Cluster, job: Job, names: list[str], *, plain: bool) -> str:
    shape = job.request.shape
    # A share of its CPUs and memory that stays the same for a job and differs between jobs.
    busy = 0.3 + (job.raw_id * 37 % 60) / 100
    cpu_s = int(job.used_s(cluster.now) * shape.cpus * busy)
    held = int(shape.memory_mib * (0.2 + (job.raw_id * 53 % 50) / 100)) * KIB * KIB
    memory = str(held) if plain else f"{held // KIB}K"
    usage = f"cpu={full_duration(cpu_s)},energy=0,fs/disk=61852,mem={memory},pages=0,vmem={memory}"
    values = {
        "JobID": f"{job.raw_id}.batch",
        "Nodelist": node_list(job.nodes[:1]),
        "NTasks": "1",
        "AveCPU": full_duration(cpu_s),
        "AveRSS": memory,
        "MaxRSS": memory,
        "TRESUsageInAve": usage,
        "TRESUsageInMax": usage,
        "TRESUsageInTot": usage,
    }
    return "|".join(values[name] for name in names)
