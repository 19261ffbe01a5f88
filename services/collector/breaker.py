"""Whether something that failed may be asked again; pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Closed while all is well; after a failure open for a while, each time longer."""

    first_s: float
    """Wait after the first failure; doubled after each more."""

    most_s: float
    failures: int = 0
    """In a row."""

    failing_since: datetime | None = None
    due_at: datetime | None = None
    """When it may be asked again; None: now."""

    error: str = ""
    """Of the newest failure; empty while all is well."""

    @property
    def is_open(self) -> bool:
        """Whether the newest asking failed."""
        return self.failures > 0

    def may_ask(self, now: datetime) -> bool:
        """Whether it may be asked now."""
        return self.wait_s(now) <= 0

    def wait_s(self, now: datetime) -> float:
        """Give the seconds until it may be asked; none where the clock was set back since."""
        wait_s = 0.0 if self.due_at is None else (self.due_at - now).total_seconds()
        return max(0.0, wait_s) if wait_s <= self.most_s else 0.0

    def after_success(self) -> "Breaker":
        """Give the breaker after an asking that went well."""
        return Breaker(first_s=self.first_s, most_s=self.most_s)

    def after_failure(self, now: datetime, error: str) -> "Breaker":
        """Give the breaker after an asking that failed."""
        wait_s = min(self.most_s, self.first_s * 2 ** min(self.failures, 16))
        return replace(
            self,
            failures=self.failures + 1,
            failing_since=self.failing_since or now,
            due_at=now + timedelta(seconds=wait_s),
            error=error,
        )
