"""Bodies of commands become values, or a problem that says what they lack."""

from collections.abc import Collection, Generator
from contextlib import contextmanager
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from slurmfleet.contracts.job_codec import UndecodableJobError
from slurmfleet.contracts.problems import ProblemCode, ProblemError

Request = TypeVar("Request", bound=BaseModel)


def request_of(kind: type[Request], body: bytes) -> Request:
    """Read a command's body.

    Raises:
        ProblemError: It is no such request.
    """
    with needs(kind):
        return kind.model_validate_json(body)


def require_login(login: str, only_as: Collection[str]) -> None:
    """Refuse what would be done as a user that the token is not for.

    Args:
        login: As whom slurmfleet logs in there; empty while that is not known.
        only_as: Users that the token is for; empty: everybody.

    Raises:
        ProblemError: FORBIDDEN.
    """
    if only_as and login not in only_as:
        raise ProblemError(
            ProblemCode.FORBIDDEN,
            "The token is not for jobs of the user that slurmfleet logs in as there.",
            remedy=f"It is for jobs of: {', '.join(only_as)}.",
        )


@contextmanager
def needs(kind: type[BaseModel]) -> Generator[None]:
    """Turn what is wrong with a command's body into a problem.

    Raises:
        ProblemError: Something is.
    """
    try:
        yield
    except (ValidationError, UndecodableJobError) as exc:
        raise ProblemError(
            ProblemCode.INVALID_PARAMETER,
            f"That is no such request: {str(exc)[:200]}",
            remedy=f"Send what slurmfleet.contracts describes as {kind.__name__}.",
        ) from exc
