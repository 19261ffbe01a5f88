"""An HTTP server as one task of a process, without taking over its signals."""

import contextlib
import socket
from collections.abc import Awaitable, Callable, Generator

import uvicorn

from slurmfleet.runtime.errors import PortTakenError

GRACE_S = 3
"""How long open requests may go on after the process was asked to stop."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to `runtime.process`."""
        yield


class HttpServer:
    """Serves one ASGI application on a socket that is bound before anything else starts."""

    def __init__(
        self,
        app: Callable[..., Awaitable[None]],
        *,
        host: str,
        port: int,
        setting: str,
        lifespan: bool = False,
    ) -> None:
        """Bind the address.

        Args:
            app: The ASGI application.
            host: Address to listen on.
            port: Port, or 0 for a free one.
            setting: The setting that moves the port, for the error message.
            lifespan: Whether the application has start-up and shut-down work of its own.

        Raises:
            PortTakenError: Another program listens there.
        """
        self._socket = _bind(host, port, setting)
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="on" if lifespan else "off",
                server_header=False,
                timeout_graceful_shutdown=GRACE_S,
            )
        )

    async def run(self) -> None:
        """Serve until `stop` is called."""
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        """Let open requests end, then return from `run`."""
        self._server.should_exit = True


def _bind(host: str, port: int, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(2_048)
    except OSError as exc:
        sock.close()
        raise PortTakenError(host, port, setting=setting) from exc
    return sock
