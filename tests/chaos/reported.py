"""Whether a stack says of itself that messages were destroyed."""

import asyncio
from dataclasses import dataclass, field

from tests.chaos import tables, watch
from tests.chaos.judge import messages_in_stream
from tests.harness.stack import Stack

REPORT_LIMIT_S = 40.0
"""Two scrubs, as often as the suite has them made."""


@dataclass(slots=True)
class Ledger:
    """What the stream has held, what of it is gone, and how much of that was told.

    Damage may stay unseen while the server still has the block in memory; it is then found by a
    later round, when the block was read again.
    """

    known: set[str] = field(default_factory=set[str])
    gone: set[str] = field(default_factory=set[str])
    losses: int = 0

    def before(self, stack: Stack) -> None:
        """Note what is there before the damage."""
        self.known |= asyncio.run(messages_in_stream(stack))

    def after(self, stack: Stack) -> tuple[int, list[str]]:
        """Give how many messages are newly gone, and what the stack keeps silent about."""
        there = asyncio.run(messages_in_stream(stack))
        fresh = self.known - there - self.gone
        self.gone |= fresh
        if not fresh:
            return 0, []
        try:
            watch.until("the loss is reported", lambda: self._told(stack), within_s=REPORT_LIMIT_S)
        except watch.NotBackError as exc:
            return len(fresh), [f"{len(fresh)} messages are gone: {exc}"]
        self.losses = tables.losses(stack)
        return len(fresh), []

    def _told(self, stack: Stack) -> bool:
        check = watch.checks_of(stack, "projector").get("stream")
        return check is not None and not check["ok"] and tables.losses(stack) > self.losses
