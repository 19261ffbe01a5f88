"""What a collector can tell of its cluster and of itself, without asking anybody."""

from services.collector.breaker import Breaker
from services.collector.looks.inquiry import Inquiry
from services.collector.looks.watch import ClusterWatch
from services.collector.station import Station
from services.collector.surveys.runner import SurveyRunner
from slurmfleet.contracts.commands import Diagnosis, QuestionState, UnreadLine

MOST_LINES = 20
_NO_ACCOUNTING = "no accounting on this site: how jobs end is known from the queue alone"


def diagnose(station: Station) -> Diagnosis:
    """Give what is known of a cluster; reads the state file for lines that were not understood."""
    probe = station.known.probe
    return Diagnosis(
        slurm_version=probe.slurm_version if probe is not None else "",
        login_user=probe.user if probe is not None else "",
        transport=station.config.transport,
        connections_opened=station.link.connections_opened,
        tracked_jobs=station.book.live,
        rpcs_per_minute=station.budget.per_minute,
        rpcs_left=round(station.budget.left, 1) if station.budget.per_minute else 0.0,
        budget_waited_s=round(station.budget.waited_s, 1),
        abilities=probe.abilities.told() if probe is not None else (),
        questions=(
            _looks(station.watch),
            _accounting(station.inquiry),
            *(_survey(one) for one in station.surveys),
        ),
        unread_lines=tuple(
            UnreadLine(
                section=row.section,
                line=row.line,
                error=row.error,
                first_seen_at=row.first_seen_at,
                last_seen_at=row.last_seen_at,
                times=row.times,
            )
            for row in station.state.bad_rows()[:MOST_LINES]
        ),
    )


def _looks(watch: ClusterWatch) -> QuestionState:
    last, pace = watch.last, watch.pace
    return QuestionState(
        name="looks",
        ok=None if last is None else last.good and not last.error,
        error=last.error if last is not None else "",
        good_at=watch.good_at,
        failing_since=watch.failing_since,
        interval_s=pace.interval_s(hot=False),
        detail=f"stretched {pace.stretch}-fold" if pace.stretch > 1 else "",
    )


def _accounting(inquiry: Inquiry) -> QuestionState:
    if inquiry.is_absent:
        return QuestionState(name="accounting", ok=True, interval_s=0, detail=_NO_ACCOUNTING)
    breaker = inquiry.breaker
    asked = inquiry.heard_at is not None or breaker.is_open
    return QuestionState(
        name="accounting",
        ok=not breaker.is_open if asked else None,
        error=breaker.error,
        failing_since=breaker.failing_since,
        good_at=inquiry.heard_at,
        interval_s=_wait_s(breaker, inquiry.interval_s),
    )


def _survey(runner: SurveyRunner) -> QuestionState:
    last = runner.last
    return QuestionState(
        name=runner.topic,
        ok=last.ok if last is not None else None,
        error=last.error if last is not None else "",
        failing_since=runner.failing_since,
        good_at=runner.last_good_at,
        interval_s=runner.wait_s,
        detail=f"from {last.source}, {last.facts} facts" if last is not None and last.ok else "",
    )


def _wait_s(breaker: Breaker, interval_s: float) -> float:
    return (
        min(breaker.most_s, breaker.first_s * 2**breaker.failures)
        if breaker.is_open
        else interval_s
    )
