"""Names of clusters and jobs: their grammar and the only ways to make them.

A job id is written as people and Slurm write it: `4711` for a job or a whole array,
`4711_3` for one array task, `4711+1` for one component of a heterogeneous job.
Slurm recycles ids, so a job is known by its cluster, its id and when it was first submitted.

Source: squeue(1), "JOB ARRAY SUPPORT"; https://slurm.schedmd.com/heterogeneous_jobs.html.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from slurmfleet.contracts.problems import ProblemCode, ProblemError

ClusterName = NewType("ClusterName", str)
"""A cluster as the group calls it: `[a-z0-9][a-z0-9-]{0,31}`."""

JobId = NewType("JobId", str)
"""One job, array, array task or heterogeneous component, within one cluster."""

CLUSTER_NAME_PATTERN = r"[a-z0-9][a-z0-9-]{0,31}"
JOB_ID_PATTERN = r"[1-9][0-9]{0,9}(?:_[0-9]{1,9}|\+[0-9]{1,4})?"
_CLUSTER_NAME = re.compile(CLUSTER_NAME_PATTERN)
_JOB_ID = re.compile(JOB_ID_PATTERN)
_RESERVED_CLUSTER_NAMES = frozenset(
    {"cmd", "admin", "job", "log", "gpu", "partition", "share", "quota", "poll", "run", "metric"}
    | {"kernel", "entry", "audit", "load", "qos", "usage", "occupancy", "survey", "roll"}
)
"""Tokens with another meaning: a command to a cluster named "job" would look like a fact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKey:
    """What tells one job from every other, for ever."""

    cluster: ClusterName
    job_id: JobId
    submitted_at: datetime
    """When Slurm first accepted it; a requeue keeps it, a recycled id does not."""


def cluster_name(text: str) -> ClusterName:
    """Read a cluster name.

    Raises:
        ProblemError: It is not `[a-z0-9][a-z0-9-]{0,31}`, or a reserved word.
    """
    if not _CLUSTER_NAME.fullmatch(text) or text in _RESERVED_CLUSTER_NAMES:
        raise ProblemError(
            ProblemCode.INVALID_CLUSTER_NAME,
            f"{text[:64]!r} is not a cluster name.",
            remedy="Use lower-case letters, digits and hyphens, at most 32, as in 'alpha-gpu'.",
        )
    return ClusterName(text)


def job_id(text: str) -> JobId:
    """Read a job id: `4711`, `4711_3` (array task) or `4711+1` (heterogeneous component).

    Raises:
        ProblemError: It has another form.
    """
    if not _JOB_ID.fullmatch(text):
        raise ProblemError(
            ProblemCode.INVALID_JOB_ID,
            f"{text[:64]!r} is not a Slurm job id.",
            remedy="Use a number as in 4711, an array task as in 4711_3, or 4711+1.",
        )
    return JobId(text)
