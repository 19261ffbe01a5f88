"""Running a script on a cluster: what is asked of its collector, and what it answers."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

MOST_SCRIPT_BYTES = 256 * 1_024
MOST_ARGUMENTS = 100
LONGEST_LIMIT_S = 300
DEFAULT_LIMIT_S = 120

MOST_SHOWN_BYTES = 64 * 1_024
"""Of each output in an answer: both fit one message of the bus if every byte has to be escaped."""

MOST_WRITTEN_BYTES = 8 * 2**20
"""A script that writes more to one of its outputs is ended: SIGPIPE, as a pager does it."""


class Interpreter(StrEnum):
    """What reads a script."""

    PYTHON3 = "python3"
    PYTHON = "python"
    BASH = "bash"
    SH = "sh"


class ScriptHost(StrEnum):
    """Which machine of a cluster."""

    LOGIN = "login"
    DATA = "data"
    """The one that the registry names for work on files."""


Argument = Annotated[str, StringConstraints(max_length=8_192, pattern=r"^[^\x00]*$")]


class ScriptRequest(BaseModel):
    """A script to run as our login."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    script: str = Field(min_length=1, max_length=MOST_SCRIPT_BYTES, description="Its text.")
    interpreter: Interpreter = Interpreter.PYTHON3
    host: ScriptHost = ScriptHost.LOGIN
    arguments: tuple[Argument, ...] = Field(default=(), max_length=MOST_ARGUMENTS)
    limit_s: int = Field(
        default=DEFAULT_LIMIT_S,
        ge=1,
        le=LONGEST_LIMIT_S,
        description="Seconds it may run; then it and what it started get SIGTERM, and SIGKILL 5 s "
        "later.",
    )
    only_as: tuple[str, ...] = Field(
        default=(), description="Only if our login there is one of these; empty: whatever it is."
    )

    @field_validator("script")
    @classmethod
    def _text(cls, value: str) -> str:
        try:
            size = len(value.encode())
        except UnicodeEncodeError as exc:
            raise ValueError("the text is no Unicode: it holds half of a surrogate pair") from exc
        if "\x00" in value or size > MOST_SCRIPT_BYTES:
            raise ValueError(f"a script holds no NUL and at most {MOST_SCRIPT_BYTES} bytes")
        return value

    @field_validator("arguments")
    @classmethod
    def _arguments(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            size = sum(len(one.encode()) for one in value)
        except UnicodeEncodeError as exc:
            raise ValueError("an argument is no Unicode text") from exc
        if size > MOST_SCRIPT_BYTES // 4:
            raise ValueError(f"arguments hold at most {MOST_SCRIPT_BYTES // 4} bytes together")
        return value


class ScriptReport(BaseModel):
    """What a script did. Its outputs are untrusted text."""

    model_config = ConfigDict(frozen=True)

    exit_status: int = Field(description="0 to 255; 128 and the number of the signal it died of.")
    timed_out: bool = Field(description="Whether it was ended because its time was over.")
    flooded: bool = Field(description="Whether it was ended because it wrote too much.")
    stdout: str
    stderr: str
    stdout_bytes: int = Field(description="So many it wrote, as far as they were read.")
    stderr_bytes: int
    stdout_left_out_bytes: int = Field(
        default=0, description="Missing in the middle of stdout, where a line says so."
    )
    stderr_left_out_bytes: int = 0
    duration_s: float = Field(description="Of the script, without the way there.")
    machine: str = Field(description="Host name of where it ran, as that machine calls itself.")
    login: str = Field(description="As whom.")
