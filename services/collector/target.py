"""From a cluster's configuration to an SSH target, and from SSH errors to a link's state; pure."""

from collections.abc import Sequence
from pathlib import Path

from slurmfleet.contracts.events import LinkState
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.ssh.errors import (
    HostKeyChangedError,
    HostKeyError,
    SshAuthDeniedError,
    SshConfigError,
    SshError,
    SshKeyFileError,
    SshLaneBusyError,
    SshNoMasterError,
    SshNoShellError,
    SshTimeoutError,
)
from slurmfleet.ssh.target import DEFAULT_PORT, SshTarget

_LINK_STATES: Sequence[tuple[type[SshError], LinkState, ProblemCode]] = (
    (SshAuthDeniedError, LinkState.AUTH_DENIED, ProblemCode.SSH_AUTH_DENIED),
    (SshNoMasterError, LinkState.NO_MASTER, ProblemCode.SSH_NO_MASTER),
    (HostKeyChangedError, LinkState.HOST_KEY_CHANGED, ProblemCode.HOST_KEY_CHANGED),
    (HostKeyError, LinkState.HOST_KEY_UNKNOWN, ProblemCode.HOST_KEY_UNKNOWN),
    (SshLaneBusyError, LinkState.OK, ProblemCode.CLUSTER_BUSY),
    (SshTimeoutError, LinkState.TIMED_OUT, ProblemCode.CLUSTER_UNREACHABLE),
    (SshKeyFileError, LinkState.MISCONFIGURED, ProblemCode.CLUSTER_UNREACHABLE),
    (SshConfigError, LinkState.MISCONFIGURED, ProblemCode.CLUSTER_UNREACHABLE),
    (SshNoShellError, LinkState.MISCONFIGURED, ProblemCode.CLUSTER_UNREACHABLE),
    (SshError, LinkState.UNREACHABLE, ProblemCode.CLUSTER_UNREACHABLE),
)
"""The first class that fits an error says what it means."""


def ssh_target(
    config: ClusterConfig,
    *,
    known_hosts: Sequence[Path],
    ssh_config: Sequence[Path],
    connect_limit_s: float,
) -> SshTarget:
    """Give the target of a cluster; port 22 leaves the choice to the OpenSSH configuration."""
    return SshTarget(
        cluster=config.name,
        host=config.host,
        port=config.port if config.port != DEFAULT_PORT else None,
        user=config.user or None,
        key_files=tuple(Path(one).expanduser() for one in config.key_files),
        jump=config.jump or None,
        control_path=config.control_path or None,
        connect_timeout_s=connect_limit_s,
        pinned_host_keys=config.host_keys,
        known_hosts_files=tuple(path.expanduser() for path in known_hosts),
        config_files=tuple(path.expanduser() for path in ssh_config if path.expanduser().exists()),
    )


def link_state(error: SshError) -> LinkState:
    """Give what an error says about the link."""
    return next(state for kind, state, _ in _LINK_STATES if isinstance(error, kind))


def problem_code(error: SshError) -> ProblemCode:
    """Give what an error is called towards users."""
    return next(code for kind, _, code in _LINK_STATES if isinstance(error, kind))
