"""Settings that every process shares; the only reader of the environment in this room.

`SLURMFLEET_*` beats everything else. What one service alone needs stands in its own settings.py.
"""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from slurmfleet.telemetry.logs import LogFormat


class SharedSettings(BaseSettings):
    """Where the bus and the store are, and how to log."""

    model_config = SettingsConfigDict(env_prefix="SLURMFLEET_", extra="ignore")

    bus_url: str = Field(default="nats://127.0.0.1:4222", description="NATS server.")
    bus_user: str = Field(default="", description="NATS user; empty: no login.")
    bus_password: SecretStr = Field(default=SecretStr(""), description="NATS password.")
    store_dsn: SecretStr = Field(
        default=SecretStr("postgresql://slurmfleet_reader@127.0.0.1:5432/slurmfleet"),
        description="PostgreSQL, with the role that the process needs.",
    )
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    log_format: LogFormat = LogFormat.AUTO
    health_host: str = Field(default="127.0.0.1", description="Where /livez is served.")
    health_port: int = Field(
        default=0, ge=0, le=65_535, description="Port of /livez, /readyz, /metrics; 0: a free one."
    )
