"""Who asks: the watch of a cluster, or a person. Each has limits of its own on one connection.

The watch is what makes a tick: looks, accounting, surveys, steps. A person's work is whatever
somebody waits for: a log, a script, a connection test. It may hang, flood or come in crowds, and
the watch must not notice. `sessions.py` says who gets a session when.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Lane(StrEnum):
    """On whose behalf something runs."""

    WATCH = "watch"
    USER = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLimits:
    """How much of one lane may run and wait at once on one link."""

    commands: int
    streams: int
    waiting: int | None = None
    """Commands in line; one more is refused. None: any number, since our own loops ask."""


WATCH_LIMITS: Final = LaneLimits(commands=3, streams=1)
"""A look, accounting and a survey at once; all steps inside jobs on one stream."""

USER_LIMITS: Final = LaneLimits(commands=2, streams=2, waiting=16)
"""Both lanes and the shell together take 9 of the server's MaxSessions (10 in OpenSSH unless the
site says otherwise): sshd frees a session a moment after it has told us that the channel is closed.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLoad:
    """What of one lane runs and waits now."""

    commands: int
    streams: int
    waiting: int


@dataclass(eq=False, slots=True)
class Turn:
    """One who wants a session."""

    lane: Lane = Lane.WATCH
    is_waiting: bool = False
    """Whether it stands in line, or stood there when its caller gave up."""

    number: int = 0
    """Its place in the order in which all came; kept when the server refuses it and it comes back.
    """
