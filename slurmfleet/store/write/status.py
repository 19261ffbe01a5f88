"""What polls say of a cluster; pure.

Each value comes from the newest poll that told it, so polls may be folded in any order and any
number of times with the same result, and a failed poll clears nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from slurmfleet.contracts.events import LinkState, PollFinished
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.sections import SectionName, SectionOutcome

_DETAIL = frozenset({SectionName.DETAIL, SectionName.DETAIL_ACCOUNTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterStatus:
    """A row of `cluster_status`; the comments on its columns say what each is."""

    cluster: ClusterName
    last_poll_started_at: datetime
    last_poll_finished_at: datetime
    link: str
    error: str
    interval_s: float
    state_since: datetime
    slurm_rpcs: int
    failing_since: datetime | None = None
    """Completed from the stored polls by the statement that writes it."""

    good_poll_started_at: datetime | None = None
    observed_at: datetime | None = None
    tracked_jobs: int = 0
    detail_asked_at: datetime | None = None
    detail_error: str = ""
    queue_observed_at: datetime | None = None
    queue_asked_at: datetime | None = None
    queue_error: str = ""
    accounting_observed_at: datetime | None = None
    accounting_asked_at: datetime | None = None
    accounting_error: str = ""
    slurm_version: str = ""
    slurm_version_told_at: datetime | None = None
    clock_offset_s: float | None = None
    clock_offset_told_at: datetime | None = None


def told_jobs(poll: PollFinished) -> bool:
    """Say whether the poll told every tracked job."""
    asked = _asked(poll, _DETAIL)
    return bool(asked) and all(section.ok for section in asked)


def has_failed(poll: PollFinished) -> bool:
    """Say whether the cluster was not reached, or did not tell the tracked jobs when asked."""
    missed = poll.link is not LinkState.OK or bool(_asked(poll, _DETAIL))
    return missed and not told_jobs(poll)


def after_poll(status: ClusterStatus | None, poll: PollFinished) -> ClusterStatus:
    """Give the status of a cluster after one more poll, be it newer or older."""
    latest = _latest(status, poll)
    for told in (_with_detail, _with_queue, _with_accounting, _with_facts):
        latest = told(latest, poll)
    good, failing = latest.good_poll_started_at, latest.failing_since
    if good is not None and failing is not None and failing < good:
        latest = replace(latest, failing_since=None)
    return latest


def _latest(status: ClusterStatus | None, poll: PollFinished) -> ClusterStatus:
    if status is None:
        return ClusterStatus(
            cluster=poll.cluster,
            last_poll_started_at=poll.started_at,
            last_poll_finished_at=poll.finished_at,
            link=poll.link,
            error=poll.error,
            interval_s=poll.interval_s,
            state_since=poll.state_since,
            slurm_rpcs=poll.slurm_rpcs,
        )
    if poll.started_at <= status.last_poll_started_at:
        return status
    return replace(
        status,
        last_poll_started_at=poll.started_at,
        last_poll_finished_at=poll.finished_at,
        link=poll.link,
        error=poll.error,
        interval_s=poll.interval_s,
        state_since=poll.state_since,
        slurm_rpcs=poll.slurm_rpcs,
    )


def _with_detail(status: ClusterStatus, poll: PollFinished) -> ClusterStatus:
    asked = _asked(poll, _DETAIL)
    if asked and _is_newer(poll, status.detail_asked_at):
        status = replace(status, detail_asked_at=poll.started_at, detail_error=_error(asked))
    if told_jobs(poll) and _is_newer(poll, status.good_poll_started_at):
        status = replace(
            status,
            good_poll_started_at=poll.started_at,
            observed_at=poll.finished_at,
            tracked_jobs=poll.tracked_jobs,
        )
    return status


def _with_queue(status: ClusterStatus, poll: PollFinished) -> ClusterStatus:
    asked = _asked(poll, frozenset({SectionName.QUEUE}))
    if asked and _is_newer(poll, status.queue_asked_at):
        status = replace(status, queue_asked_at=poll.started_at, queue_error=_error(asked))
    if poll.population is not None:
        newest = _newer(status.queue_observed_at, poll.finished_at)
        status = replace(status, queue_observed_at=newest)
    return status


def _with_accounting(status: ClusterStatus, poll: PollFinished) -> ClusterStatus:
    asked = _asked(poll, frozenset({SectionName.ACCOUNTING}))
    if asked and _is_newer(poll, status.accounting_asked_at):
        status = replace(
            status,
            accounting_asked_at=poll.started_at,
            accounting_error=_error(asked) or _remark(asked),
        )
    if asked and all(section.ok for section in asked):
        newest = _newer(status.accounting_observed_at, poll.finished_at)
        status = replace(status, accounting_observed_at=newest)
    return status


def _with_facts(status: ClusterStatus, poll: PollFinished) -> ClusterStatus:
    if poll.slurm_version and _is_newer(poll, status.slurm_version_told_at):
        status = replace(
            status, slurm_version=poll.slurm_version, slurm_version_told_at=poll.started_at
        )
    if poll.clock_offset_s is not None and _is_newer(poll, status.clock_offset_told_at):
        status = replace(
            status, clock_offset_s=poll.clock_offset_s, clock_offset_told_at=poll.started_at
        )
    return status


def _asked(poll: PollFinished, names: frozenset[SectionName]) -> list[SectionOutcome]:
    return [section for section in poll.sections if section.name in names]


def _error(asked: list[SectionOutcome]) -> str:
    """Give the first failed section's error, in words even where Slurm had none; else nothing."""
    failed = next((section for section in asked if not section.ok), None)
    if failed is None:
        return ""
    if failed.error:
        return failed.error
    if failed.exit_status is None:
        return f"{failed.name} never reported its end"
    return f"{failed.name} failed with exit status {failed.exit_status}"


def _remark(asked: list[SectionOutcome]) -> str:
    """Give what a section that went well says besides: that the site keeps no accounting."""
    return next((section.error for section in asked if section.ok), "")


def _is_newer(poll: PollFinished, told_at: datetime | None) -> bool:
    return told_at is None or poll.started_at > told_at


def _newer(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
