"""Bodies of commands become values, or a problem that says what they lack."""

from collections.abc import Generator
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
