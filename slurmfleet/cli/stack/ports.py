"""Whether the doors of the stack are free, looked at before anything is started."""

import socket

from slurmfleet.runtime.errors import PortTakenError


def require_free(host: str, port: int, *, setting: str) -> None:
    """Refuse to go on when another program listens there.

    Raises:
        PortTakenError: Somebody does; the message names the setting that moves the port.
    """
    if not is_free(host, port):
        raise PortTakenError(host, port, setting=setting)


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True
