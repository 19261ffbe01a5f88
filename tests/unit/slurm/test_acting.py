"""What Slurm's answers to an action mean; the words are those of real clusters (22.05 to 26.05)."""

import pytest

from slurmfleet.contracts.actions import ActOutcome, ActWord, JobAct, Signal
from slurmfleet.contracts.ids import JobId
from slurmfleet.slurm.acting import AFTER, act_sections, is_up, outcomes, ping_section
from slurmfleet.slurm.errors import UnsafeArgumentError
from slurmfleet.slurm.frames import Frames, SectionOutput

SEVEN = JobId("7")
PLUGINS = (
    "scancel: select/cons_tres: common_init: select/cons_tres loaded\n"
    "scancel: select/linear: init: Linear node selection plugin loaded with argument 20\n"
)
KILL = "scancel: error: Kill job error on job id 7:"


def output(stderr: str = "", status: int | None = 0, stdout: str = "") -> SectionOutput:
    return SectionOutput(raw=stdout.encode(), stderr=stderr, exit_status=status)


def told(
    act: JobAct, answer: SectionOutput | None, *, queue: str = "", job: JobId = SEVEN
) -> ActOutcome:
    sections = {AFTER: output(stdout=queue)} | ({} if answer is None else {"act-0": answer})
    frames = Frames(sections=sections, remote_epoch_s=0, done=True)
    (outcome,) = outcomes(act, [job], frames)
    return outcome


@pytest.mark.parametrize(
    ("act", "stderr", "status", "word"),
    [
        (JobAct.CANCEL, "scancel: Terminating job 7\n", 0, ActWord.DONE),
        (JobAct.CANCEL, f"{PLUGINS}scancel: Signal 15 to full job 7\n", 0, ActWord.DONE),
        (
            JobAct.CANCEL,
            f"scancel: Terminating job 7\n{KILL} Invalid job id specified\n",
            0,
            ActWord.NOT_FOUND,
        ),
        (
            JobAct.CANCEL,
            f"scancel: Terminating job 7\n{KILL} Job/step already completing or completed\n",
            0,
            ActWord.ALREADY_OVER,
        ),
        (
            JobAct.CANCEL,
            f"scancel: Terminating job 7\n{KILL} Access/permission denied\n",
            210,
            ActWord.DENIED,
        ),
        (
            JobAct.CANCEL,
            f"{KILL} Operation not permitted on individual component of heterogeneous job\n",
            60,
            ActWord.NOT_POSSIBLE,
        ),
        (
            JobAct.CANCEL,
            f"scancel: Job is in transitional state, retrying\n{KILL} Job can not be altered now\n",
            228,
            ActWord.NOT_POSSIBLE,
        ),
        (
            JobAct.CANCEL,
            f"{KILL} Unable to contact slurm controller (connect failure)\n",
            8,
            ActWord.UNKNOWN,
        ),
        (JobAct.HOLD, "", 0, ActWord.DONE),
        (
            JobAct.HOLD,
            "Invalid job id specified for job 7\nslurm_suspend error: Invalid job id specified\n",
            1,
            ActWord.NOT_FOUND,
        ),
        (
            JobAct.HOLD,
            "Job has already finished for job 7\nslurm_suspend error:Job has already finished\n",
            1,
            ActWord.NOT_POSSIBLE,
        ),
        (
            JobAct.RELEASE,
            "Invalid user id for job 7\nslurm_suspend error: Invalid user id\n",
            1,
            ActWord.DENIED,
        ),
        (JobAct.REQUEUE, "Job is pending execution for job 7\n", 1, ActWord.NOT_POSSIBLE),
        (JobAct.REQUEUE, "", 3, ActWord.NOT_POSSIBLE),
        (JobAct.REQUEUE, "", 124, ActWord.UNKNOWN),
        (JobAct.REQUEUE, "", None, ActWord.UNKNOWN),
    ],
)
def test_slurms_words_decide(act: JobAct, stderr: str, status: int | None, word: ActWord):
    assert told(act, output(stderr, status)).word is word


def test_no_answer_is_not_known():
    assert told(JobAct.CANCEL, None).word is ActWord.UNKNOWN


def test_what_is_said_is_told_once_and_without_chatter():
    said = f"{PLUGINS}Job has already finished for job 7\nslurm_suspend error: Job has already\n"

    assert told(JobAct.HOLD, output(said, 1)).detail == (
        "Job has already finished for job 7; Job has already"
    )


def test_a_hold_of_a_job_that_runs_is_in_vain():
    waits = told(JobAct.HOLD, output(), queue="7|PENDING|JobHeldUser|\n")
    runs = told(JobAct.HOLD, output(), queue="7|RUNNING|None|\n")

    assert (waits.word, waits.state_after) == (ActWord.DONE, "PENDING (JobHeldUser)")
    assert (runs.word, runs.state_after) == (ActWord.NOT_POSSIBLE, "RUNNING")


def test_a_signal_to_a_job_that_is_over_finds_nobody():
    answer = output(f"{KILL} Invalid job id specified\n", 1)

    assert told(JobAct.CANCEL, answer, queue="7|FAILED|NonZeroExitCode|\n").word is (
        ActWord.ALREADY_OVER
    )


def test_each_job_has_its_own_command():
    sections = act_sections(JobAct.CANCEL, [SEVEN, JobId("8_3"), JobId("9+1")])

    assert [one.argv for one in sections[:3]] == [
        ("scancel", "-v", "7"),
        ("scancel", "-v", "8_3"),
        ("scancel", "-v", "9+1"),
    ]
    assert sections[3].argv[:7] == ("squeue", "-h", "-a", "-t", "all", "-j", "7,8_3,9+1")


def test_a_signal_goes_to_script_and_steps():
    (first, _) = act_sections(JobAct.CANCEL, [SEVEN], signal=Signal.USR1)

    assert first.argv == ("scancel", "-v", "--full", "--signal=USR1", "7")


@pytest.mark.parametrize("name", ["", "-u", "7;id", "$(id)", "7 8", "7\n8", "0", "७", "-1", "7_x"])
def test_what_is_no_id_never_becomes_an_argument(name: str):
    with pytest.raises(UnsafeArgumentError):
        act_sections(JobAct.CANCEL, [JobId(name)])


@pytest.mark.parametrize(
    ("said", "up"),
    [
        ("Slurmctld(primary) at alpha is UP\n", True),
        ("Slurmctld(primary) at alpha is DOWN\nSlurmctld(backup) at beta is UP\n", True),
        ("Slurmctld(primary) at alpha is DOWN\n", False),
        ("", False),
    ],
)
def test_a_controller_says_that_it_is_up(said: str, up: bool):  # noqa: FBT001 a case
    assert ping_section().argv == ("scontrol", "ping")
    assert is_up(output(stdout=said)) == up
    assert not is_up(None)
