"""The parts of a composite command, and how one of them went."""

from dataclasses import dataclass
from enum import StrEnum


class SectionName(StrEnum):
    """One part of a composite command; each succeeds or fails by itself."""

    QUEUE = "queue"
    """Everybody's jobs, for counts."""
    DETAIL = "detail"
    """The tracked users' jobs, in full."""
    DETAIL_ACCOUNTS = "detail_accounts"
    """The tracked accounts' jobs, in full."""
    ACCOUNTING = "accounting"
    """What left the queue."""
    NODES = "nodes"
    PARTITIONS = "partitions"
    RESERVATIONS = "reservations"
    SHARES = "shares"
    CONFIG = "config"
    """The controller's settings."""
    ASSOCIATIONS = "associations"
    """Of accounts."""
    USER_ASSOCIATIONS = "user_associations"
    QOS = "qos"
    USAGE = "usage"
    GRANTS = "grants"
    """What accounts are granted, by the site's own count."""
    USER_GRANTS = "user_grants"
    OCCUPANCY = "occupancy"
    QUOTA = "quota"
    STEPS = "steps"
    """Use of running steps (sstat)."""
    SIDECAR = "sidecar"
    """What samplers inside jobs have written."""
    PROMETHEUS = "prometheus"
    """Series of the site's own Prometheus."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionOutcome:
    """How one section of a tick went."""

    name: SectionName
    ok: bool
    exit_status: int | None
    """None when the section never reported an end."""

    error: str = ""
    """Slurm's own words, at most 500 characters."""

    rows: int = 0
    bad_rows: int = 0
    """Lines that could not be understood; they cost only themselves."""
