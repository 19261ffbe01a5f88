"""Dead letters: looked at, told again, dropped; what goes wrong is a problem with its mend."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from slurmfleet.bus.errors import BusError, KeyNotFoundError
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.dead_letters import (
    DeadLetter,
    OpenLetter,
    open_dead_letter,
    read_dead_letter,
    told_again,
)
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.streams import DEAD_LETTERS
from slurmfleet.contracts.subjects import MalformedSubjectError
from slurmfleet.runtime.commands import bus_unavailable

_STREAM = DEAD_LETTERS.name


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadPage:
    """Some of the dead letters, oldest first."""

    items: tuple[DeadLetter, ...]
    next_cursor: str | None
    """Asks for the page after this one; null on the last."""

    total: int
    """How many lie there altogether."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldAgain:
    """A dead letter that is back among the facts."""

    sequence: int
    """What it was called by."""

    fact_sequence: int
    """Its new place among the facts."""


async def list_dead(bus: Bus, *, after: int, limit: int) -> DeadPage:
    """Read dead letters behind a number.

    Raises:
        ProblemError: The bus does not answer.
    """
    with _problems():
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
    with _problems(sequence):
        stored = await bus.read_stored(_STREAM, sequence)
    return open_dead_letter(sequence, stored.message, stored_at=stored.published_at)


async def retry_dead(bus: Bus, sequence: int) -> ToldAgain:
    """Tell a dead letter again on its first subject; then take it out.

    The stream of facts has it on disk before it leaves the dead letters, so a crash in between
    leaves both, never neither; what was told twice the store knows by the ids of the facts.

    Raises:
        ProblemError: There is none of this number, it may not be told, or the bus does not answer.
    """
    with _problems(sequence):
        stored = await bus.read_stored(_STREAM, sequence)
        try:
            again = told_again(sequence, stored.message)
        except MalformedSubjectError as exc:
            raise ProblemError(
                ProblemCode.INVALID_PARAMETER,
                f"Dead letter {sequence} was told on a subject that carries no facts.",
                remedy=f"Drop it: `slurmfleet events dead drop {sequence}`.",
            ) from exc
        taken = await bus.publish(again)
        await _delete(bus, sequence)
    return ToldAgain(sequence=sequence, fact_sequence=taken.sequence)


async def drop_dead(bus: Bus, sequence: int) -> None:
    """Take a dead letter out for good.

    Raises:
        ProblemError: There is none of this number, or the bus does not answer.
    """
    with _problems(sequence):
        await bus.delete_stored(_STREAM, sequence)


async def _count(bus: Bus) -> int:
    try:
        return await bus.count_stored(_STREAM)
    except KeyNotFoundError:
        return 0  # no projector has run yet, so nothing was put aside


async def _delete(bus: Bus, sequence: int) -> None:
    try:
        await bus.delete_stored(_STREAM, sequence)
    except KeyNotFoundError:
        return  # somebody else told it again at the same moment


@contextmanager
def _problems(sequence: int | None = None) -> Generator[None]:
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
