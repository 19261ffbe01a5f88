"""Bodies of requests and answers that are no rows of the store."""

from pydantic import BaseModel, ConfigDict, Field

from slurmfleet.contracts.registry import (
    ClusterConfig,
    Line,
    OpenSearchSource,
    PrometheusConfig,
    SamplingConfig,
    Transport,
)
from slurmfleet.contracts.sample import Topic


class ClusterPatch(BaseModel):
    """New values for fields of a cluster; what is absent stays."""

    model_config = ConfigDict(extra="forbid")

    expected_revision: int | None = Field(
        default=None, ge=1, description="Refuse if the cluster has another `registry_revision`."
    )
    host: Line | None = None
    port: int | None = None
    user: Line | None = None
    key_files: tuple[Line, ...] | None = None
    jump: Line | None = None
    transport: Transport | None = None
    control_path: Line | None = None
    track_users: tuple[Line, ...] | None = None
    track_accounts: tuple[Line, ...] | None = None
    poll_interval_s: float | None = None
    hot_interval_s: float | None = None
    rpcs_per_minute: float | None = None
    survey_interval_s: dict[Topic, float] | None = Field(
        default=None, description="Replaced as a whole."
    )
    account: Line | None = None
    gpu_type: Line | None = None
    gpus_per_node: int | None = None
    mount_paths: tuple[Line, ...] | None = None
    allow_scripts: bool | None = None
    data_host: Line | None = None
    data_port: int | None = None
    opensearch: OpenSearchSource | None = Field(default=None, description="Replaced as a whole.")
    prometheus: PrometheusConfig | None = Field(default=None, description="Replaced as a whole.")
    sampling: SamplingConfig | None = Field(default=None, description="Replaced as a whole.")
    simulated: bool | None = None

    def changes(self) -> dict[str, object]:
        """Give the fields that were sent, by name."""
        return self.model_dump(exclude_unset=True, exclude={"expected_revision"})


class ClusterChanged(BaseModel):
    """A cluster as it is configured now."""

    config: ClusterConfig
    registry_revision: int
    visible: bool = Field(
        description="Whether readers see it already; if not, they will when the projector runs."
    )


class TrustKeys(BaseModel):
    """Which of the login node's host keys are the right ones."""

    model_config = ConfigDict(extra="forbid")

    fingerprints: tuple[Line, ...] = Field(
        min_length=1,
        max_length=20,
        examples=[["SHA256:uNiVztksCsDhcc0u9e8BrrQXVUpKZIDTMczCvj3tD2s"]],
    )
