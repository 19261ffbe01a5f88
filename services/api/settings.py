"""Settings of the REST gateway; the only reader of the environment in this room."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ApiSettings(BaseSettings):
    """Where to listen, who may come in, and how long to wait."""

    model_config = SettingsConfigDict(env_prefix="SLURMFLEET_API_", extra="ignore")

    host: str = Field(default="127.0.0.1", description="Address of REST, SSE and web.")
    port: int = Field(default=7272, ge=0, le=65_535, description="Port of REST; 0: a free one.")
    token: SecretStr = Field(
        default=SecretStr(""), description="Bearer token; needed on any address but loopback."
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description='Host names served besides loopback, as JSON: ["deck.example"].'
    )
    max_streams: int = Field(
        default=200, ge=1, le=10_000, description="Clients that may follow events at once."
    )
    max_store_connections: int = Field(
        default=8, ge=1, le=100, description="Connections to PostgreSQL."
    )
    store_wait_s: float = Field(
        default=1.5, gt=0, le=30, description="The store counts as down after this."
    )
    statement_timeout_s: float = Field(
        default=5.0, gt=0, le=60, description="PostgreSQL gives up a question after this."
    )
    command_limit_s: float = Field(
        default=40.0, gt=0, le=300, description="How long a collector may take for a command."
    )
    settle_limit_s: float = Field(
        default=2.0,
        ge=0,
        le=30,
        description="How long a change of a cluster waits until readers see it.",
    )
