"""Sets the collector's metrics after a look."""

import contextlib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from services.collector.budget import RpcBudget
from services.collector.looks.reading import Reading
from slurmfleet.contracts.events import LinkState
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.ssh.lanes import LaneLoad
from slurmfleet.telemetry import metrics

_USER_WORK = ("command", "stream", "waiting")


class Gauges:
    """The metrics of one cluster."""

    def __init__(self, cluster: ClusterName) -> None:
        """Begin without any series."""
        self._cluster = cluster
        self._populated: set[tuple[str, str]] = set()

    def close(self) -> None:
        """Drop the gauges of a cluster that is not watched any more: nobody would set them."""
        for gauge in (
            metrics.POLL_INTERVAL,
            metrics.POLL_LAST_SUCCESS,
            metrics.TRACKED_JOBS,
            metrics.OUTBOX_MESSAGES,
            metrics.SSH_CONNECTIONS,
            metrics.RPC_BUDGET_LEFT,
            metrics.RPC_BUDGET_PER_MINUTE,
            metrics.RPC_BUDGET_WAITED,
            metrics.ACCOUNTING_BREAKER,
        ):
            with contextlib.suppress(KeyError):
                gauge.remove(self._cluster)
        for kind in _USER_WORK:
            with contextlib.suppress(KeyError):
                metrics.SSH_USER_WORK.remove(self._cluster, kind)
        self._populate({})

    def after_look(
        self, link: LinkState, *, duration_s: float, interval_s: float, connections: int
    ) -> None:
        """Set what every look shows, also one that failed."""
        metrics.POLLS.labels(cluster=self._cluster, link=link).inc()
        metrics.POLL_DURATION.labels(cluster=self._cluster).observe(duration_s)
        metrics.POLL_INTERVAL.labels(cluster=self._cluster).set(interval_s)
        metrics.SSH_CONNECTIONS.labels(cluster=self._cluster).set(connections)

    def requests(self, command: str, count: int) -> None:
        """Count requests that Slurm is sent."""
        metrics.SLURM_RPCS.labels(cluster=self._cluster, command=command).inc(count)

    def budget(self, budget: RpcBudget) -> None:
        """Show what the cluster may still be asked."""
        cluster = self._cluster
        metrics.RPC_BUDGET_LEFT.labels(cluster=cluster).set(budget.left)
        metrics.RPC_BUDGET_PER_MINUTE.labels(cluster=cluster).set(budget.per_minute)
        metrics.RPC_BUDGET_WAITED.labels(cluster=cluster).set(budget.waited_s)

    def user_work(self, load: LaneLoad) -> None:
        """Show what runs and waits on behalf of people."""
        for kind, count in zip(
            _USER_WORK, (load.commands, load.streams, load.waiting), strict=True
        ):
            metrics.SSH_USER_WORK.labels(cluster=self._cluster, kind=kind).set(count)

    def after_reading(self, reading: Reading, finished_at: datetime, *, tracked: int) -> None:
        """Set what Slurm told; a section that failed leaves its gauges as they were."""
        for section in reading.sections:
            labels = {"cluster": self._cluster, "section": section.name}
            metrics.POLL_BAD_ROWS.labels(**labels).inc(section.bad_rows)
            metrics.POLL_SECTION_FAILURES.labels(**labels).inc(0 if section.ok else 1)
        if reading.detail_ok:
            metrics.POLL_LAST_SUCCESS.labels(cluster=self._cluster).set(finished_at.timestamp())
            metrics.TRACKED_JOBS.labels(cluster=self._cluster).set(tracked)
        if reading.population is not None:
            counts: Counter[tuple[str, str]] = Counter()
            for one in reading.population:
                counts[one.partition, str(one.state)] += one.jobs
            self._populate(counts)

    def _populate(self, counts: Mapping[tuple[str, str], int]) -> None:
        for gone in self._populated - counts.keys():
            metrics.JOBS.remove(self._cluster, *gone)
        for (partition, state), jobs in counts.items():
            metrics.JOBS.labels(cluster=self._cluster, partition=partition, state=state).set(jobs)
        self._populated = set(counts)
