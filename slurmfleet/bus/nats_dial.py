"""Makes one connection to a NATS server, or says why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nats.errors
import structlog
from nats.aio.client import Client

from slurmfleet.bus.errors import BusAuthError
from slurmfleet.bus.limits import cancellation_kept, within
from slurmfleet.bus.names import inbox_prefix
from slurmfleet.bus.nats_errors import is_refusal, translate
from slurmfleet.bus.nats_link import Link, shut

log = structlog.get_logger(__name__)

PING_INTERVAL_S = 5
"""Two unanswered pings mean a broken connection: a stopped server is noticed within 15 s."""

_FLUSH_LIMIT_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsLogin:
    """Who we are; all empty for a server that asks for nothing."""

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    creds_file: Path | None = None


async def dial(
    *, servers: Sequence[str], name: str, login: NatsLogin, connect_timeout_s: float
) -> Link:
    """Connect once.

    Raises:
        BusAuthError: The server does not know the login.
        BusUnavailableError: No server could be reached.
    """
    operation = f"connect to {', '.join(servers)}"
    client, seen = Client(), list[Exception]()
    link = Link(client)

    async def on_error(exc: Exception) -> None:
        seen.append(exc)
        if is_refusal(exc):
            link.on_refusal(str(exc))
        else:
            log.debug("driver reports an error", error=str(exc))

    async def on_closed() -> None:
        link.fail_all()

    settings: dict[str, Any] = {
        "name": name,
        "error_cb": on_error,
        "closed_cb": on_closed,
        "allow_reconnect": False,
        "max_reconnect_attempts": 1,
        "reconnect_time_wait": 0,
        "connect_timeout": connect_timeout_s,
        "ping_interval": PING_INTERVAL_S,
        "flush_timeout": _FLUSH_LIMIT_S,
        "inbox_prefix": inbox_prefix(login.user),
        "user": login.user or None,
        "password": login.password or None,
        "token": login.token or None,
        "user_credentials": login.creds_file,
    }
    try:
        async with within(operation, connect_timeout_s * 2 * len(servers) + 1):
            with cancellation_kept():
                await client.connect(list(servers), **settings)
            await link.open()
    except BaseException as exc:
        await shut(client, connect_timeout_s)
        if isinstance(exc, ModuleNotFoundError):
            detail = "a credentials file needs the package `nkeys`"
            raise BusAuthError(operation, detail) from exc
        if isinstance(exc, (nats.errors.Error, OSError)):
            reason = seen[-1] if isinstance(exc, nats.errors.NoServersError) and seen else exc
            raise translate(reason, operation) from exc
        raise
    return link
