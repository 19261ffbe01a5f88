"""What is done about jobs that the store and a roll tell differently; pure (ADR-0015)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.projector.rolls import Roll
from slurmfleet.contracts.ids import JobId
from slurmfleet.store.read.rolls import Drift

Key = tuple[JobId, datetime]
"""A job of one cluster: its id, which Slurm recycles, and when it was submitted."""

MOST_REPAIRS = 2_000
"""Of either kind for one roll; the next roll finds the rest."""

MOST_TRIES = 3
GIVEN_UP_FOR = timedelta(days=1)
"""How long a job is left as it is that differs after so many tries."""

ON_ITS_WAY = timedelta(minutes=2)
"""A job that was seen so shortly before the roll may have been told after it: a look may take
90 seconds, and what follows from it waits for its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What was done about a job that still differs."""

    times: int
    last_at: datetime
    """When the roll was called for which it was done last."""

    is_told: bool = False
    """Whether it was told that it is given up."""

    @property
    def is_given_up(self) -> bool:
        """Whether it has had all its tries."""
        return self.times >= MOST_TRIES


Tries = Mapping[Key, Tried]
"""Of one cluster, from roll to roll."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be asked of a cluster's collector."""

    adopt: tuple[Key, ...]
    """Live in the store, and not on the roll."""

    tell_again: tuple[Key, ...]
    """On the roll, and not in the store or not as new."""

    left: int
    """Jobs for the rolls that follow."""

    given_up: tuple[Key, ...]
    """Jobs that are left as they are from this roll on."""

    tries: Tries
    """Before anything is asked; `counted` adds what was."""


def plan(roll: Roll, drift: Drift, tries: Tries) -> Plan:
    """Decide what to ask for.

    Args:
        roll: A whole roll.
        drift: How the store differs from it.
        tries: What came of the rolls before.
    """
    before = roll.called_at - ON_ITS_WAY
    unnamed = [(one.job_id, one.submitted_at) for one in drift.unnamed if one.observed_at < before]
    missed = [(one.job_id, one.submitted_at) for one in drift.missed]
    still = {
        key: tries[key]
        for key in (*unnamed, *missed)
        if key in tries and roll.called_at - tries[key].last_at < GIVEN_UP_FOR
    }
    given_up = {key: tried for key, tried in still.items() if tried.is_given_up}
    adopt, tell_again = _chosen(unnamed, still), _chosen(missed, still)
    asked = len(adopt) + len(tell_again)
    return Plan(
        adopt=adopt,
        tell_again=tell_again,
        left=len(unnamed) + len(missed) - asked - len(given_up),
        given_up=tuple(key for key, tried in given_up.items() if not tried.is_told),
        tries={**still, **{key: replace(tried, is_told=True) for key, tried in given_up.items()}},
    )


def counted(tries: Tries, asked: Sequence[Key], roll: Roll) -> Tries:
    """Count what was asked for and answered; a collector's silence costs a job no try."""
    return {
        **tries,
        **{
            key: Tried(
                times=tries[key].times + 1 if key in tries else 1,
                last_at=roll.called_at,
            )
            for key in asked
        },
    }


def in_chunks(sizes_bytes: Sequence[int], *, most: int, most_bytes: int) -> Iterator[slice]:
    """Give which of a row of things go together into one message, in order.

    One that is larger than `most_bytes` goes alone.
    """
    start = held_bytes = 0
    for at, size_bytes in enumerate(sizes_bytes):
        if at > start and (at - start == most or held_bytes + size_bytes > most_bytes):
            yield slice(start, at)
            start, held_bytes = at, 0
        held_bytes += size_bytes
    if start < len(sizes_bytes):
        yield slice(start, len(sizes_bytes))


def _chosen(keys: Sequence[Key], tries: Tries) -> tuple[Key, ...]:
    """Choose what is asked for: what was tried least first, else in the order of finding."""
    times = {key: tries[key].times if key in tries else 0 for key in keys}
    hopeful = [key for key in keys if times[key] < MOST_TRIES]
    return tuple(sorted(hopeful, key=lambda key: times[key])[:MOST_REPAIRS])
