"""What the collector can be told by its environment; the only reader of it in this room."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from slurmfleet.runtime.places import default_data_dir

_OURS = "SLURMFLEET_"


class CollectorSettings(BaseSettings):
    """Settings of `python -m services.collector`."""

    model_config = SettingsConfigDict(env_prefix="SLURMFLEET_COLLECTOR_", extra="ignore")

    state_dir: Path = Field(
        default_factory=lambda: default_data_dir() / "collector",
        description="One SQLite file per cluster: what is remembered and what is not yet sent.",
    )
    mount_dir: Path = Field(
        default_factory=lambda: default_data_dir() / "mounts",
        description="Below it the folders of clusters are mounted, on request.",
    )
    known_hosts: tuple[Path, ...] = Field(
        default=(Path("~/.ssh/known_hosts"),),
        description="Trusted for hosts of which the registry has no key; JSON list.",
    )
    ssh_config: tuple[Path, ...] = Field(
        default=(Path("~/.ssh/config"),),
        description="OpenSSH client configuration for aliases; JSON list.",
    )
    connect_limit_s: float = Field(default=15, gt=0, description="For one SSH connection.")
    look_limit_s: float = Field(default=90, gt=0, description="For one look at a cluster.")
    section_limit_s: float = Field(
        default=30, gt=0, description="For one Slurm command on the login node."
    )
    accounting_limit_s: float = Field(
        default=30, gt=0, description="For one sacct command; it may hang while all else is well."
    )
    accounting_retry_s: float = Field(
        default=30, gt=0, description="Before accounting is asked again after its first failure."
    )
    accounting_retry_most_s: float = Field(
        default=600, gt=0, description="The longest such wait; it doubles with each failure."
    )
    backfill_hours: float = Field(
        default=24, ge=0, description="How far back ended jobs are asked of accounting at first."
    )
    backfill_most_days: float = Field(
        default=30, gt=0, description="How far back they are asked after a long absence."
    )
    roll_interval_s: float = Field(
        default=600,
        ge=5,
        description="Between two roll calls, by which the projector mends what it missed.",
    )
    lease: bool = Field(
        default=True,
        description="Watch a cluster only while holding its lease; needed where replicas run.",
    )
    replica: str = Field(
        default="", description="This replica's name in leases; empty: host name and process id."
    )


def environment_of_others() -> Mapping[str, str]:
    """Give the environment without what is ours: no command of a cluster needs to see it.

    A job that is submitted takes its environment along, secrets of the stack included.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
