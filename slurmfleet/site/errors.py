"""What can go wrong on the way to a site's HTTP service.

SiteError
├── SiteUnreachableError      nobody answers there: refused, no route, no such name, broken off
├── SiteTimeoutError          it overran its budget
├── SiteTlsError              it could not prove who it is; nothing was asked
├── SiteConfigError           its address, its certificates or its secret make no sense
├── SiteDeniedError           it knows us not, or does not let us see that
├── SiteRedirectError         it sends us elsewhere; we do not follow
├── SiteBusyError             it has no time for us now: 429, 502, 503, 504
├── SiteRefusedError          it does not do what was asked: another status
├── SiteAnswerTooLargeError   it wrote more than it was allowed to; nothing is kept
└── SiteAnswerError           it answered something else than what it should

`retryable` says whether the same call may succeed later without anybody doing anything.
"""

from dataclasses import dataclass
from typing import ClassVar

WORDS_LIMIT = 300
"""Characters of a service's own words that an error carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceId:
    """Which service of which cluster, for messages; no secret is in it."""

    cluster: str
    name: str
    """What it is: `opensearch`, `prometheus`."""

    origin: str
    """Scheme, host and port."""

    def __str__(self) -> str:
        """Give it in a line."""
        return f"{self.name} of {self.cluster} at {self.origin}"


class SiteError(Exception):
    """Base of everything that this room raises."""

    retryable: ClassVar[bool] = False

    def __init__(self, service: ServiceId, problem: str, *, remedy: str) -> None:
        """Keep where it happened, what happened and what mends it."""
        super().__init__(f"{service}: {problem}. {remedy}")
        self.service = service
        self.problem = problem
        self.remedy = remedy


class SiteUnreachableError(SiteError):
    """Nobody answers there: refused, no route, no such name, or the connection broke."""

    retryable = True

    def __init__(self, service: ServiceId, detail: str) -> None:
        """Keep what the network said."""
        super().__init__(
            service,
            f"cannot be reached: {detail}",
            remedy="Check its URL and whether this machine may reach it; it is tried again.",
        )
        self.detail = detail


class SiteTimeoutError(SiteError):
    """It overran its budget."""

    retryable = True

    def __init__(self, service: ServiceId, *, limit_s: float) -> None:
        """Keep for how long it was waited."""
        super().__init__(
            service,
            f"did not answer within {limit_s:g} s",
            remedy="It may be overloaded; it is tried again.",
        )
        self.limit_s = limit_s


class SiteTlsError(SiteError):
    """It could not prove who it is; nothing was asked."""

    def __init__(self, service: ServiceId, detail: str) -> None:
        """Keep why its certificate does not hold."""
        super().__init__(
            service,
            f"its certificate does not hold: {detail}",
            remedy="Name the site's certificate authority in `ca_file`; it is always verified.",
        )
        self.detail = detail


class SiteConfigError(SiteError):
    """Its address, its certificates or its secret make no sense."""

    def __init__(self, service: ServiceId, detail: str) -> None:
        """Keep what is wrong; never the secret."""
        super().__init__(
            service,
            f"cannot be asked: {detail}",
            remedy=f"Mend `{service.name}` in the configuration of {service.cluster}.",
        )
        self.detail = detail


class SiteDeniedError(SiteError):
    """It knows us not, or does not let us see that."""

    def __init__(self, service: ServiceId, *, status: int, words: str) -> None:
        """Keep its status and its words."""
        super().__init__(
            service,
            f"denied us ({status}{_said(words)})",
            remedy="Check the token or password that the configuration names.",
        )
        self.status = status
        self.words = words


class SiteRedirectError(SiteError):
    """It sends us elsewhere; a token must not follow, so we do not."""

    def __init__(self, service: ServiceId, *, status: int, target: str) -> None:
        """Keep where it wanted to send us, without query."""
        super().__init__(
            service,
            f"redirects ({status}) to {target or 'nowhere'}",
            remedy="Configure the URL it redirects to, if that is the service and no login page.",
        )
        self.status = status
        self.target = target


class SiteBusyError(SiteError):
    """It has no time for us now."""

    retryable = True

    def __init__(
        self, service: ServiceId, *, status: int, words: str, retry_after_s: float | None
    ) -> None:
        """Keep its status and words, and when it wants to be asked again if it says so."""
        super().__init__(
            service,
            f"is busy or down ({status}{_said(words)})",
            remedy="It is tried again.",
        )
        self.status = status
        self.words = words
        self.retry_after_s = retry_after_s


class SiteRefusedError(SiteError):
    """It does not do what was asked."""

    def __init__(self, service: ServiceId, *, status: int, words: str) -> None:
        """Keep its status and its words."""
        super().__init__(
            service,
            f"refused ({status}{_said(words)})",
            remedy="Check the URL, and the names of indices, metrics and fields.",
        )
        self.status = status
        self.words = words


class SiteAnswerTooLargeError(SiteError):
    """It wrote more than it was allowed to; nothing is kept."""

    def __init__(self, service: ServiceId, *, limit_bytes: int) -> None:
        """Keep the limit."""
        super().__init__(
            service,
            f"answered more than {limit_bytes} bytes",
            remedy="Ask it for less: a shorter time, fewer names.",
        )
        self.limit_bytes = limit_bytes


class SiteAnswerError(SiteError):
    """It answered something else than what it should, as a login page does."""

    def __init__(self, service: ServiceId, problem: str, *, words: str = "") -> None:
        """Keep what is wrong and how the answer begins."""
        super().__init__(
            service,
            f"its answer makes no sense: {problem}{_said(words)}",
            remedy="Check that the URL is the service's own and no login page or proxy.",
        )
        self.words = words


def _said(words: str) -> str:
    return f": {words[:WORDS_LIMIT]}" if words else ""
