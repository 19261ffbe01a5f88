"""Sets the metrics of partitions, nodes and GPUs after each asking."""

from collections.abc import Iterator

from prometheus_client import Gauge

from services.collector.surveys.survey import Finding
from slurmfleet.contracts.capacity import GpuTally, PartitionSampled
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.telemetry import metrics

GPU_STATES = ("allocated", "free", "offline", "reserved", "planned", "blocked")
"""The parts of a tally: a GPU is in exactly one."""

_Series = tuple[str, str]


class CapacityGauges:
    """The capacity metrics of one cluster. Partition "" is the whole cluster."""

    def __init__(self, cluster: ClusterName) -> None:
        """Begin without any series."""
        self._cluster = cluster
        self._shown: dict[Gauge, set[_Series]] = {metrics.GPUS: set(), metrics.NODES: set()}

    def after_asking(self, finding: Finding) -> None:
        """Set what was told. Without facts nothing was seen, and the gauges stay as they were.

        Series of partitions that are not told any more are removed once the partitions were read.
        """
        facts = [one for one in finding.facts if isinstance(one, PartitionSampled)]
        if not facts:
            return
        is_whole = all(section.ok for section in finding.sections)
        self._show(metrics.GPUS, dict(_gpus(facts)), is_whole=is_whole)
        self._show(metrics.NODES, dict(_nodes(facts)), is_whole=is_whole)

    def close(self) -> None:
        """Drop every series."""
        for gauge in self._shown:
            self._show(gauge, {}, is_whole=True)

    def _show(self, gauge: Gauge, values: dict[_Series, int], *, is_whole: bool) -> None:
        shown = self._shown[gauge]
        told = {partition for partition, _ in values}
        gone = {one for one in shown - values.keys() if is_whole or one[0] in told}
        for partition, state in gone:
            gauge.remove(self._cluster, partition, state)
        for (partition, state), count in values.items():
            gauge.labels(cluster=self._cluster, partition=partition, state=state).set(count)
        self._shown[gauge] = (shown - gone) | values.keys()


def _gpus(facts: list[PartitionSampled]) -> Iterator[tuple[_Series, int]]:
    for fact in facts:
        for state in GPU_STATES if fact.gpus else ():
            yield (fact.partition, state), sum(_part(tally, state) for tally in fact.gpus)


def _part(tally: GpuTally, state: str) -> int:
    return int(getattr(tally, state))


def _nodes(facts: list[PartitionSampled]) -> Iterator[tuple[_Series, int]]:
    for fact in facts:
        for state, count in fact.nodes_by_state.items():
            yield (fact.partition, state), count
