"""Mounting a cluster's folders where its collector runs: what is asked, and what it answers."""

import re
from collections.abc import Sequence
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from slurmfleet.contracts.commands import ProblemBody
from slurmfleet.contracts.ids import ClusterName


class MountAct(StrEnum):
    """What can be done to the mounts of a cluster."""

    MOUNT = "mount"
    UNMOUNT = "unmount"
    REMOUNT = "remount"


class MountState(StrEnum):
    """How one folder is."""

    MOUNTED = "mounted"
    NOT_MOUNTED = "not_mounted"
    STALE = "stale"
    """The kernel lists it, and it does not answer: whoever touches it hangs, or gets an error."""

    CHECKING = "checking"
    """The kernel lists it; whether it answers is being found out."""


class MountRequest(BaseModel):
    """What is to be done."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    act: MountAct
    only_as: tuple[str, ...] = Field(
        default=(), description="Only if our login there is one of these; empty: whatever it is."
    )


class Mount(BaseModel):
    """One folder of a cluster."""

    model_config = ConfigDict(frozen=True)

    path: str = Field(description="On the cluster.")
    mount_point: str = Field(description="Where its collector runs.")
    state: MountState
    detail: str = Field(default="", description="Why it is as it is; empty where nothing is wrong.")
    answered_at: AwareDatetime | None = Field(
        default=None, description="When it was last seen to answer; null: not since the start."
    )


class MountReport(BaseModel):
    """The mounts of one cluster."""

    model_config = ConfigDict(frozen=True)

    cluster: ClusterName
    machine: str = Field(description="Where the collector runs, and the mount points are.")
    is_possible: bool = Field(description="Whether anything can be mounted there.")
    obstacle: str = Field(default="", description="Why nothing can; and what mends it.")
    mounts: tuple[Mount, ...] = ()
    observed_at: AwareDatetime


class ClusterMounts(BaseModel):
    """The mounts of one cluster, or why they are not known."""

    model_config = ConfigDict(frozen=True)

    cluster: ClusterName
    report: MountReport | None = None
    problem: ProblemBody | None = None


def mount_names(paths: Sequence[str]) -> Sequence[str]:
    """Give a folder name for each path, readable and no two alike: `lustre-team-ada`."""
    names: list[str] = []
    for path in paths:
        plain = re.sub(r"[^A-Za-z0-9._]+", "-", path).strip("-.")[:100] or "root"
        name, copies = plain, 1
        while name in names:
            copies += 1
            name = f"{plain}-{copies}"
        names.append(name)
    return names
