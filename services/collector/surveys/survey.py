"""What a survey is: one topic that is asked about again and again, beside the looks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from services.collector.desk import Desk
from slurmfleet.contracts.sample import Sample, Topic
from slurmfleet.contracts.sections import SectionOutcome
from slurmfleet.slurm.records import BadRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one asking gave."""

    source: str
    """Where it was read: `scontrol`, `sshare`, `prometheus`."""

    facts: tuple[Sample, ...] = ()
    sections: tuple[SectionOutcome, ...] = ()
    bad_rows: tuple[BadRow, ...] = ()
    rejected: Mapping[str, int] | None = None
    """Values that no machine can have, left out: how many by what they were."""

    has_stand_in: bool = False
    """Whether another source stood in for what failed: then the asking as a whole went well."""

    @property
    def error(self) -> str:
        """Give the first failed section's words; empty when all is well."""
        if self.has_stand_in:
            return ""
        return next((one.error for one in self.sections if not one.ok), "")


class Survey(Protocol):
    """One topic of one cluster. What it remembers between two askings is its own business."""

    @property
    def topic(self) -> Topic:
        """What it is about; one survey per topic and cluster."""
        ...

    @property
    def interval_s(self) -> float:
        """Between two askings while all is well."""
        ...

    async def ask(self, desk: Desk) -> Finding | None:
        """Ask once; None when there is nothing to ask at present, which costs nothing.

        A part that fails is a section that is not ok: the others' facts count all the same.

        Raises:
            SshError: The login node cannot be reached.
            IncompleteAnswerError: The login node ran nothing.
            SiteError: An HTTP service of the site does not answer.
        """
        ...
