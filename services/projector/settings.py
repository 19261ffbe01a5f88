"""Settings of the projector; the only reader of the environment in this room."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


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
