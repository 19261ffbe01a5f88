"""What it means that a command did not end within its limit."""

from slurmfleet.ssh.errors import SshError, SshLaneBusyError, SshTimeoutError
from slurmfleet.ssh.lanes import Lane, Turn
from slurmfleet.ssh.target import Endpoint


def overrun(endpoint: Endpoint, turn: Turn, *, operation: str, limit_s: float) -> SshError:
    """Give the error: a person whose command never got a session waited for others like it."""
    if turn.is_waiting and turn.lane is Lane.USER:
        return SshLaneBusyError(endpoint, f"no session was free for it within {limit_s:g} s")
    return SshTimeoutError(
        endpoint,
        operation="wait for a free session" if turn.is_waiting else operation,
        limit_s=limit_s,
    )
