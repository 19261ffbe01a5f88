"""How the questions beside the looks went, and the roll of live jobs."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.nouns import Noun
from slurmfleet.contracts.sample import Sample, Topic
from slurmfleet.contracts.sections import SectionOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyFinished(Sample):
    """A question beside the looks was asked, well or badly."""

    noun: ClassVar[Noun] = Noun.SURVEY
    verb: ClassVar[str] = "finished"

    topic: Topic
    started_at: datetime
    ok: bool
    error: str = ""
    """What went wrong and what mends it; empty when all went well."""

    interval_s: float
    """How long until it is asked again; what it told is stale after three of them."""

    sections: tuple[SectionOutcome, ...] = ()
    facts: int = 0
    rejected: int = 0
    """Values that no machine can have, left out."""

    slurm_rpcs: int = 0

    def _identity(self) -> tuple[str, ...]:
        return (self.topic,)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollEntry:
    """One live tracked job."""

    job_id: JobId
    submitted_at: datetime
    revision: int = 0
    """Of the newest fact that was told of it; 0 where the collector does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollCalled(Sample):
    """The live jobs that a collector remembers, so that others find what they missed."""

    noun: ClassVar[Noun] = Noun.ROLL
    verb: ClassVar[str] = "called"

    part: int
    """From 0: a long roll takes several messages."""

    parts: int
    jobs: tuple[RollEntry, ...]
    with_ended: bool = False
    """Whether those are named as well that are over, because facts were lost."""

    def _identity(self) -> tuple[str, ...]:
        return str(self.part), str(self.parts)
