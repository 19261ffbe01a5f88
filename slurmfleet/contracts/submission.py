"""Submitting a job: what is asked of a cluster's collector, and what it answers.

A submission has a token. Whoever repeats it under the same token gets the same job, however often,
and whatever became of the answers before.
"""

import hashlib
import json
import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

MOST_SCRIPT_BYTES = 256 * 1_024
MOST_OPTIONS = 60

OPTIONS = frozenset(
    {
        *("account", "array", "begin", "clusters", "comment", "constraint", "contiguous"),
        *("core-spec", "cores-per-socket", "cpu-freq", "cpus-per-gpu", "cpus-per-task"),
        *("deadline", "delay-boot", "dependency", "distribution", "error", "exclude"),
        *("exclusive", "export", "gpu-bind", "gpu-freq", "gpus", "gpus-per-node"),
        *("gpus-per-socket", "gpus-per-task", "gres", "gres-flags", "hint", "hold", "input"),
        *("job-name", "kill-on-invalid-dep", "licenses", "mail-type", "mail-user", "mem"),
        *("mem-bind", "mem-per-cpu", "mem-per-gpu", "mincpus", "network", "nice", "no-kill"),
        *("no-requeue", "nodefile", "nodelist", "nodes", "ntasks", "ntasks-per-core"),
        *("ntasks-per-gpu", "ntasks-per-node", "ntasks-per-socket", "open-mode", "output"),
        *("overcommit", "oversubscribe", "partition", "power", "prefer", "priority", "profile"),
        *("qos", "reboot", "requeue", "reservation", "segment", "signal", "sockets-per-node"),
        *("spread-job", "switches", "thread-spec", "threads-per-core", "time", "time-min"),
        *("tmp", "use-min-nodes", "wait-all-nodes", "wckey"),
    }
) - {"clusters", "nodefile"}
"""Long options of sbatch that say what a job is; not those that name another cluster or a file of
the login node that sbatch reads, or that change what it prints.

Source: sbatch(1) of Slurm 24.11.
"""

MARK = "sf:"
"""What stands before the token in a job's comment: by it a job is found whose number was lost."""

_VALUE = re.compile(r"[^\x00-\x1f\x7f]{0,1000}")

Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]


class SubmitRequest(BaseModel):
    """A job to be submitted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: Token = Field(description="Of this submission; the same one again gives the same job.")
    script: str = Field(
        min_length=3,
        max_length=MOST_SCRIPT_BYTES,
        description="The batch script; begins with #! and may hold #SBATCH lines.",
    )
    options: dict[str, str | bool] = Field(
        default_factory=dict[str, str | bool],
        max_length=MOST_OPTIONS,
        description="Long options of sbatch without dashes; they count more than #SBATCH lines. "
        "true for one that takes no value.",
    )
    work_dir: str = Field(
        default="",
        max_length=4_000,
        pattern=r"^(?:/[^\x00-\x1f\x7f]*)?$",
        description="Where it is submitted; absent: the home of our login.",
    )

    only_as: tuple[str, ...] = Field(
        default=(), description="Only if our login there is one of these; empty: whatever it is."
    )

    @model_validator(mode="after")
    def _as_sbatch_takes_it(self) -> "SubmitRequest":
        if not self.script.startswith("#!"):
            raise ValueError("script: the first line must begin with #! and name an interpreter")
        if "\x00" in self.script or len(self.script.encode()) > MOST_SCRIPT_BYTES:
            raise ValueError(f"script: no NUL, and at most {MOST_SCRIPT_BYTES} bytes")
        for name, value in self.options.items():
            if name not in OPTIONS:
                raise ValueError(f"options: {name[:40]!r} is no option that may be given here")
            if value is False or (isinstance(value, str) and not _VALUE.fullmatch(value)):
                raise ValueError(f"options: {name} has a value that no option can have")
        return self

    @property
    def digest(self) -> str:
        """What tells this submission from another one under the same token."""
        told = json.dumps(
            [self.script, sorted(self.options.items()), self.work_dir], ensure_ascii=True
        )
        return hashlib.sha256(told.encode()).hexdigest()


class SubmitReport(BaseModel):
    """The job that was submitted."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    token: str
    was_known: bool = Field(
        description="Whether the token was used before: this is the job of then."
    )
    warnings: str = Field(default="", description="What sbatch said besides; untrusted text.")
