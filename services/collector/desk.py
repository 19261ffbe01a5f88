"""Where a survey asks: the cluster's login node within its budget, and what is known by now."""

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.collector.budget import RpcBudget
from services.collector.jobs.tracked import Memory
from services.collector.round_trip import NONCE_BYTES, IncompleteAnswerError, run_sections
from slurmfleet.contracts.events import PartitionCount
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.slurm.commands import Section
from slurmfleet.slurm.frames import Frames
from slurmfleet.slurm.probe import Probe
from slurmfleet.slurm.records import Separators, separators_for
from slurmfleet.slurm.waiting import Waiting
from slurmfleet.ssh.port import Link
from slurmfleet.telemetry import metrics
from slurmfleet.timing.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the login node said to one asking."""

    frames: Frames
    separators: Separators
    """With which the sections were asked to part fields and records."""

    observed_at: datetime
    """When the answer was there."""


@dataclass(slots=True, kw_only=True)
class Known:
    """What the looks have found; the watch keeps it up to date, surveys read it."""

    probe: Probe | None = None
    memory: Memory
    """Tracked jobs by id, as they were last told."""

    population: tuple[PartitionCount, ...] | None = None
    """Everybody's jobs as they were last counted; None before the first count."""

    waiting: tuple[Waiting, ...] | None = None
    """What waiting jobs ask for, from the same count."""


class Desk:
    """One cluster as its surveys see it."""

    def __init__(
        self,
        config: ClusterConfig,
        *,
        link: Link,
        budget: RpcBudget,
        known: Known,
        clock: Clock,
        keep: float = 0.0,
        may_ask: Callable[[], None] = lambda: None,
    ) -> None:
        """Lay out what surveys of `config` need.

        Args:
            config: The cluster.
            link: To its login node.
            budget: What its Slurm may be asked.
            known: What the looks have found.
            clock: For all times.
            keep: Requests that are left in the budget for looks.
            may_ask: Called before each asking; raises where another replica has taken over.
        """
        self.config = config
        self.link = link
        self.known = known
        self.clock = clock
        self._budget = budget
        self._keep = keep
        self._may_ask = may_ask
        self.rpcs: Counter[str] = Counter()
        """Requests made so far by command; the runner reads and clears it."""

    @property
    def is_probed(self) -> bool:
        """Whether the login node was asked who it is."""
        return self.known.probe is not None

    @property
    def probe(self) -> Probe:
        """What was learnt of the login node.

        Raises:
            IncompleteAnswerError: It was not probed yet.
        """
        if self.known.probe is None:
            raise IncompleteAnswerError("The login node was not probed yet.")
        return self.known.probe

    def check_ours(self) -> None:
        """Raise where another replica has taken over the cluster: its conclusions count."""
        self._may_ask()

    async def ask(
        self, sections_with: Callable[[Separators], Sequence[Section]], *, limit_s: float
    ) -> Answer:
        """Run sections in one round trip, once the budget allows what they cost Slurm.

        Args:
            sections_with: Gives the sections for the separators of this call.
            limit_s: For the round trip; a section has a limit of its own.

        Raises:
            SshError: The login node cannot be reached.
            IncompleteAnswerError: It did not run to the first section.
        """
        nonce = secrets.token_hex(NONCE_BYTES)
        separators = separators_for(nonce)
        sections = tuple(sections_with(separators))
        cost = requests_by_command(sections)
        await self._budget.take(cost.total(), keep=self._keep)
        self._may_ask()
        self.rpcs.update(cost)
        for command, count in cost.items():
            metrics.SLURM_RPCS.labels(cluster=self.config.name, command=command).inc(count)
        frames = await run_sections(
            self.link, sections, self.probe.environment, limit_s=limit_s, nonce=nonce
        )
        return Answer(frames=frames, separators=separators, observed_at=self.clock.now())

    def afford(self, command: str, count: int) -> bool:
        """Count requests that are made beside `ask`, if the budget has them now; say whether."""
        if self._budget.wait_s(count, keep=self._keep) > 0:
            return False
        self.spend(command, count)
        return True

    def spend(self, command: str, count: int) -> None:
        """Count requests that are made beside `ask`, and take them from the budget."""
        self._budget.spend(count)
        self.rpcs[command] += count
        metrics.SLURM_RPCS.labels(cluster=self.config.name, command=command).inc(count)


def requests_by_command(sections: Sequence[Section]) -> Counter[str]:
    """Count the requests that sections make of Slurm, by program."""
    counts: Counter[str] = Counter()
    for section in sections:
        if section.requests:
            counts[section.argv[0]] += section.requests
    return counts
