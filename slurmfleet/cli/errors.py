"""What a command can end with, and the exit codes that scripts may rely on.

CliError
├── UnreachableError       nothing answers at the address of the API
├── AnsweredError          the API answered with a problem document
├── NotAvailableYetError   a promised command that this version does not have
├── RefusedError           the person or the stack said no
├── NotFoundError          no such thing
└── FailedError            it was tried and did not work
"""

from enum import IntEnum

from slurmfleet.contracts.problems import ProblemCode


class ExitCode(IntEnum):
    """The promise to scripts."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    UNREACHABLE = 4
    REFUSED = 5


class CliError(Exception):
    """A command ends here; says why and what mends it."""

    exit_code = ExitCode.FAILED

    def __init__(
        self, detail: str, *, remedy: str = "", code: ProblemCode = ProblemCode.INTERNAL
    ) -> None:
        """Keep what is wrong, what mends it, and its stable name."""
        super().__init__(f"{detail} {remedy}".strip())
        self.detail = detail
        self.remedy = remedy
        self.code: str = code


class UnreachableError(CliError):
    """Nothing answers at the address of the API."""

    exit_code = ExitCode.UNREACHABLE


class NotAvailableYetError(CliError):
    """A command that is promised and not built yet."""

    exit_code = ExitCode.REFUSED

    def __init__(self, what: str) -> None:
        """Name what is missing."""
        super().__init__(
            f"{what} is not available yet.",
            remedy="`slurmfleet --help` lists what is.",
            code=ProblemCode.NOT_AVAILABLE_YET,
        )


class RefusedError(CliError):
    """The person or the stack said no."""

    exit_code = ExitCode.REFUSED


class NotFoundError(CliError):
    """There is no such thing."""

    exit_code = ExitCode.NOT_FOUND


class FailedError(CliError):
    """It was tried and did not work."""


class AnsweredError(CliError):
    """The API answered with a problem document."""

    def __init__(self, detail: str, *, code: str, remedy: str = "", status: int = 0) -> None:
        """Keep the document's own words; `status` decides where the code is a new one."""
        super().__init__(detail, remedy=remedy)
        self.code = code
        self.exit_code = exit_code_of(code, status)


_EXIT_CODES = {
    ProblemCode.INVALID_PARAMETER: ExitCode.USAGE,
    ProblemCode.INVALID_CLUSTER_NAME: ExitCode.USAGE,
    ProblemCode.INVALID_JOB_ID: ExitCode.USAGE,
    ProblemCode.INVALID_CURSOR: ExitCode.USAGE,
    ProblemCode.UNKNOWN_CLUSTER: ExitCode.NOT_FOUND,
    ProblemCode.JOB_NOT_FOUND: ExitCode.NOT_FOUND,
    ProblemCode.NOT_FOUND: ExitCode.NOT_FOUND,
    ProblemCode.METHOD_NOT_ALLOWED: ExitCode.USAGE,
    ProblemCode.CLUSTER_EXISTS: ExitCode.REFUSED,
    ProblemCode.ALREADY_EXISTS: ExitCode.REFUSED,
    ProblemCode.ALREADY_RUNNING: ExitCode.REFUSED,
    ProblemCode.REVISION_CONFLICT: ExitCode.REFUSED,
    ProblemCode.UNAUTHENTICATED: ExitCode.REFUSED,
    ProblemCode.FORBIDDEN: ExitCode.REFUSED,
    ProblemCode.RATE_LIMITED: ExitCode.REFUSED,
    ProblemCode.CONFIRMATION_NEEDED: ExitCode.REFUSED,
    ProblemCode.NOT_POSSIBLE: ExitCode.REFUSED,
    ProblemCode.NOT_AVAILABLE_YET: ExitCode.REFUSED,
    ProblemCode.COLLECTOR_UNREACHABLE: ExitCode.UNREACHABLE,
    ProblemCode.PROJECTOR_UNREACHABLE: ExitCode.UNREACHABLE,
    ProblemCode.ISSUER_UNAVAILABLE: ExitCode.UNREACHABLE,
    ProblemCode.CLUSTER_UNREACHABLE: ExitCode.UNREACHABLE,
    ProblemCode.CLUSTER_BUSY: ExitCode.UNREACHABLE,
    ProblemCode.FILE_NOT_FOUND: ExitCode.NOT_FOUND,
    ProblemCode.FILE_NOT_READABLE: ExitCode.REFUSED,
    ProblemCode.FILES_TOO_SLOW: ExitCode.UNREACHABLE,
    ProblemCode.PATH_NOT_ALLOWED: ExitCode.REFUSED,
    ProblemCode.SSH_AUTH_DENIED: ExitCode.REFUSED,
    ProblemCode.SSH_NO_MASTER: ExitCode.REFUSED,
    ProblemCode.HOST_KEY_UNKNOWN: ExitCode.REFUSED,
    ProblemCode.HOST_KEY_CHANGED: ExitCode.REFUSED,
    ProblemCode.STORE_UNAVAILABLE: ExitCode.UNREACHABLE,
    ProblemCode.BUS_UNAVAILABLE: ExitCode.UNREACHABLE,
    ProblemCode.INTERNAL: ExitCode.FAILED,
}
_EXIT_CODES_OF_STATUS = {
    400: ExitCode.USAGE,
    401: ExitCode.REFUSED,
    403: ExitCode.REFUSED,
    404: ExitCode.NOT_FOUND,
    409: ExitCode.REFUSED,
    422: ExitCode.USAGE,
    502: ExitCode.UNREACHABLE,
    503: ExitCode.UNREACHABLE,
    504: ExitCode.UNREACHABLE,
}


def exit_code_of(code: str, status: int = 0) -> ExitCode:
    """Give the exit code of a problem; an unknown code is judged by its HTTP status."""
    for known, exit_code in _EXIT_CODES.items():
        if known == code:
            return exit_code
    return _EXIT_CODES_OF_STATUS.get(status, ExitCode.FAILED)
