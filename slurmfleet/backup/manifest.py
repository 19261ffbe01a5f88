"""What a backup says of itself: `manifest.json` in the archive."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

FORMAT = 1
"""Grows when an older slurmfleet could not read the file any more."""

MANIFEST = "manifest.json"
REGISTRY = "registry.json"


class Kept(BaseModel):
    """One part of the archive."""

    model_config = ConfigDict(frozen=True)

    member: str = Field(description="Its name in the archive.")
    size_bytes: int = Field(ge=0, description="Before compression.")
    sha256: str


class KeptTable(Kept):
    """The rows of one table, in PostgreSQL's text format of COPY."""

    name: str
    columns: tuple[str, ...] = Field(description="In the order of the rows.")
    rows: int = Field(ge=0)


class KeptRegistry(Kept):
    """The registry's keys and values."""

    bucket: str
    keys: int = Field(ge=0)
    revision: int = Field(ge=0, description="The newest revision of any key.")


class Manifest(BaseModel):
    """The whole archive."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    slurmfleet_version: str
    taken_at: datetime
    edition: str = Field(description="Of the database; any other can take it back.")
    migrations: dict[int, str] = Field(description="Checksums of the schema's migrations.")
    sequences: dict[str, int] = Field(description="Last numbers given.")
    tables: tuple[KeptTable, ...] = Field(description="In an order in which they can be filled.")
    registry: KeptRegistry
    waiting_messages: int = Field(
        ge=0, description="Messages of the stream that were not yet in the tables."
    )

    @property
    def schema_version(self) -> int:
        """Give the number of the newest migration; 0 without any."""
        return max(self.migrations, default=0)

    @property
    def rows(self) -> int:
        """Give the rows of all tables."""
        return sum(table.rows for table in self.tables)


class KeptKey(BaseModel):
    """One key of the registry; the value as base64, since it need not be text."""

    model_config = ConfigDict(frozen=True)

    key: str
    value: str
    revision: int
    written_at: datetime


class KeptKeys(BaseModel):
    """`registry.json`."""

    model_config = ConfigDict(frozen=True)

    keys: tuple[KeptKey, ...]
