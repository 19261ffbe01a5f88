"""What may be asked of a cluster's collector over the bus, and what it answers.

Bodies are JSON: commands are few, and a person may send one with the `nats` tool.
"""

from enum import StrEnum
from typing import Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from slurmfleet.contracts.problems import ProblemCode, ProblemError

Result = TypeVar("Result", bound=BaseModel)


class Verb(StrEnum):
    """Commands that every collector serves; the last token of their subject."""

    TEST_CONNECTION = "test_connection"
    """Connect afresh, step by step; lets go of a latched denial first."""
    SCAN_HOST_KEYS = "scan_host_keys"
    """Read the login node's host keys without logging in."""
    REFRESH = "refresh"
    """Look at the cluster now; several callers at once share one look."""


class Step(BaseModel):
    """One step of a connection test."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="What was tried: resolve, host key, login, slurm, clock.")
    ok: bool
    detail: str = ""
    remedy: str = Field(default="", description="What mends it; empty where nothing is wrong.")


class ConnectionReport(BaseModel):
    """What a connection test found."""

    model_config = ConfigDict(frozen=True)

    ok: bool
    steps: tuple[Step, ...]
    login_user: str = ""
    slurm_version: str = ""
    duration_s: float = 0.0
    clock_offset_s: float | None = Field(
        default=None, description="The login node's clock minus ours, in seconds."
    )


class HostKey(BaseModel):
    """One public host key."""

    model_config = ConfigDict(frozen=True)

    line: str = Field(description="As in a known_hosts file.")
    fingerprint: str = Field(description="SHA256:…, as ssh-keygen -l shows it.")
    algorithm: str = ""
    trusted: bool = Field(default=False, description="Whether it is already recorded.")


class HostKeyReport(BaseModel):
    """The host keys that a login node shows."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int
    keys: tuple[HostKey, ...]
    changed: bool = Field(
        default=False,
        description="Keys are recorded for this host and none of these is among them.",
    )


class RefreshReport(BaseModel):
    """A look that was made on request."""

    model_config = ConfigDict(frozen=True)

    ok: bool
    started_at: AwareDatetime
    finished_at: AwareDatetime
    error: str = ""


class ProblemBody(BaseModel):
    """A problem as it travels over the bus."""

    model_config = ConfigDict(frozen=True)

    code: ProblemCode
    detail: str
    remedy: str = ""


class Reply(BaseModel, Generic[Result]):
    """A result or a problem, never both."""

    model_config = ConfigDict(frozen=True)

    result: Result | None = None
    problem: ProblemBody | None = None

    def unwrap(self) -> Result:
        """Give the result.

        Raises:
            ProblemError: The collector answered with a problem.
        """
        if self.result is not None:
            return self.result
        problem = self.problem or ProblemBody(
            code=ProblemCode.INTERNAL, detail="The collector sent an empty answer."
        )
        raise ProblemError(problem.code, problem.detail, remedy=problem.remedy)


def problem_body(error: ProblemError) -> ProblemBody:
    """Give a problem in the form in which it travels."""
    return ProblemBody(code=error.code, detail=error.detail, remedy=error.remedy)
