"""Dead letters: looked at, told again, dropped; what goes wrong is a problem with its mend."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from slurmfleet.bus.errors import BusError, KeyNotFoundError
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.dead_letters import (
    RETRY,
    DeadLetter,
    OpenLetter,
    Retry,
    ToldAgain,
    open_dead_letter,
    read_dead_letter,
)
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.streams import DEAD_LETTERS
from slurmfleet.runtime.commands import ask_projector, bus_unavailable

_STREAM = DEAD_LETTERS.name
_RETRY_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadPage:
    """Some of the dead letters, oldest first."""

    items: tuple[DeadLetter, ...]
    next_cursor: str | None
    """Asks for the page after this one; null on the last."""

    total: int
    """How many lie there altogether."""


async def list_dead(bus: Bus, *, after: int, limit: int) -> DeadPage:
    """Read dead letters behind a number.

    Raises:
        ProblemError: The bus does not answer.
    """
    with dead_letter_problems():
        total = await _count(bus)
        stored = await bus.list_stored(_STREAM, after=after, limit=limit + 1) if total else ()
    letters = [
        read_dead_letter(one.sequence, one.message, stored_at=one.published_at) for one in stored
    ]
    return DeadPage(
        items=tuple(letters[:limit]),
        next_cursor=str(letters[limit - 1].sequence) if len(letters) > limit else None,
        total=total,
    )


async def show_dead(bus: Bus, sequence: int) -> OpenLetter:
    """Read one dead letter with all that is in it.

    Raises:
        ProblemError: There is none of this number, or the bus does not answer.
    """
    with dead_letter_problems(sequence):
        stored = await bus.read_stored(_STREAM, sequence)
    return open_dead_letter(sequence, stored.message, stored_at=stored.published_at)


async def retry_dead(bus: Bus, sequence: int) -> ToldAgain:
    """Have the projector tell a dead letter again on its first subject, and take it out.

    Raises:
        ProblemError: There is none of this number, it may not be told, or nobody answers.
    """
    request = Retry(sequence=sequence)
    return await ask_projector(bus, RETRY, request, ToldAgain, limit_s=_RETRY_LIMIT_S)


async def drop_dead(bus: Bus, sequence: int) -> None:
    """Take a dead letter out for good.

    Raises:
        ProblemError: There is none of this number, or the bus does not answer.
    """
    with dead_letter_problems(sequence):
        await bus.delete_stored(_STREAM, sequence)


async def _count(bus: Bus) -> int:
    try:
        return await bus.count_stored(_STREAM)
    except KeyNotFoundError:
        return 0  # no projector has run yet, so nothing was put aside


@contextmanager
def dead_letter_problems(sequence: int | None = None) -> Generator[None]:
    """Turn what goes wrong on the bus into problems.

    Raises:
        ProblemError: There is no letter of this number, or the bus does not answer.
    """
    try:
        yield
    except KeyNotFoundError as exc:
        raise ProblemError(
            ProblemCode.NOT_FOUND,
            f"There is no dead letter {sequence}.",
            remedy="`slurmfleet events dead` lists those that wait.",
        ) from exc
    except BusError as exc:
        raise bus_unavailable() from exc
