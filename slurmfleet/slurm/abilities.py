"""What one cluster's Slurm can do, as far as it could be asked; None is "not known".

Where something is not known the careful choice is taken: no field, option or program is used
that every Slurm since 20.11 does not have.

Source: the manual pages of Slurm 20.11 to 25.11; answers of 22.05.8 and 24.11.5 to
`commands.probe_sections`, recorded in tests/fixtures/slurm.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from slurmfleet.contracts.commands import Ability

UNKNOWN = "unknown"
_NUMBERS = re.compile(r"(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What was learnt of a cluster's Slurm over one connection."""

    slurm_version: str = ""
    """As `24.11.5`; empty where it was not told."""

    queue_fields: frozenset[str] | None = None
    """Fields of squeue -O, in lower case; of those that were asked for."""

    node_fields: frozenset[str] | None = None
    """Fields of sinfo -O, likewise."""

    has_suffixes: bool | None = None
    """Whether `-O Name:suffix` is understood; without it no record can be told from another."""

    accounting_fields: frozenset[str] | None = None
    """Fields of sacct, in lower case; empty where there is no sacct."""

    accounting_storage: str | None = None
    """AccountingStorageType, `accounting_storage/slurmdbd`; empty where there is none."""

    counted_tres: tuple[str, ...] | None = None
    """AccountingStorageTRES: what tres-alloc can show."""

    has_only_job_state: bool | None = None
    """Whether squeue has --only-job-state, which spares the controller most of the work."""

    data_parsers: tuple[str, ...] | None = None
    """Versions that --json can be asked for by name, as `v0.0.42`; empty before 23.11."""

    is_rate_limited: bool | None = None
    """Whether the controller counts each user's requests (SlurmctldParameters=rl_enable)."""

    min_job_age_s: int | None = None
    """How long an ended job stays in the queue."""

    message_timeout_s: int | None = None
    """How long Slurm's commands wait for a controller that is silent."""

    cluster_name: str = ""
    """What Slurm calls the cluster; the name that the group gave it may differ."""

    priority_type: str = ""
    select_type: str = ""
    programs: frozenset[str] | None = None
    """Which of `commands.PROGRAMS` are on the PATH."""

    @property
    def is_told(self) -> bool:
        """Whether the controller answered; otherwise it is worth asking again later."""
        return self.queue_fields is not None and self.counted_tres is not None

    @property
    def has_accounting(self) -> bool | None:
        """Whether jobs are kept in a database that sacct can read."""
        if self.accounting_storage is None:
            return None
        return self.accounting_storage not in {"", "accounting_storage/none"}

    @property
    def counts_gpus(self) -> bool | None:
        """Whether tres-alloc tells GPUs; other sites' are worked out from the requests."""
        if self.counted_tres is None:
            return None
        return any(name.partition(":")[0] == "gres/gpu" for name in self.counted_tres)

    @property
    def counts_restarts(self) -> bool | None:
        """Whether sacct tells how often a job was requeued (not yet in 22.05)."""
        return None if self.accounting_fields is None else "restarts" in self.accounting_fields

    @property
    def release(self) -> tuple[int, int] | None:
        """Give year and month of the version, 24 and 11; None where it is not known."""
        numbers = _NUMBERS.match(self.slurm_version)
        return None if numbers is None else (int(numbers[1]), int(numbers[2]))

    def has_program(self, name: str) -> bool | None:
        """Whether a program is on the PATH."""
        return None if self.programs is None else name in self.programs

    def told(self) -> tuple[Ability, ...]:
        """Give everything as lines for people, in a fixed order."""
        return (
            Ability(name="Slurm", value=self.slurm_version or UNKNOWN),
            Ability(name="cluster name", value=self.cluster_name or UNKNOWN),
            Ability(
                name="queue fields",
                value=_number(self.queue_fields),
                note="those of Slurm 20.11 are asked" if self.queue_fields is None else "",
            ),
            Ability(
                name="field separators",
                value=_answer(self.has_suffixes),
                note="jobs cannot be read" if self.has_suffixes is False else "",
            ),
            Ability(name="node fields", value=_number(self.node_fields)),
            Ability(
                name="accounting",
                value=UNKNOWN
                if self.accounting_storage is None
                else self.accounting_storage or "none",
                note="ends are known from the queue alone" if self.has_accounting is False else "",
            ),
            Ability(name="accounting fields", value=_number(self.accounting_fields)),
            Ability(
                name="accounting tells restarts",
                value=_answer(self.counts_restarts),
                note=""
                if self.counts_restarts
                else "requeues that nobody saw are counted as one at least",
            ),
            Ability(
                name="GPUs counted",
                value=_answer(self.counts_gpus),
                note="worked out from requests" if self.counts_gpus is False else "",
            ),
            Ability(
                name="rate limit",
                value=_answer(self.is_rate_limited),
                note="requests are spaced out" if self.is_rate_limited else "",
            ),
            Ability(name="ended jobs stay", value=_seconds(self.min_job_age_s)),
            Ability(name="commands wait", value=_seconds(self.message_timeout_s)),
            Ability(name="job states alone", value=_answer(self.has_only_job_state)),
            Ability(name="JSON versions", value=_words(self.data_parsers)),
            Ability(name="priority", value=self.priority_type or UNKNOWN),
            Ability(name="node selection", value=self.select_type or UNKNOWN),
            Ability(name="programs", value=_words(self.programs)),
        )


def _answer(told: bool | None) -> str:  # noqa: FBT001 private, and the value itself
    return UNKNOWN if told is None else "yes" if told else "no"


def _number(told: frozenset[str] | None) -> str:
    return UNKNOWN if told is None else str(len(told))


def _seconds(told: int | None) -> str:
    return UNKNOWN if told is None else f"{told} s"


def _words(told: Iterable[str] | None) -> str:
    return UNKNOWN if told is None else " ".join(sorted(told)) or "none"


NOTHING_KNOWN = Abilities()
"""Before anything was asked."""
