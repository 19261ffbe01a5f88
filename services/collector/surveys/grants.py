"""What a site itself counts of accounts, users and the cluster: OpenSearch, every fifteen minutes.

Three searches, of which Slurm feels nothing. Documents are hourly; the same one told twice is one
fact, since its own time is part of the fact's id.
"""

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime

from services.collector.desk import Desk
from services.collector.surveys.outcomes import failed, well
from services.collector.surveys.sharebook import users_to_ask
from services.collector.surveys.survey import Finding
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.sample import Sample, Topic
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.contracts.shares import OccupancySampled, ShareSampled
from slurmfleet.site.errors import SiteAnswerError, SiteAnswerTooLargeError, SiteRefusedError
from slurmfleet.site.http import Places, open_site
from slurmfleet.site.opensearch import Found, OpenSearch
from slurmfleet.site.service import service_of

OPENSEARCH = "opensearch"
GRANTS_INTERVAL_S = 900.0


class GrantSurvey:
    """Asks a site's OpenSearch about one cluster."""

    topic = Topic.GRANTS

    def __init__(self, places: Places, *, interval_s: float = GRANTS_INTERVAL_S) -> None:
        """Ask every `interval_s`; `places` are shared by all clusters of the process."""
        self.interval_s = interval_s
        self._places = places

    async def ask(self, desk: Desk) -> Finding | None:
        """Ask once; None where the cluster has no such source.

        Raises:
            SiteError: It does not answer, or not to us.
        """
        source = desk.config.opensearch
        if source is None:
            return None
        service = service_of(desk.config.name, OPENSEARCH, source)
        async with open_site(service, places=self._places, clock=desk.clock) as http:
            search = OpenSearch(http, source, cluster=desk.config.name)
            visit = _Visit(desk.config.name, search.cluster, desk.clock.now())
            await visit.make(SectionName.GRANTS, search.accounts)
            users = users_to_ask(desk)
            await visit.make(SectionName.USER_GRANTS, lambda now: search.users(users, now))
            await visit.make(SectionName.OCCUPANCY, search.occupancy)
        return Finding(
            source=OPENSEARCH,
            facts=tuple(visit.facts),
            sections=tuple(visit.outcomes),
            rejected=visit.rejected,
        )


class _Visit:
    """What one asking gave so far; a search that fails by itself costs only itself."""

    def __init__(self, cluster: ClusterName, name_there: str, now: datetime) -> None:
        self.facts: list[Sample] = []
        self.outcomes: list[SectionOutcome] = []
        self.rejected: dict[str, int] = {}
        self._cluster = cluster
        self._name_there = name_there
        self._now = now

    async def make(self, name: SectionName, search: Callable[[datetime], Awaitable[Found]]) -> None:
        try:
            found = await search(self._now)
        except (SiteRefusedError, SiteAnswerError, SiteAnswerTooLargeError) as exc:
            self.outcomes.append(failed(name, str(exc)))
            return
        facts = list(_facts(self._cluster, found))
        self.facts += facts
        for what, count in found.rejected.items():
            self.rejected[what] = self.rejected.get(what, 0) + count
        rejected = sum(found.rejected.values())
        self.outcomes.append(self._outcome(name, len(facts), rejected, found.remark))

    def _outcome(self, name: SectionName, facts: int, rejected: int, remark: str) -> SectionOutcome:
        # That a user has no document is common; that a cluster has none means another name.
        if not facts and name is not SectionName.USER_GRANTS:
            return failed(
                name,
                remark
                or f"No document of a cluster {self._name_there!r} is new enough: the site may "
                "call it otherwise (opensearch.cluster), or its count stands still.",
            )
        return well(name, rows=facts, bad_rows=rejected, remark=remark)


def _facts(cluster: ClusterName, found: Found) -> Iterator[Sample]:
    for one in found.grants:
        yield ShareSampled(
            cluster=cluster,
            observed_at=one.created_at,
            source=OPENSEARCH,
            account=one.account,
            user=one.user,
            norm_shares=one.norm_shares,
            norm_usage=one.norm_usage,
            fair_share=one.fair_share,
            level_fs=one.level_fs,
            gpus_allocated=one.gpus_allocated,
            gpus_consumed=one.gpus_consumed,
            gpus_consumed_normal=one.gpus_consumed_normal,
            gpus_consumed_free=one.gpus_consumed_free,
            fair_share_gpus_available=one.gpus_available,
            gpus_pending_eligible=one.gpus_pending,
        )
    if found.occupancy is not None:
        yield OccupancySampled(
            cluster=cluster,
            observed_at=found.occupancy.created_at,
            source=OPENSEARCH,
            gpus_total=found.occupancy.gpus_total,
            gpus_allocated=found.occupancy.gpus_allocated,
            gpus_idle=found.occupancy.gpus_idle,
        )
