"""A real HTTP server in the test process that answers as a test says."""

import json
import ssl
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydantic import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> JsonValue:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered."""

    status: int = 200
    body: bytes = b"{}"
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    repeat: int = 1
    """The body is written so many times, without a length before it."""

    wait: threading.Event | None = None
    """Nothing is written before it is set."""


def json_reply(document: object, *, status: int = 200) -> Reply:
    return Reply(status=status, body=json.dumps(document).encode())


Answerer = Callable[[Asked], Reply]


@dataclass(slots=True, kw_only=True)
class SiteServer:
    """The running server: where it is, and what it was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list[Asked])
    answer: Answerer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: SiteServer

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        asked = Asked(
            method=self.command,
            path=self.path,
            headers=dict(self.headers.items()),
            body=self.rfile.read(length),
        )
        self.site.asked.append(asked)
        reply = self.site.answer(asked)
        if reply.wait:
            reply.wait.wait(10)
        self._write(reply)

    def _write(self, reply: Reply) -> None:
        whole = reply.repeat == 1 and "Content-Length" not in reply.headers
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if whole:
            self.send_header("Content-Length", str(len(reply.body)))
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        for _ in range(reply.repeat):
            self.wfile.write(reply.body)
        self.close_connection = not whole

    do_GET = do_POST = _serve  # noqa: N815 the names that http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that go away are what is tested."""


@contextmanager
def site_server(answer: Answerer, *, tls: ssl.SSLContext | None = None) -> Generator[SiteServer]:
    """Serve `answer` on a loopback port until the block ends."""

    class Handler(_Handler):
        """Of this server."""

    http = _Server(("127.0.0.1", 0), Handler)
    if tls:
        http.socket = tls.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
    scheme = "https" if tls else "http"
    server = SiteServer(url=f"{scheme}://127.0.0.1:{http.server_port}", answer=answer)
    Handler.site = server
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
