"""What can be wrong with a request, in one vocabulary for REST, MCP and CLI.

A `ProblemError` says what is wrong and how to mend it. It knows no HTTP status and no exit code:
each face translates the code in its own table.
"""

from enum import StrEnum


class ProblemCode(StrEnum):
    """Stable names that clients may switch on; never renamed, never reused."""

    INVALID_PARAMETER = "invalid_parameter"
    INVALID_CLUSTER_NAME = "invalid_cluster_name"
    INVALID_JOB_ID = "invalid_job_id"
    INVALID_CURSOR = "invalid_cursor"
    UNKNOWN_CLUSTER = "unknown_cluster"
    JOB_NOT_FOUND = "job_not_found"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    CLUSTER_EXISTS = "cluster_exists"
    ALREADY_EXISTS = "already_exists"
    ALREADY_RUNNING = "already_running"
    REVISION_CONFLICT = "revision_conflict"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    CONFIRMATION_NEEDED = "confirmation_needed"
    NOT_POSSIBLE = "not_possible"
    NOT_AVAILABLE_YET = "not_available_yet"
    COLLECTOR_UNREACHABLE = "collector_unreachable"
    PROJECTOR_UNREACHABLE = "projector_unreachable"
    CLUSTER_UNREACHABLE = "cluster_unreachable"
    CLUSTER_BUSY = "cluster_busy"
    FILE_NOT_FOUND = "file_not_found"
    FILE_NOT_READABLE = "file_not_readable"
    FILES_TOO_SLOW = "files_too_slow"
    PATH_NOT_ALLOWED = "path_not_allowed"
    SSH_AUTH_DENIED = "ssh_auth_denied"
    SSH_NO_MASTER = "ssh_no_master"
    HOST_KEY_UNKNOWN = "host_key_unknown"
    HOST_KEY_CHANGED = "host_key_changed"
    ISSUER_UNAVAILABLE = "issuer_unavailable"
    STORE_UNAVAILABLE = "store_unavailable"
    BUS_UNAVAILABLE = "bus_unavailable"
    INTERNAL = "internal"


class ProblemError(Exception):
    """A request cannot be served; says why and what mends it."""

    def __init__(
        self,
        code: ProblemCode,
        detail: str,
        *,
        remedy: str = "",
        retry_after_s: int | None = None,
    ) -> None:
        """Keep the code, what is wrong, what to do about it, and when it may be over if known."""
        super().__init__(f"{detail} {remedy}".strip())
        self.code = code
        self.detail = detail
        self.remedy = remedy
        self.retry_after_s = retry_after_s


class StaleRevisionError(ProblemError):
    """A change was based on a revision that is not the current one."""

    def __init__(self, what: str, *, given: int | None, current: int | None) -> None:
        """Say both revisions.

        Args:
            what: As a sentence begins with it: "Project 'atlas'".
            given: The revision that the change was based on; None: that there is none.
            current: The one there is; None: it was removed.
        """
        now = "was removed" if current is None else f"is at revision {current} now"
        based = "its absence" if given is None else f"revision {given}"
        super().__init__(
            ProblemCode.REVISION_CONFLICT,
            f"{what} was changed by someone else meanwhile: it {now}, and the change was based on "
            f"{based}.",
            remedy="Read it again and repeat the change on what it is now.",
        )
        self.given = given
        self.current = current
