import pytest

from slurmfleet.slurm.frames import Frames, SectionOutput
from slurmfleet.slurm.probe import Probe, parse_probe


def answers(**stdout: str) -> Frames:
    return Frames(
        sections={
            f"probe_{name}": SectionOutput(stdout=text, stderr="", exit_status=0)
            for name, text in stdout.items()
        },
        remote_epoch_s=None,
        done=True,
    )


@pytest.mark.parametrize(
    ("words", "version"),
    [
        ("slurm-wlm 22.05.8\n", "22.05.8"),
        ("slurm 24.11.5\n", "24.11.5"),
        ("slurm 25.05.0-rc1\n", "25.05.0-rc1"),
        ("squeue: command not understood\n", ""),
    ],
)
def test_slurm_version_is_read(words: str, version: str):
    assert parse_probe(answers(version=words)).slurm_version == version


def test_answers_are_read():
    frames = answers(
        user="alice\n",
        version="slurm-wlm 24.11.5\n",
        path="/opt/slurm/bin:/bin\n",
        slurm_conf="/etc/slurm.conf\n",
        accounting_fields="Account   Reason\nReserved  Restarts  State\n",
    )

    assert parse_probe(frames) == Probe(
        user="alice",
        slurm_version="24.11.5",
        environment={"PATH": "/opt/slurm/bin:/bin", "SLURM_CONF": "/etc/slurm.conf"},
        has_restarts=True,
    )


def test_what_failed_or_never_came_is_empty():
    failed = SectionOutput(stdout="rubbish", stderr="", exit_status=1)
    frames = Frames(sections={"probe_user": failed}, remote_epoch_s=None, done=False)

    assert parse_probe(frames) == Probe(
        user="", slurm_version="", environment={}, has_restarts=False
    )
