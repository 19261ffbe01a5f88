"""What the projector does to its tables from time to time, beside the ingest."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from services.projector.projects import Projects
from services.projector.settings import ProjectorSettings
from slurmfleet.store.pool import StorePool
from slurmfleet.store.write.board import forget_pins
from slurmfleet.store.write.job_use import AT_ONCE, roll_up_job_use
from slurmfleet.store.write.retention import forget_polls, forget_rows
from slurmfleet.store.write.usage import work_out_usage
from slurmfleet.telemetry.metrics import STORE_FORGOTTEN
from slurmfleet.timing.clock import Clock

_FORGET_EVERY_S = 6 * 3_600.0
_ROLL_UP_EVERY_S = 120.0
_USAGE_EVERY_S = 5.0
"""How late the use of a run that ended may be counted; a day costs milliseconds."""

_PROJECTS_EVERY_S = 30.0
"""How late stored jobs may follow new rules; one small question while nothing changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """One kind of work that comes again; it begins with the process."""

    name: str
    every_s: float
    """Between the end of one turn and the begin of the next."""

    work: Callable[[], Awaitable[object]]


def chores(
    pool: StorePool, clock: Clock, settings: ProjectorSettings, projects: Projects
) -> tuple[Chore, ...]:
    """Give the chores of a projector."""

    async def forget() -> None:
        """Let go of what is old."""
        before = clock.now() - timedelta(days=settings.keep_polls_days)
        STORE_FORGOTTEN.labels(table="polls").inc(await forget_polls(pool, before=before))
        for table, days in kept_days(settings):
            before = clock.now() - timedelta(days=days)
            STORE_FORGOTTEN.labels(table=table).inc(await forget_rows(pool, table, before=before))
        STORE_FORGOTTEN.labels(table="board_pins").inc(await forget_pins(pool))

    async def roll_up() -> None:
        """Work out how well jobs used what they held, until nothing is marked."""
        while await roll_up_job_use(pool) == AT_ONCE:
            pass

    return (
        Chore(name="retention", every_s=_FORGET_EVERY_S, work=forget),
        Chore(name="job-use", every_s=_ROLL_UP_EVERY_S, work=roll_up),
        Chore(name="usage", every_s=_USAGE_EVERY_S, work=partial(work_out_usage, pool)),
        Chore(name="projects", every_s=_PROJECTS_EVERY_S, work=projects.follow),
    )


def kept_days(settings: ProjectorSettings) -> Sequence[tuple[str, float]]:
    """Give each table that is not kept for ever and for how long, in the order of forgetting.

    Series come after their samples, and use after the jobs that it is of.
    """
    of_clusters = ("partition_samples", "share_samples", "qos_samples", "quota_samples")
    kept = {
        "gpu_samples": settings.keep_gpu_samples_days,
        "gpu_use_5min": settings.keep_gpu_samples_days,
        "load_samples": settings.keep_load_samples_days,
        "gpu_series": settings.keep_gpu_samples_days,
        "load_series": settings.keep_load_samples_days,
        "sampling_gaps": settings.keep_gpu_samples_days,
        **dict.fromkeys(of_clusters, settings.keep_cluster_samples_days),
        "occupancy_samples": settings.keep_cluster_samples_days,
        "newest_samples": settings.keep_cluster_samples_days,
        "usage_samples": settings.keep_usage_days,
        "usage_daily": settings.keep_usage_days,
        "surveys": settings.keep_surveys_days,
        "job_events": settings.keep_job_events_days,
        "jobs": settings.keep_jobs_days,
        "ended_runs": settings.keep_jobs_days,
        "job_use": settings.keep_jobs_days,
        "job_use_hours": settings.keep_jobs_days,
    }
    return [(table, days) for table, days in kept.items() if days > 0]


async def repeat(chore: Chore, clock: Clock) -> None:
    """Do a chore again and again, for ever."""
    while True:
        await chore.work()
        await clock.sleep(chore.every_s)
