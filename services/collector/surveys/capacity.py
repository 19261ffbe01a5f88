"""Partitions, nodes and free GPUs: one asking gives a fact per partition and one for the cluster.

A section that fails costs what follows from it and no more: without nodes nothing is told, without
partitions the cluster alone; without reservations every flag RESERVED is somebody else's. What was
told before stands until it is stale.
"""

from datetime import UTC, datetime

from services.collector.desk import Answer, Desk, Known
from services.collector.surveys.capacity_gauges import CapacityGauges
from services.collector.surveys.demand import demand_by_partition
from services.collector.surveys.holds import Party
from services.collector.surveys.records import read_listed
from services.collector.surveys.survey import Finding
from services.collector.surveys.tally import SOURCE, Seen, sample_capacity
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.sample import Topic
from slurmfleet.contracts.sections import SectionName
from slurmfleet.slurm.commands import QUEUE_LIMIT_S, capacity_sections
from slurmfleet.slurm.nodes import parse_nodes
from slurmfleet.slurm.partitions import parse_partitions
from slurmfleet.slurm.reservations import parse_reservations

INTERVAL_S = 120.0


class CapacitySurvey:
    """Asks scontrol for nodes, partitions and reservations."""

    def __init__(
        self,
        cluster: ClusterName,
        *,
        interval_s: float = INTERVAL_S,
        section_limit_s: float = QUEUE_LIMIT_S,
    ) -> None:
        """Begin without having asked.

        Args:
            cluster: Whose metrics are set.
            interval_s: Between two askings.
            section_limit_s: For each of the three commands.
        """
        self._interval_s = interval_s
        self._section_limit_s = section_limit_s
        self._gauges = CapacityGauges(cluster)

    @property
    def topic(self) -> Topic:
        """What it is about."""
        return Topic.CAPACITY

    @property
    def interval_s(self) -> float:
        """Between two askings."""
        return self._interval_s

    async def ask(self, desk: Desk) -> Finding | None:
        """Ask once; a failed section leaves the metrics that follow from it as they were.

        Raises:
            SshError: The login node cannot be reached.
            IncompleteAnswerError: The login node ran nothing.
        """
        sections = capacity_sections(limit_s=self._section_limit_s)
        limit_s = self._section_limit_s * (len(sections) + 1)
        answer = await desk.ask(lambda _: sections, limit_s=limit_s)
        finding = read_capacity(answer, desk.config, desk.known, user=desk.probe.user)
        self._gauges.after_asking(finding)
        return finding

    def close(self) -> None:
        """Drop the metrics of a cluster that is not watched any more."""
        self._gauges.close()


def read_capacity(answer: Answer, config: ClusterConfig, known: Known, *, user: str) -> Finding:
    """Make facts of one answer; pure.

    Args:
        answer: With the three sections.
        config: Whose accounts tell which reservations are ours.
        known: The looks' counts of everybody's jobs.
        user: Who we are on the login node.
    """
    nodes = read_listed(answer, SectionName.NODES, parse_nodes)
    partitions = read_listed(answer, SectionName.PARTITIONS, parse_partitions)
    reservations = read_listed(
        answer, SectionName.RESERVATIONS, parse_reservations, may_be_empty=True
    )
    facts = ()
    if nodes.rows is not None:
        accounts = frozenset((config.account, *config.track_accounts)) - {""}
        facts = sample_capacity(
            config.name,
            Seen(
                nodes=nodes.rows,
                partitions=partitions.rows,
                reservations=reservations.rows or (),
                population=known.population,
                demand=demand_by_partition(known.waiting) if known.waiting is not None else None,
            ),
            party=Party(user=user, accounts=accounts),
            now=_cluster_time(answer),
            observed_at=answer.observed_at,
        )
    read = (nodes, partitions, reservations)
    return Finding(
        source=SOURCE,
        facts=facts,
        sections=tuple(one.outcome for one in read),
        bad_rows=tuple(row for one in read for row in one.bad),
    )


def _cluster_time(answer: Answer) -> datetime:
    """Give the login node's own time, by which its reservations begin; ours if it is not told."""
    epoch_s = answer.frames.remote_epoch_s
    return answer.observed_at if epoch_s is None else datetime.fromtimestamp(epoch_s, tz=UTC)
