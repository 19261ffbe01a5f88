"""What may be asked of a cluster's collector over the bus, and what it answers.

Bodies are JSON: commands are few, and a person may send one with the `nats` tool.
"""

from enum import StrEnum
from typing import Generic, TypeVar

from pydantic import AwareDatetime, Base64Bytes, BaseModel, ConfigDict, Field

from slurmfleet.contracts.jobs import Evidence
from slurmfleet.contracts.problems import ProblemCode, ProblemError

Result = TypeVar("Result", bound=BaseModel)

ADOPTED_AT_ONCE = 500
TOLD_AGAIN_AT_ONCE = 1_000


class Verb(StrEnum):
    """Commands that every collector serves; the last token of their subject."""

    TEST_CONNECTION = "test_connection"
    """Connect afresh, step by step; lets go of a latched denial first."""
    SCAN_HOST_KEYS = "scan_host_keys"
    """Read the login node's host keys without logging in."""
    REFRESH = "refresh"
    """Look at the cluster now; several callers at once share one look."""
    DIAGNOSE = "diagnose"
    """Tell what is known of the cluster's Slurm and how each question to it fares; asks nothing."""
    ADOPT = "adopt"
    """Find out about jobs that others believe live and that the collector does not remember."""
    TELL_AGAIN = "tell_again"
    """Tell remembered jobs again, for whoever missed facts of them."""
    CALL_ROLL = "call_roll"
    """Name all remembered jobs in the stream of facts, those that are over as well."""
    ACT = "act"
    """Cancel, hold, release or requeue jobs: `contracts.actions`."""
    SUBMIT = "submit"
    """Submit a job, once for each token: `contracts.submission`."""
    RUN_SCRIPT = "run_script"
    """Run a script as our login, where the cluster allows it: `contracts.scripts`."""
    SHOW_MOUNTS = "show_mounts"
    """Tell which of its folders are mounted where the collector runs: `contracts.mounts`."""
    MOUNT = "mount"
    """Mount them, unmount them, or mount them anew."""
    FIND_FILES = "find_files"
    """List the files of a job; this and what follows: `contracts.files`."""
    READ_FILE = "read_file"
    """Read a part of one."""
    SEARCH_FILE = "search_file"
    """Find lines in one."""
    LIST_FOLDER = "list_folder"
    """List a folder of a job's."""
    LIST_RECORDS = "list_records"
    """List lines of a file of JSON lines."""
    READ_RECORD = "read_record"
    """Read one of them."""


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
    host: str = Field(default="", description="The machine that shows it.")


class HostKeyReport(BaseModel):
    """The host keys that a cluster's login node shows, and its data host if it has one."""

    model_config = ConfigDict(frozen=True)

    host: str
    port: int
    keys: tuple[HostKey, ...]
    changed: bool = Field(
        default=False,
        description="Keys are recorded for a machine and it shows none of them.",
    )


class RefreshReport(BaseModel):
    """A look that was made on request, or the newest one there is."""

    model_config = ConfigDict(frozen=True)

    ok: bool
    fresh: bool = Field(
        default=True,
        description="Whether the look began after it was asked for. Looks on request are few, for "
        "the cluster's sake; once they are used up, this is the newest regular one.",
    )
    started_at: AwareDatetime
    finished_at: AwareDatetime
    error: str = ""


class Ability(BaseModel):
    """One thing that a cluster's Slurm can or cannot do."""

    model_config = ConfigDict(frozen=True)

    name: str
    value: str
    note: str = Field(default="", description="What follows from it.")


class QuestionState(BaseModel):
    """How one of the questions to a cluster fares."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="looks, accounting, or a survey's topic.")
    ok: bool | None = Field(description="Whether the newest asking went well; null: not yet asked.")
    error: str = ""
    failing_since: AwareDatetime | None = None
    good_at: AwareDatetime | None = Field(
        default=None, description="When it last went well; null: never since the collector began."
    )
    interval_s: float = Field(
        description="Until it is asked again, from start to start; 0: there is nobody to ask."
    )
    detail: str = ""


class UnreadLine(BaseModel):
    """A line of the cluster's that could not be understood."""

    model_config = ConfigDict(frozen=True)

    section: str
    line: str
    error: str
    first_seen_at: AwareDatetime
    last_seen_at: AwareDatetime
    times: int


class Diagnosis(BaseModel):
    """What a collector knows of its cluster and of itself."""

    model_config = ConfigDict(frozen=True)

    slurm_version: str = ""
    login_user: str = ""
    transport: str = ""
    connections_opened: int = 0
    tracked_jobs: int = 0
    rpcs_per_minute: float = Field(default=0, description="The budget; 0: no limit.")
    rpcs_left: float = 0
    budget_waited_s: float = Field(default=0, description="How long questions waited for it.")
    abilities: tuple[Ability, ...] = ()
    questions: tuple[QuestionState, ...] = ()
    unread_lines: tuple[UnreadLine, ...] = Field(default=(), description="The newest first.")


class AdoptedJob(BaseModel):
    """One job as it was last told."""

    model_config = ConfigDict(frozen=True)

    job: Base64Bytes = Field(description="`job_codec.job_to_bytes`, in base 64.")
    revision: int
    observed_at: AwareDatetime
    source: Evidence = Evidence.QUEUE


class AdoptRequest(BaseModel):
    """Live jobs as others know them, and the ended members of whole arrays and het jobs."""

    model_config = ConfigDict(frozen=True)

    jobs: tuple[AdoptedJob, ...] = Field(max_length=ADOPTED_AT_ONCE)


class AdoptReport(BaseModel):
    """What became of jobs that others believe live."""

    model_config = ConfigDict(frozen=True)

    adopted: int = Field(description="They were not remembered and are being asked about.")
    told: int = Field(default=0, description="More was known of them, and was told.")


class JobRef(BaseModel):
    """Which job; Slurm recycles ids."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    submitted_at: AwareDatetime


class TellAgainRequest(BaseModel):
    """Jobs of which somebody has missed facts."""

    model_config = ConfigDict(frozen=True)

    jobs: tuple[JobRef, ...] = Field(max_length=TOLD_AGAIN_AT_ONCE)


class TellAgainReport(BaseModel):
    """How many of the jobs were remembered and told."""

    model_config = ConfigDict(frozen=True)

    told: int


class RollReport(BaseModel):
    """How many jobs a roll names."""

    model_config = ConfigDict(frozen=True)

    named: int


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
