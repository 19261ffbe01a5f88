"""Settings of the command line; the only reader of the environment in this room."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from slurmfleet.runtime.places import default_data_dir


class CliSettings(BaseSettings):
    """Where the stack keeps its data and where its doors are."""

    model_config = SettingsConfigDict(env_prefix="SLURMFLEET_", extra="ignore")

    data_dir: Path = Field(
        default_factory=default_data_dir, description="Where the embedded stack keeps everything."
    )
    url: str = Field(default="", description="Base URL of the API, for clients.")
    api_host: str = Field(default="127.0.0.1", description="Address of API and web pages.")
    mcp_host: str = Field(default="127.0.0.1", description="Address of the MCP server.")
    api_port: int = Field(default=7272, ge=1, le=65_535, description="Port of API and web pages.")
    mcp_port: int = Field(default=7273, ge=1, le=65_535, description="Port of the MCP server.")
    api_token: SecretStr = Field(
        default=SecretStr(""), description="Token that the API demands; empty: loopback only."
    )
    mcp_token: SecretStr = Field(
        default=SecretStr(""), description="Token that MCP demands; empty: loopback only."
    )
    store_dsn: SecretStr = Field(
        default=SecretStr(""), description="Database for `db migrate` and `mcp` without a stack."
    )
    backup_every_h: float = Field(
        default=24, ge=0, le=8_760, description="Hours between two backups by the stack; 0: none."
    )
    backup_keep: int = Field(
        default=7, ge=1, le=10_000, description="How many backups stay, the newest ones."
    )
    backup_dir: Path | None = Field(
        default=None, description="Where backups lie; default: backups/ in the data directory."
    )
    config_file: Path = Field(
        default=Path("slurmfleet.toml"),
        description="Configuration to begin with; read by `up` where it exists.",
    )


def inherited_environment() -> Mapping[str, str]:
    """Give this process's environment, for children that need a PATH, a HOME and an agent."""
    return dict(os.environ)


class RolePasswords(BaseSettings):
    """Passwords that `db migrate` gives to the database's roles; empty ones are left alone."""

    model_config = SettingsConfigDict(env_prefix="SLURMFLEET_", extra="ignore")

    writer_password: SecretStr = Field(
        default=SecretStr(""), description="Of slurmfleet_writer, the projector."
    )
    reader_password: SecretStr = Field(
        default=SecretStr(""), description="Of slurmfleet_reader, API and MCP."
    )
    grafana_password: SecretStr = Field(
        default=SecretStr(""), description="Of slurmfleet_grafana, views only."
    )
    kernels_password: SecretStr = Field(
        default=SecretStr(""), description="Of slurmfleet_kernels, the broker of sessions."
    )
    logbook_password: SecretStr = Field(
        default=SecretStr(""), description="Of slurmfleet_logbook, the logbook."
    )
