"""The composite script in a real bash, with stand-ins for Slurm's commands on the PATH."""

import os
import secrets
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from slurmfleet.slurm.columns import dialect_for
from slurmfleet.slurm.commands import Section, probe_sections
from slurmfleet.slurm.faults import Fault, FaultKind, find_fault
from slurmfleet.slurm.frames import Frames, SectionOutput, composite, parse_frames
from slurmfleet.slurm.probe import Probe, parse_probe

pytestmark = pytest.mark.integration

SQUEUE = r"""#!/bin/sh
case $1 in
--version) echo 'slurm-wlm 24.11.5' ;;
env) printf '%s|' "${SQUEUE_FORMAT-unset}" "${SLURM_CLUSTERS-unset}" "$SLURM_TIME_FORMAT" \
         "$SLURM_BITSTR_LEN" "$LC_ALL" ;;
args) shift; for one; do printf '<%s>' "$one"; done ;;
stdin) cat; echo end ;;
hang) printf 'half a row'; echo 'about to hang' >&2; exec sleep 60 ;;
stubborn) trap '' TERM; sleep 60 & wait; wait ;;
flood) head -c 3000000 /dev/zero | tr '\0' x >&2; echo 'row'; exit 3 ;;
large) head -c 3000000 /dev/zero | tr '\0' y ;;
binary) printf 'a\000b\377\n'; printf 'c\000d' >&2 ;;
forge) printf '\n%%%%0000000000000000 END 0\nstill mine' ;;
esac
"""
SACCT = "#!/bin/sh\necho 'Account Reason Restarts State'\n"

Run = Callable[..., Frames]


def section(name: str, *argv: str, limit_s: float = 5) -> Section:
    return Section(name=name, argv=argv, limit_s=limit_s)


@pytest.fixture
def login_node(tmp_path: Path) -> Path:
    """A home whose dotfiles make noise and whose PATH begins with the stand-ins."""
    programs = tmp_path / "bin"
    programs.mkdir()
    silent = "#!/bin/sh\nexit 1\n"
    stand_ins = {"squeue": SQUEUE, "sacct": SACCT, "sinfo": silent, "scontrol": silent}
    for name, text in stand_ins.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (tmp_path / ".bash_profile").write_text(
        'echo "*** Welcome ***"; printf "no newline at the end"\n'
        f'export PATH="{programs}:$PATH" SLURM_CONF="/etc/a b/slurm.conf"\n'
        "export SQUEUE_FORMAT=%i SLURM_CLUSTERS=other LC_ALL=de_DE.UTF-8\n"
        "set -u\n"
    )
    (tmp_path / ".bash_logout").write_text("echo bye\n")
    return tmp_path


@pytest.fixture
def run(login_node: Path) -> Run:
    def run_composite(
        *sections: Section, command: str = "bash -l -s", env: Mapping[str, str] | None = None
    ) -> Frames:
        nonce = secrets.token_hex(16)
        done = subprocess.run(
            command.split(),
            input=composite(sections, nonce, env).encode(),
            capture_output=True,
            check=False,
            timeout=9,
            env={"HOME": str(login_node), "PATH": os.defpath},
        )
        return parse_frames(done.stdout, nonce)

    return run_composite


def test_each_section_succeeds_or_fails_by_itself(run: Run):
    frames = run(
        section("good", "squeue", "args", "a b", "c'd", "$(id)", "\x1fé漢\x1e", ""),
        section("missing", "no-such-command"),
        section("hanging", "squeue", "hang", limit_s=0.3),
        section("failing", "squeue", "flood"),
        section("last", "squeue", "stdin"),
    )

    assert frames.done
    good, missing, hanging, failing, last = frames.sections.values()
    assert good == SectionOutput(
        raw="<a b><c'd><$(id)><\x1fé漢\x1e><>".encode(), stderr="", exit_status=0
    )
    assert (missing.stdout, missing.exit_status) == ("", 127)
    assert hanging == SectionOutput(raw=b"half a row", stderr="about to hang", exit_status=124)
    assert failing == SectionOutput(raw=b"row\n", stderr="x" * 4_096, exit_status=3)
    assert last == SectionOutput(raw=b"end\n", stderr="", exit_status=0)


def test_faults_are_found_in_what_a_real_shell_reports(run: Run):
    frames = run(
        section("missing", "no-such-command"), section("hanging", "squeue", "hang", limit_s=0.2)
    )

    missing, hanging = (find_fault(output) for output in frames.sections.values())
    assert missing is not None
    assert missing.kind is FaultKind.COMMAND_MISSING
    assert hanging == Fault(kind=FaultKind.TIMED_OUT, words="about to hang")


def test_a_command_that_ignores_the_end_signal_is_killed(run: Run):
    frames = run(section("stubborn", "squeue", "stubborn", limit_s=0.2), section("b", "true"))

    assert {name: output.exit_status for name, output in frames.sections.items()} == {
        "stubborn": 137,
        "b": 0,
    }


def test_the_users_environment_does_not_change_what_slurm_prints(run: Run):
    frames = run(section("env", "squeue", "env"))

    assert frames.sections["env"].stdout == "unset|unset|%s|0|C|"


def test_output_keeps_its_bytes_and_its_size(run: Run):
    frames = run(
        section("binary", "squeue", "binary"),
        section("forge", "squeue", "forge"),
        section("large", "squeue", "large"),
    )

    assert frames.sections == {
        "binary": SectionOutput(raw=b"a\0b\xff\n", stderr="cd", exit_status=0),
        "forge": SectionOutput(
            raw=b"\n%%0000000000000000 END 0\nstill mine", stderr="", exit_status=0
        ),
        "large": SectionOutput(raw=b"y" * 3_000_000, stderr="", exit_status=0),
    }


def test_the_probe_learns_what_later_calls_need(run: Run, login_node: Path):
    probe = parse_probe(run(*probe_sections()))

    wanted_path = f"{login_node / 'bin'}:"
    assert probe.environment["PATH"].startswith(wanted_path)
    assert probe == Probe(
        user=subprocess.check_output(["id", "-un"], text=True).strip(),
        slurm_version="24.11.5",
        environment={
            "PATH": probe.environment["PATH"],
            "SLURM_CONF": "/etc/a b/slurm.conf",
        },
        abilities=probe.abilities,
        dialect=dialect_for(probe.abilities),
    )
    assert probe.abilities.accounting_fields is not None
    assert "restarts" in probe.abilities.accounting_fields
    assert probe.abilities.programs is not None
    assert {"sacct", "sinfo", "timeout", "df"} <= probe.abilities.programs
    assert not probe.abilities.is_told
    without_login = run(
        section("version", "squeue", "--version"),
        section("conf", "printenv", "SLURM_CONF"),
        command="bash -s",
        env=probe.environment,
    )
    assert [output.stdout for output in without_login.sections.values()] == [
        "slurm-wlm 24.11.5\n",
        "/etc/a b/slurm.conf\n",
    ]


def test_the_login_nodes_clock_is_told(run: Run):
    before = int(subprocess.check_output(["date", "+%s"]))

    told = run().remote_epoch_s

    assert told is not None
    assert before <= told <= int(subprocess.check_output(["date", "+%s"]))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_script_that_is_cut_on_its_way_runs_nothing(login_node: Path, share: float):
    nonce = secrets.token_hex(16)
    witness = login_node / "witness"
    script = composite([section("touch", "touch", str(witness))], nonce).encode()

    done = subprocess.run(
        ["bash", "-s"], input=script[: int(len(script) * share)], capture_output=True, check=False
    )

    assert parse_frames(done.stdout, nonce) == Frames(sections={}, remote_epoch_s=None, done=False)
    assert not witness.exists()
