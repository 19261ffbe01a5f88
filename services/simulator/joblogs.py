"""What simulated jobs write: a log that grows while one runs, and says in the end how it went.

Only for the demo, so that there is something to read, follow and search. Of jobs that ran for long
before anybody looked only the newest lines are written.
"""

import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from random import Random

from services.simulator.cluster import Cluster
from services.simulator.model import Job, State
from slurmfleet.timing.clock import Clock

WRITE_EVERY_S = 2.0
LINE_EVERY_S = 2
"""Simulated seconds between two lines of one job."""

MOST_LINES = 2_000
"""At once."""

MOST_FILES = 400
"""Of one cluster; the oldest go when there are more."""

_PATTERN = re.compile("%([%AajuxN])")

_ENDS = {
    State.OUT_OF_MEMORY: (
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
        "slurmstepd: error: Detected 1 oom_kill event in StepId={id}.batch.",
    ),
    State.TIMEOUT: (
        "slurmstepd: error: *** JOB {id} ON {node} CANCELLED AT {at} DUE TO TIME LIMIT ***",
    ),
    State.CANCELLED: ("slurmstepd: error: *** JOB {id} ON {node} CANCELLED AT {at} ***",),
    State.FAILED: (
        "Traceback (most recent call last):",
        '  File "train.py", line 212, in <module>',
        "    main()",
        "RuntimeError: shape mismatch: expected [32, 4096], got [32, 4095]",
        "srun: error: {node}: task 0: Exited with exit code {code}",
    ),
    State.COMPLETED: ("done, wrote outputs/{name}",),
}


class JobLogs:
    """Writes the logs of one cluster's jobs below its users' homes."""

    def __init__(self, cluster: Cluster, home_root: Path, *, most_files: int = MOST_FILES) -> None:
        """Write nothing yet."""
        self._most_files = most_files
        self._cluster = cluster
        self._root = home_root
        self._told: dict[int, int] = {}
        """Of each job that runs, how many of its lines are written."""
        self._files: deque[Path] = deque()

    async def run(self, clock: Clock) -> None:
        """Write for ever."""
        while True:
            self.write()
            await clock.sleep(WRITE_EVERY_S)

    def write(self) -> None:
        """Write what came since the last time."""
        jobs = self._cluster.jobs
        for job in list(jobs.values()):
            if job.state is State.RUNNING and not job.is_booting and not job.waiting:
                self._go_on(job)
        for raw_id in [one for one in self._told if one not in jobs or jobs[one].state.is_over]:
            del self._told[raw_id]
            if raw_id in jobs:
                self._append(jobs[raw_id], _end(jobs[raw_id]))

    def _go_on(self, job: Job) -> None:
        lines = job.used_s(self._cluster.now) // LINE_EVERY_S
        told = self._told.get(job.raw_id)
        if told is None:
            path = self._path(job)
            if path is None:
                return
            self._forget_oldest(path)
            told = max(0, lines - MOST_LINES)
            self._append(job, _begin(job) if told == 0 else ())
        if lines > told:
            self._append(job, (_line(job, number) for number in range(told, lines)))
        self._told[job.raw_id] = lines

    def _append(self, job: Job, lines: Iterator[str] | tuple[str, ...]) -> None:
        path = self._path(job)
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)

    def _path(self, job: Job) -> Path | None:
        """Give where a job's output goes; None where that is not below the homes."""
        request = job.request
        values = {
            "%": "%",
            "j": str(job.raw_id),
            "A": str(job.array_id or job.raw_id),
            "a": str(job.task_id if job.task_id is not None else 4_294_967_294),
            "u": request.user,
            "x": request.name.replace("/", "_"),
            "N": job.nodes[0] if job.nodes else "",
        }
        told = _PATTERN.sub(lambda found: values[found[1]], request.stdout or "slurm-%j.out")
        path = Path(request.work_dir or self._root / request.user) / told
        inside = path.is_relative_to(self._root) and ".." not in path.parts
        return path if inside else None

    def _forget_oldest(self, path: Path) -> None:
        self._files.append(path)
        if len(self._files) > self._most_files:
            self._files.popleft().unlink(missing_ok=True)


def _begin(job: Job) -> tuple[str, ...]:
    return (
        f"host {job.nodes[0] if job.nodes else '?'}, job {job.raw_id}, {job.request.name}",
        f"{job.gpus} GPUs on {len(job.nodes)} nodes, {job.request.shape.cpus} CPUs a node",
    )


def _line(job: Job, number: int) -> str:
    random = Random(job.raw_id * 1_000_003 + number)  # noqa: S311 it makes up a log
    loss = 2.0 * 0.999**number + random.uniform(0.9, 1.1)
    rate = random.uniform(0.95, 1.05) * 1_900 * max(1, job.gpus)
    if number % 50 == 49:  # noqa: PLR2004 every so often
        return f"WARNING  step {number}: gradient norm {random.uniform(5, 40):.1f} was clipped"
    return f"step {number:6d}  loss {loss:.4f}  lr 3.0e-04  {rate:,.0f} tokens/s"


def _end(job: Job) -> tuple[str, ...]:
    told = {
        "id": job.raw_id,
        "node": job.nodes[0] if job.nodes else "?",
        "at": job.ended_at,
        "code": job.queue_exit[0],
        "name": job.request.name,
    }
    return tuple(line.format(**told) for line in _ENDS.get(job.state, ()))
