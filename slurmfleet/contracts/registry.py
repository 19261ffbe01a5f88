"""Registry documents: what the group configures, as JSON in one key-value bucket.

Secrets are never in the registry: a cluster names its key files, and its host keys are public.
"""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from slurmfleet.contracts.ids import ClusterName, cluster_name

CLUSTER_KEY_PREFIX = "cluster."

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,251}[A-Za-z0-9])?")
_LOGIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.@-]{0,63}")
_JUMP = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_.-]{0,63}@)?[A-Za-z0-9][A-Za-z0-9._-]*(?::[0-9]{1,5})?")
_ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,127}")

Line = Annotated[str, StringConstraints(max_length=8_192, pattern=r"^[^\x00-\x1f]*$")]
"""One line of text without control characters."""


class Transport(StrEnum):
    """How a cluster is reached."""

    ASYNCSSH = "asyncssh"
    MASTER = "master"
    LOCAL = "local"


class ClusterConfig(BaseModel):
    """How one cluster is reached and whose jobs on it are followed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClusterName
    host: Line = Field(description="Login node: a name or an address.")
    port: int = Field(default=22, ge=1, le=65_535)
    user: Line = Field(default="", description="Login name; empty: the local user's.")
    key_files: tuple[Line, ...] = Field(
        default=(), description="Private key files; empty: the agent and the usual files in ~/.ssh."
    )
    jump: Line = Field(default="", description="[user@]host[:port] to go through.")
    transport: Transport = Transport.ASYNCSSH
    host_keys: tuple[Line, ...] = Field(
        default=(),
        description="Trusted keys as known_hosts lines; written by `slurmfleet hosts trust`.",
    )
    track_users: tuple[Line, ...] = Field(
        default=(), description="Users whose jobs are followed; empty: the login user."
    )
    track_accounts: tuple[Line, ...] = ()
    poll_interval_s: float = Field(default=30, ge=0.2, le=3_600)
    hot_interval_s: float = Field(
        default=10, ge=0.2, le=3_600, description="Pace while a tracked job is starting or ending."
    )
    account: Line = Field(default="", description="Default account for submissions.")
    gpu_type: Line = ""
    gpus_per_node: int = Field(default=0, ge=0, le=1_024)
    mount_paths: tuple[Line, ...] = ()
    simulated: bool = Field(default=False, description="Made by slurmfleet itself as a demo.")

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> ClusterName:
        return cluster_name(value)

    @field_validator("host")
    @classmethod
    def _host(cls, value: str) -> str:
        return _matching(_HOST, value, "a host name or address")

    @field_validator("user")
    @classmethod
    def _user(cls, value: str) -> str:
        return value and _matching(_LOGIN, value, "a login name")

    @field_validator("jump")
    @classmethod
    def _jump(cls, value: str) -> str:
        return value and _matching(_JUMP, value, "[user@]host[:port]")

    @field_validator("track_users")
    @classmethod
    def _users(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_matching(_LOGIN, one, "a login name") for one in value)

    @field_validator("track_accounts")
    @classmethod
    def _accounts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_matching(_ACCOUNT, one, "a Slurm account") for one in value)


def cluster_key(name: ClusterName) -> str:
    """Give the registry key of a cluster."""
    return f"{CLUSTER_KEY_PREFIX}{name}"


def _matching(pattern: re.Pattern[str], value: str, what: str) -> str:
    if not pattern.fullmatch(value):
        raise ValueError(f"{value[:64]!r} is not {what}")
    return value
