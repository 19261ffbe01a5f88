"""Commands run with patience, in a real bash, on a file system that really hangs."""

import secrets
import subprocess
import time
from pathlib import Path

import pytest

from slurmfleet.filesystems.commands import df_command
from slurmfleet.filesystems.df import parse_df
from slurmfleet.filesystems.patience import patiently
from slurmfleet.slurm.commands import Section
from slurmfleet.slurm.faults import FaultKind, find_fault
from slurmfleet.slurm.frames import SectionOutput, composite, parse_frames
from tests.harness.hanging import hanging

pytestmark = [pytest.mark.integration, pytest.mark.timeout(30)]


def patient(name: str, *argv: str, limit_s: float = 5) -> Section:
    return Section(name=name, argv=patiently(argv), limit_s=limit_s)


def run(*sections: Section) -> dict[str, SectionOutput]:
    """Run sections; ends only when nobody holds the outputs any more, as sshd does."""
    nonce = secrets.token_hex(16)
    script = composite(sections, nonce).encode()
    done = subprocess.run(
        ["bash", "-s"], input=script, capture_output=True, check=False, timeout=25
    )
    frames = parse_frames(done.stdout, nonce)
    assert frames.done
    return dict(frames.sections)


def asleep(*words: str) -> list[str]:
    """Give the processes with these words that no signal can reach."""
    listed = subprocess.check_output(["ps", "-wweo", "stat=,args="], text=True).splitlines()
    return [one for one in listed if one.startswith("D") and all(word in one for word in words)]


def test_output_errors_and_exit_status_pass_through():
    outputs = run(
        patient("said", "sh", "-c", "echo out; echo err >&2; exit 3"),
        patient("missing", "no-such-command"),
        patient("large", "sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' y"),
        patient("quoted", "printf", "<%s>", "a b", "c'd", "$(id)", ""),
    )

    assert outputs["said"] == SectionOutput(raw=b"out\n", stderr="err", exit_status=3)
    assert outputs["large"] == SectionOutput(raw=b"y" * 3_000_000, stderr="", exit_status=0)
    assert outputs["quoted"].stdout == "<a b><c'd><$(id)><>"
    fault = find_fault(outputs["missing"])
    assert fault is not None
    assert fault.kind is FaultKind.COMMAND_MISSING


@pytest.mark.parametrize("command", ["sleep 60", "trap '' TERM; sleep 60 & wait; wait; sleep 60"])
def test_a_command_that_overruns_is_ended_with_its_children(command: str):
    marked = f"{command} # {secrets.token_hex(8)}"

    outputs = run(patient("long", "sh", "-c", marked, limit_s=0.5), patient("next", "echo", "x"))

    fault = find_fault(outputs["long"])
    assert fault is not None
    assert fault.kind is FaultKind.TIMED_OUT
    assert outputs["next"].stdout == "x\n"
    listed = subprocess.check_output(["ps", "-wweo", "args="], text=True).splitlines()
    assert [one for one in listed if marked in one and not one.startswith("ps ")] == []


def test_a_file_system_that_hangs_holds_nobody_up(tmp_path: Path):
    with hanging(tmp_path / "hung") as place:
        began_s = time.monotonic()
        outputs = run(
            patient("hung", *df_command(str(place)), limit_s=0.5),
            patient("next", *df_command(str(tmp_path))),
        )
        took_s = time.monotonic() - began_s
        left_behind = asleep(str(place))

    fault = find_fault(outputs["hung"])
    assert fault is not None
    assert fault.kind is FaultKind.TIMED_OUT
    assert parse_df(outputs["next"].stdout).usage.space.used
    assert took_s < 10
    assert left_behind, "the file system did not hang as real ones do"
