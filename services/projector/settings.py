"""Settings of the projector; the only reader of the environment in this room."""

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_LEAST_SAMPLES_DAYS = 7


class ProjectorSettings(BaseSettings):
    """How much is written at once, and how long to wait."""

    model_config = SettingsConfigDict(env_prefix="SLURMFLEET_PROJECTOR_", extra="ignore")

    batch_messages: int = Field(
        default=200, ge=1, le=2_000, description="Messages taken from the bus at once."
    )
    batch_facts: int = Field(
        default=20_000, ge=1, le=200_000, description="Facts written in one transaction."
    )
    fetch_wait_s: float = Field(
        default=5.0, gt=0, le=60, description="How long one request to the bus waits for messages."
    )
    statement_timeout_s: float = Field(
        default=15.0, gt=0, le=50, description="PostgreSQL gives up a batch after this."
    )
    scrub_every_s: float = Field(
        default=21_600.0, ge=5, description="Between two readings of the whole stream for damage."
    )
    keep_polls_days: float = Field(
        default=30.0, gt=0, description="How long the record of each look at a cluster is kept."
    )
    keep_gpu_samples_days: float = Field(
        default=30.0, description="How long GPU samples are kept; at least 7, 0 is for ever."
    )
    keep_load_samples_days: float = Field(
        default=30.0,
        description="How long CPU and memory samples of jobs are kept; at least 7, 0 is for ever.",
    )
    keep_cluster_samples_days: float = Field(
        default=90.0,
        ge=0,
        description="How long partitions, shares, QOS, quotas and occupancy are kept; 0: ever.",
    )
    keep_usage_days: float = Field(
        default=0.0, ge=0, description="How long use by account is kept; 0 is for ever."
    )
    keep_surveys_days: float = Field(
        default=30.0, ge=0, description="How long the record of each survey is kept; 0 is for ever."
    )
    keep_job_events_days: float = Field(
        default=0.0, ge=0, description="How long what happened to jobs is kept; 0 is for ever."
    )
    keep_jobs_days: float = Field(
        default=0.0,
        ge=0,
        description="How long jobs that are over and their use are kept; 0 is for ever.",
    )

    @field_validator("keep_gpu_samples_days", "keep_load_samples_days")
    @classmethod
    def _long_enough(cls, days: float) -> float:
        """Five-minute means are refreshed three days back: their samples must be there."""
        if days == 0 or days >= _LEAST_SAMPLES_DAYS:
            return days
        raise ValueError(f"must be 0, for ever, or at least {_LEAST_SAMPLES_DAYS} days")
