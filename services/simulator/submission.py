"""sbatch, scancel and what `scontrol` changes: how users and operators act on jobs.

Source: sbatch(1), scancel(1), scontrol(1); error texts from samples of Slurm 24.11.
"""

import shlex
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from services.simulator.calls import Answer, Call, Options, grammar, read_options, refused
from services.simulator.cluster import Cluster
from services.simulator.model import COMPACT_STATES, Job, State
from services.simulator.requests import SBATCH, RefusedError, read_request

SCANCEL = grammar(
    flags="v,verbose Q,quiet me f,full b,batch", valued="u,user n,name t,state s,signal"
)

FAILED = "sbatch: error: Batch job submission failed: "
NOT_ALLOWED = "Access/permission denied"
PART_OF_JOB = "Unable to modify only some components of a heterogeneous job"
DISABLED = "Requested operation is presently disabled"
ALREADY_OVER = "Job/step already completing or completed"
NOT_NOW = "Job can not be altered now, try again later"
KILL_ERROR = "scancel: error: Kill job error on job id"
CANNOT_CANCEL = 210
CANNOT_SIGNAL = 228

WHOLE_JOB = frozenset(
    {"job-name", "account", "qos", "time", "hold", "begin", "deadline", "dependency", "comment"}
    | {"output", "error", "chdir", "no-requeue", "wrap"}
)
"""Options that count for every component when the first one has them."""


def sbatch(cluster: Cluster, call: Call) -> Answer:
    """Answer one call of sbatch."""
    parts = _split(call.argv)
    last = parts[-1]
    if "version" in last.flags:
        return Answer(stdout=f"slurm-wlm {cluster.spec.version}\n")
    if "wrap" not in last.values:
        if call.script is None:
            return Answer(wants_script=last.words[0] if last.words else "")
        if not call.script.startswith("#!"):
            return refused(
                "sbatch: error: This does not look like a batch script.  The first\n"
                "sbatch: error: line must start with #! followed by the path to an interpreter.\n"
                "sbatch: error: For instance: #!/bin/sh"
            )
        parts = _with_directives(parts, call.script)
    try:
        raw_id = _submit(cluster, _inheriting(parts), call)
    except RefusedError as refusal:
        return refused(f"{FAILED}{refusal}")
    if any("parsable" in part.flags for part in parts):
        return Answer(stdout=f"{raw_id}\n")
    return Answer(stdout=f"Submitted batch job {raw_id}\n")


def _submit(cluster: Cluster, parts: Sequence[Options], call: Call) -> int:
    requests = [read_request(cluster, part, call) for part in parts]
    if len(requests) == 1:
        return cluster.submit(requests[0]).raw_id
    if any(request.tasks for request in requests):
        raise RefusedError("Invalid job array specification")
    return cluster.submit_together(requests)[0].raw_id


def _split(argv: Sequence[str]) -> list[Options]:
    """Read the components of a call, which single colons before the script divide."""
    parts: list[Options] = []
    words = list(argv)
    while ":" in words:
        colon = words.index(":")
        part = read_options("sbatch", words[:colon], SBATCH, stop_at_word=True)
        if part.words:
            break
        parts.append(part)
        words = words[colon + 1 :]
    return [*parts, read_options("sbatch", words, SBATCH, stop_at_word=True)]


def _with_directives(parts: Sequence[Options], script: str) -> list[Options]:
    """Add the `#SBATCH` lines of a script to each component; the command line is stronger."""
    words: list[list[str]] = [[]]
    for line in script.splitlines()[1:]:
        if line.startswith("#SBATCH"):
            more = shlex.split(line.removeprefix("#SBATCH"), comments=True)
            if more == ["hetjob"]:
                words.append([])
            else:
                words[-1] += more
        elif line and not line.startswith("#"):
            break
    inside = [read_options("sbatch", some, SBATCH) for some in words]
    return [
        Options(
            flags=below.flags | above.flags,
            values={**below.values, **above.values},
            words=parts[-1].words,
        )
        for below, above in zip_longest(inside, parts, fillvalue=Options())
    ]


def _inheriting(parts: Sequence[Options]) -> list[Options]:
    """Give components what the first one says of the whole job."""
    first = parts[0]
    return [
        Options(
            flags=part.flags | (first.flags & WHOLE_JOB),
            values={
                **{name: first.values[name] for name in WHOLE_JOB & first.values.keys()},
                **part.values,
            },
            words=parts[-1].words,
        )
        for part in parts
    ]


def scancel(cluster: Cluster, call: Call) -> Answer:
    """Answer one call of scancel; with a signal, the job goes on: its program may do as it likes.

    Jobs that are not there or over are passed over in silence, unless it is to be verbose or to
    send a signal.
    """
    options = read_options("scancel", call.argv, SCANCEL)
    user = cluster.spec.user(call.user)
    uid = user.uid if user else 0
    is_operator = call.user in cluster.spec.operators
    is_verbose, is_signal = "verbose" in options.flags, "signal" in options.values
    said, status = _absent(cluster, options) if is_verbose or is_signal else ("", 0)
    for job, task in _targets(cluster, options, call):
        problem = "" if is_operator or job.request.user == call.user else NOT_ALLOWED
        if job.het_offset and job.state is State.PENDING:
            problem = problem or PART_OF_JOB
        if problem:
            said += f"scancel: error: Kill job error on job id {job.label}: {problem}\n"
            status = CANNOT_CANCEL
            continue
        if is_signal and job.state is State.PENDING:
            said += f"scancel: error: Kill job error on job id {job.label}: {NOT_NOW}\n"
            status = CANNOT_SIGNAL
            continue
        if is_verbose:
            said += f"scancel: Terminating job {job.label}\n"
        if is_signal:
            continue
        if task is None:
            cluster.cancel(job, uid=uid)
        else:
            cluster.cancel_task(job, task, uid=uid)
    return Answer(stderr=said, status=status)


def _absent(cluster: Cluster, options: Options) -> tuple[str, int]:
    """Say which of the named jobs are not there or over, and the status where that counts."""
    said, status = "", 0
    for text in options.words:
        found = list(cluster.named(text))
        if any(not job.state.is_over for job in found):
            continue
        if "signal" in options.values:
            said, status = said + f"{KILL_ERROR} {text}: Invalid job id specified\n", 1
        else:
            why = ALREADY_OVER if found else "Invalid job id specified"
            said += f"scancel: Terminating job {text}\n{KILL_ERROR} {text}: {why}\n"
    return said, status


def change(cluster: Cluster, call: Call, verb: str, words: list[str]) -> Answer:
    """Answer `scontrol hold|release|requeue|suspend|resume`; the last two are for operators."""
    for text in ",".join(words).split(","):
        found = _heads(cluster.named(text))
        if not found:
            return refused(f"Invalid job id specified for job {text}")
        for job in found:
            if problem := _change(cluster, call, verb, job):
                return refused(f"{problem} for job {text}")
    return Answer()


def _change(cluster: Cluster, call: Call, verb: str, job: Job) -> str:
    """Change one job; gives what is wrong, or nothing."""
    is_operator = call.user in cluster.spec.operators
    if not is_operator and (job.request.user != call.user or verb in ("suspend", "resume")):
        return NOT_ALLOWED
    if job.het_offset:
        return PART_OF_JOB
    if verb == "hold":
        cluster.hold(job, by_admin=job.request.user != call.user)
    elif verb == "release":
        cluster.release(job)
    else:
        return _change_started(cluster, verb, job)
    return ""


def _change_started(cluster: Cluster, verb: str, job: Job) -> str:
    if job.state is State.PENDING:
        return "Job is pending execution"
    if verb == "requeue":
        cluster.requeue(job)
        return ""
    if job.state.is_over:
        return "Job/step already completing or completed"
    done = cluster.suspend(job) if verb == "suspend" else cluster.resume(job)
    return "" if done else DISABLED


def _heads(jobs: Iterable[Job]) -> list[Job]:
    """Leave out components whose het job is there with its first one, which stands for all."""
    listed = list(jobs)
    leading = {job.raw_id for job in listed}
    return [job for job in listed if not job.het_offset or job.het_id not in leading]


def _targets(cluster: Cluster, options: Options, call: Call) -> list[tuple[Job, int | None]]:
    chosen: list[tuple[Job, int | None]] = []
    for text in options.words:
        _, _, task = text.partition("_")
        for job in cluster.named(text):
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
    heads = {job.raw_id for job in _heads(job for job, _ in chosen)}
    return [(job, task) for job, task in chosen if job.raw_id in heads and not job.state.is_over]
