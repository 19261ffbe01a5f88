"""A job, and looks at it that are played one after another."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.collector.jobs.diff import open_questions, reconcile
from services.collector.jobs.tracked import Look, Tracked
from slurmfleet.contracts.events import JobFact
from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.jobs import Job, JobState

ALPHA = ClusterName("alpha")

T0 = datetime(2026, 1, 1, 12, tzinfo=UTC)

PENDING = Job(
    job_id=JobId("7"),
    raw_id=7,
    submitted_at=T0,
    state=JobState.PENDING,
    reason="Priority",
    name="train",
    user="alice",
    account="ml",
)

RUNNING = replace(
    PENDING,
    state=JobState.RUNNING,
    reason="",
    started_at=T0 + timedelta(seconds=5),
    node_list="gpu01",
)

COMPLETED = replace(
    RUNNING, state=JobState.COMPLETED, ended_at=T0 + timedelta(seconds=9), exit_code=0
)

FAILED = replace(COMPLETED, state=JobState.FAILED, exit_code=1)


class Watch:
    """Plays looks, one after another, a second apart unless told otherwise."""

    def __init__(self) -> None:
        self.memory: dict[JobId, Tracked] = {}
        self.now = T0
        self.facts: list[JobFact] = []

    def look(
        self,
        present: Sequence[Job] | None,
        accounting: Sequence[Job] | None = None,
        *,
        after: timedelta = timedelta(seconds=1),
        **more: Any,  # noqa: ANN401 fields of Look
    ) -> list[str]:
        self.now += after
        outcome = reconcile(
            ALPHA,
            self.memory,
            Look(
                observed_at=self.now,
                present=None if present is None else tuple(present),
                accounting=None if accounting is None else tuple(accounting),
                asked=open_questions(self.memory) if accounting is not None else frozenset(),
                **more,
            ),
        )
        self.memory |= outcome.remembered
        self.facts += outcome.facts
        return [f"{fact.job.job_id} {fact.verb} {fact.job.state}" for fact in outcome.facts]


AGAIN = replace(
    PENDING, submitted_at=T0 + timedelta(seconds=60), restart_count=1, reason="BeginTime"
)
