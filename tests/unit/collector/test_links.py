"""Which way to a cluster its configuration names, and how a test of it is told."""

from pathlib import Path

import pytest

from services.collector.links import open_link
from services.collector.settings import CollectorSettings, environment_of_others
from services.collector.steps import steps_taken, steps_up_to
from services.collector.target import link_state, problem_code
from slurmfleet.contracts.commands import Step
from slurmfleet.contracts.events import LinkState
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.contracts.registry import ClusterConfig, Transport
from slurmfleet.ssh.errors import (
    HostKeyUnknownError,
    SshAuthDeniedError,
    SshBusyError,
    SshError,
    SshNoMasterError,
    SshNoShellError,
)
from slurmfleet.ssh.link import SshLink
from slurmfleet.ssh.program import ProgramLink
from slurmfleet.ssh.target import Endpoint
from slurmfleet.testing.clock import ManualClock

ENDPOINT = Endpoint(cluster=ClusterName("alpha"), host="login")
NO_SHELL = SshNoShellError(ENDPOINT, exit_status=1, said="")
NO_MASTER = SshNoMasterError(ENDPOINT, "no socket", command="ssh -M login")


@pytest.mark.parametrize(
    ("transport", "kind"),
    [
        (Transport.ASYNCSSH, SshLink),
        (Transport.MASTER, ProgramLink),
        (Transport.LOCAL, ProgramLink),
    ],
)
def test_each_transport_has_its_link(transport: Transport, kind: type, tmp_path: Path):
    config = ClusterConfig(
        name=ClusterName("alpha"),
        host="login",
        transport=transport,
        control_path="~/.ssh/cm-%C",
    )

    link = open_link(config, CollectorSettings(state_dir=tmp_path), ManualClock())

    assert isinstance(link, kind)
    assert (link.target.host, link.target.control_path) == ("login", "~/.ssh/cm-%C")
    assert (link.is_denied, link.last_error) == (False, None)


@pytest.mark.parametrize(
    ("transport", "error", "steps"),
    [
        (Transport.ASYNCSSH, SshBusyError(ENDPOINT, "closed"), ["reach"]),
        (
            Transport.ASYNCSSH,
            HostKeyUnknownError(ENDPOINT, fingerprint="", key_line=""),
            ["reach", "host key"],
        ),
        (Transport.ASYNCSSH, SshAuthDeniedError(ENDPOINT, ""), ["reach", "host key", "login"]),
        (Transport.ASYNCSSH, NO_SHELL, ["reach", "host key", "login", "shell"]),
        (Transport.MASTER, NO_MASTER, ["master"]),
        (Transport.MASTER, NO_SHELL, ["master", "shell"]),
        (Transport.LOCAL, NO_SHELL, ["local", "shell"]),
    ],
)
def test_a_test_tells_the_steps_up_to_the_one_that_failed(
    transport: Transport, error: SshError, steps: list[str]
):
    told = steps_up_to(transport, error)

    assert [one.name for one in told] == steps
    assert [one.ok for one in told] == [True] * (len(steps) - 1) + [False]
    assert (told[-1].detail, told[-1].remedy) == (error.problem, error.remedy)


def test_a_good_test_tells_what_each_transport_did():
    assert steps_taken(Transport.MASTER, host="login", user="ada") == (
        Step(name="master", ok=True, detail="open to login as ada"),
    )
    assert steps_taken(Transport.LOCAL, host="login", user="ada") == (
        Step(name="local", ok=True, detail="commands run on this machine as ada"),
    )


def test_a_login_without_a_shell_is_a_matter_of_settings():
    states = [link_state(one) for one in (NO_SHELL, SshBusyError(ENDPOINT, ""))]

    assert states == [LinkState.MISCONFIGURED, LinkState.UNREACHABLE]


def test_a_master_that_is_not_open_is_a_state_of_its_own():
    assert link_state(NO_MASTER) is LinkState.NO_MASTER
    assert problem_code(NO_MASTER) is ProblemCode.SSH_NO_MASTER
    assert "`ssh -M login`" in str(NO_MASTER)


def test_commands_of_a_cluster_see_nothing_of_ours(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLURMFLEET_SITE_METRICS", "secret")
    monkeypatch.setenv("SITE", "alpha")

    seen = environment_of_others()

    assert seen["SITE"] == "alpha"
    assert [name for name in seen if name.startswith("SLURMFLEET_")] == []
