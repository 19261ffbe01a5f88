"""Settings of the MCP server; the only reader of the environment in this room."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class McpSettings(BaseSettings):
    """Where to listen, who may come in, and how long to wait."""

    model_config = SettingsConfigDict(env_prefix="SLURMFLEET_MCP_", extra="ignore")

    host: str = Field(default="127.0.0.1", description="Address of the MCP server.")
    port: int = Field(default=7273, ge=0, le=65_535, description="Port of MCP; 0: a free one.")
    token: SecretStr = Field(
        default=SecretStr(""), description="Bearer token; needed on any address but loopback."
    )
    agent_token: SecretStr = Field(
        default=SecretStr(""),
        description="Token of the group under which a server over standard input acts.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description='Host names served besides loopback, as JSON: ["deck.example"].'
    )
    oauth_issuer: str = Field(
        default="",
        pattern="^(https?://.*)?$",
        description="URL of an outside issuer whose tokens count; empty: none.",
    )
    oauth_resource: str = Field(
        default="",
        pattern="^(https?://.*)?$",
        description="URL of this server as clients reach it: the audience of those tokens.",
    )
    oauth_jwks_url: str = Field(
        default="",
        pattern="^(https?://.*)?$",
        description="Where the issuer's keys are; empty: where its metadata say.",
    )
    oauth_name_claim: str = Field(
        default="preferred_username", description="What people are called in the audit."
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
