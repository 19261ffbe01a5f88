"""Calls a handler and turns whatever it raises into an answer."""

import structlog

from slurmfleet.bus.port import ERROR_HEADER, Handler, Reply
from slurmfleet.contracts.envelope import Message

log = structlog.get_logger(__name__)


async def answer(handler: Handler, request: Message) -> Reply:
    """Give the handler's reply, or one with the error header if it raises."""
    try:
        return await handler(request)
    except Exception as exc:  # the asker must hear of any failure, and serving goes on
        log.exception("handler failed", subject=request.subject)
        return Reply(body=b"", headers={ERROR_HEADER: f"{type(exc).__name__}: {exc}"[:500]})


def failure_of(headers: dict[str, str]) -> str:
    """Give what an answer says of its handler's failure; empty if it did not fail."""
    return headers.get(ERROR_HEADER, "")
