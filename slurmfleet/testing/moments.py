"""A moment from which tests count."""

from datetime import UTC, datetime

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
