import pytest

from slurmfleet.slurm.faults import EXPLANATIONS, Fault, FaultKind, find_fault
from slurmfleet.slurm.frames import SectionOutput

MUNGE = """\
sacct: error: If munged is up, restart with --num-threads=10
sacct: error: Munge encode failed: Failed to access "munge.socket": No such file or directory
sacct: error: Sending PersistInit msg: Protocol authentication error
sacct: error: Problem talking to the database: Protocol authentication error"""


def output(exit_status: int | None, stderr: str) -> SectionOutput:
    return SectionOutput(raw=b"", stderr=stderr, exit_status=exit_status)


@pytest.mark.parametrize(
    ("exit_status", "stderr", "kind"),
    [
        (
            1,
            "slurm_load_jobs error: Unable to contact slurm controller (connect failure)",
            FaultKind.CONTROLLER_DOWN,
        ),
        (
            1,
            "slurm_load_jobs error: Socket timed out on send/recv operation",
            FaultKind.CONTROLLER_TIMEOUT,
        ),
        (
            1,
            "sacct: error: Problem talking to the database: Connection refused",
            FaultKind.ACCOUNTING_DOWN,
        ),
        (1, "Slurm accounting storage is disabled", FaultKind.ACCOUNTING_ABSENT),
        (1, MUNGE, FaultKind.AUTH_ERROR),
        (1, "RPC rate limit exceeded", FaultKind.RATE_LIMITED),
        (1, "Access/permission denied", FaultKind.PERMISSION_DENIED),
        (
            1,
            "Incompatible versions of client and server code",
            FaultKind.VERSION_MISMATCH,
        ),
        (1, "slurm_load_jobs error: Expired credential", FaultKind.AUTH_ERROR),
        (1, "slurm_load_jobs error: Message receive failure", FaultKind.CONTROLLER_DOWN),
        (
            1,
            "Header lengths are longer than data received",
            FaultKind.VERSION_MISMATCH,
        ),
        (
            0,
            "slurm_load_jobs error: Unable to contact slurm controller (connect failure)",
            FaultKind.CONTROLLER_DOWN,
        ),
        (1, "slurm_load_jobs error: Invalid job id specified", FaultKind.INVALID_JOB),
        (1, 'sacct: error: Invalid field requested: "Restarts"', FaultKind.INVALID_FORMAT),
        (0, "squeue: error: Invalid job format specification: X", FaultKind.INVALID_FORMAT),
        (127, "timeout: failed to run command", FaultKind.COMMAND_MISSING),
        (126, "Permission denied", FaultKind.COMMAND_MISSING),
        (124, "", FaultKind.TIMED_OUT),
        (137, "Socket timed out", FaultKind.TIMED_OUT),
        (1, "", FaultKind.UNKNOWN),
        (255, "segmentation violation", FaultKind.UNKNOWN),
        (None, "half a", FaultKind.INCOMPLETE),
    ],
)
def test_failure_is_classified(exit_status: int | None, stderr: str, kind: FaultKind):
    assert find_fault(output(exit_status, stderr)) == Fault(kind=kind, words=stderr)


def test_unknown_user_is_a_fault_though_squeue_exits_0_and_the_rows_hold():
    fault = find_fault(output(0, "squeue: error: Invalid user: nosuch\n\n"))

    assert fault == Fault(
        kind=FaultKind.INVALID_USER, words="squeue: error: Invalid user: nosuch", rows_hold=True
    )


def test_a_section_that_never_began_is_incomplete():
    assert find_fault(None) == Fault(kind=FaultKind.INCOMPLETE, words="")


@pytest.mark.parametrize("stderr", ["", "squeue: warning: Socket timed out, trying the backup"])
def test_exit_0_is_no_fault_whatever_warnings_say(stderr: str):
    assert find_fault(output(0, stderr)) is None


def test_words_are_capped():
    fault = find_fault(output(1, "x" * 9_999))

    assert fault == Fault(kind=FaultKind.UNKNOWN, words="x" * 500)


def test_every_kind_is_explained_in_one_sentence():
    assert EXPLANATIONS.keys() == set(FaultKind)
    for kind in FaultKind:
        explanation = Fault(kind=kind, words="").explanation
        assert explanation.endswith(".")
        assert "\n" not in explanation
