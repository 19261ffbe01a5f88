"""What a site counts of accounts, users and clusters, out of OpenSearch.

Documents are written about once an hour; the newest of each account counts, of each user in each
account, and of the cluster. Searches are bounded: by cluster, by time, by the number of accounts,
and for users by their names.

Source: https://opensearch.org/docs/latest/api-reference/search/ (POST INDEX/_search),
aggregations `terms` and `top_hits`; Elasticsearch 7 answers alike.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from slurmfleet.contracts.registry import OpenSearchSource
from slurmfleet.site.errors import SiteAnswerError
from slurmfleet.site.http import SiteHttp, understood

MOST_ACCOUNTS = 500
MOST_USERS = 200
MOST_GPUS = 10_000_000.0
"""More than any cluster has: such a number is nonsense."""

AHEAD = timedelta(hours=2)
"""How far a document's clock may be ahead of ours; hours are often stamped with their end."""

_LATEST = "latest"
_ACCOUNTS = "accounts"
_USERS = "users"
_MILLISECONDS = 1000
_LATEST_EPOCH_S = 253_402_300_799


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The newest document of an account (user empty), or of a user in it; None: not in it."""

    account: str
    user: str = ""
    created_at: datetime
    gpus_allocated: float | None = None
    gpus_consumed: float | None = None
    gpus_consumed_normal: float | None = None
    gpus_consumed_free: float | None = None
    gpus_available: float | None = None
    gpus_pending: float | None = None
    fair_share: float | None = None
    level_fs: float | None = None
    norm_shares: float | None = None
    norm_usage: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupancy:
    """The newest document of a whole cluster."""

    created_at: datetime
    gpus_total: float | None
    gpus_allocated: float | None
    gpus_idle: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search gave."""

    grants: tuple[Grant, ...] = ()
    occupancy: Occupancy | None = None
    rejected: Mapping[str, int]
    """Documents and values left out, by what they were."""

    remark: str = ""
    """What makes it less than whole: shards that failed, more accounts than are asked for."""


class _Shards(BaseModel):
    failed: int = 0


class _Hit(BaseModel):
    source: dict[str, JsonValue] = Field(alias="_source")


class _Hits(BaseModel):
    hits: list[_Hit] = Field(max_length=10_000)


class _Latest(BaseModel):
    hits: _Hits


class _UserBucket(BaseModel):
    latest: _Latest


class _UserBuckets(BaseModel):
    buckets: list[_UserBucket] = Field(max_length=10_000)
    sum_other_doc_count: int = 0


class _AccountBucket(BaseModel):
    latest: _Latest | None = None
    users: _UserBuckets | None = None


class _AccountBuckets(BaseModel):
    buckets: list[_AccountBucket] = Field(max_length=10_000)
    sum_other_doc_count: int = 0


class _Aggregations(BaseModel):
    accounts: _AccountBuckets


class _Answer(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    timed_out: bool = False
    shards: _Shards = Field(default=_Shards(), alias="_shards")
    hits: _Hits
    aggregations: _Aggregations | None = None


class OpenSearch:
    """One cluster's documents in a site's OpenSearch."""

    def __init__(self, http: SiteHttp, source: OpenSearchSource, *, cluster: str) -> None:
        """Read what the documents call `cluster`."""
        self._http = http
        self._source = source
        self._fields = source.fields
        self._cluster = source.cluster or cluster

    @property
    def cluster(self) -> str:
        """Give what the documents call the cluster."""
        return self._cluster

    async def accounts(self, now: datetime) -> Found:
        """Give the newest document of each account.

        Raises:
            SiteError: It cannot be had.
        """
        answer = await self._search(
            self._source.account_index,
            self._query(self._source.account_kind, now),
            aggregation=self._by_account(self._newest()),
        )
        return self._found(answer, _account_documents(answer), now)

    async def users(self, names: Sequence[str], now: datetime) -> Found:
        """Give the newest document of each of these users in each account.

        Raises:
            SiteError: It cannot be had.
        """
        user = f"{self._fields.user}{self._source.keyword_suffix}"
        by_user: JsonValue = {
            _USERS: {"terms": {"field": user, "size": MOST_USERS}, "aggs": self._newest()}
        }
        asked: list[JsonValue] = [*names[:MOST_USERS]]
        answer = await self._search(
            self._source.user_index,
            [*self._query(self._source.user_kind, now), {"terms": {user: asked}}],
            aggregation=self._by_account(by_user),
        )
        return self._found(answer, _user_documents(answer), now, of_users=True)

    async def occupancy(self, now: datetime) -> Found:
        """Give the newest document of the cluster.

        Raises:
            SiteError: It cannot be had.
        """
        answer = await self._search(
            self._source.occupancy_index, self._query(self._source.occupancy_kind, now), size=1
        )
        reader = _Documents(self._fields.model_dump(), self._cluster, now)
        documents = [hit.source for hit in answer.hits.hits]
        told = [one for one in map(reader.occupancy, documents) if one is not None]
        return Found(
            occupancy=told[0] if told else None, rejected=reader.rejected, remark=_remark(answer)
        )

    async def _search(
        self,
        index: str,
        filters: list[JsonValue],
        *,
        aggregation: JsonValue = None,
        size: int = 0,
    ) -> _Answer:
        body: dict[str, JsonValue] = {
            "size": size,
            "query": {"bool": {"filter": filters}},
            "sort": self._newest_first(),
        }
        if aggregation is not None:
            body["aggs"] = aggregation
        document = await self._http.post_json(index, "_search", body=body)
        answer = understood(document, _Answer, self._http.service)
        if aggregation is not None and answer.aggregations is None and answer.shards.failed == 0:
            # An index pattern that matches nothing is answered well, without aggregations.
            hint = "it has no index of that name, or is no OpenSearch"
            raise SiteAnswerError(self._http.service.id, f"no aggregations: {hint}")
        return answer

    def _query(self, kind: str, now: datetime) -> list[JsonValue]:
        suffix, fields = self._source.keyword_suffix, self._fields
        oldest = now - timedelta(hours=self._source.newest_within_h)
        filters: list[JsonValue] = [
            {"term": {f"{fields.cluster}{suffix}": self._cluster}},
            # A number is understood by fields mapped as dates and by those mapped as numbers.
            {"range": {fields.created: {"gte": int(oldest.timestamp() * _MILLISECONDS)}}},
        ]
        if self._source.kind_field:
            filters.append({"term": {f"{self._source.kind_field}{suffix}": kind}})
        return filters

    def _newest_first(self) -> JsonValue:
        return [{self._fields.created: {"order": "desc"}}]

    def _newest(self) -> JsonValue:
        return {_LATEST: {"top_hits": {"size": 1, "sort": self._newest_first()}}}

    def _by_account(self, inner: JsonValue) -> JsonValue:
        field = f"{self._fields.account}{self._source.keyword_suffix}"
        return {_ACCOUNTS: {"terms": {"field": field, "size": MOST_ACCOUNTS}, "aggs": inner}}

    def _found(
        self,
        answer: _Answer,
        documents: Iterable[Mapping[str, JsonValue]],
        now: datetime,
        *,
        of_users: bool = False,
    ) -> Found:
        reader = _Documents(self._fields.model_dump(), self._cluster, now)
        grants = [reader.grant(one, of_user=of_users) for one in documents]
        return Found(
            grants=tuple(one for one in grants if one is not None),
            rejected=reader.rejected,
            remark=_remark(answer),
        )


class _Documents:
    """Reads documents and counts what it leaves out."""

    def __init__(self, names: Mapping[str, str], cluster: str, now: datetime) -> None:
        self.rejected: dict[str, int] = {}
        self._names = names
        self._cluster = cluster
        self._now = now

    def grant(self, document: Mapping[str, JsonValue], *, of_user: bool) -> Grant | None:
        account = self._text(document, "account")
        user = self._text(document, "user") if of_user else ""
        created_at = self._created_at(document)
        if created_at is None:
            return None
        if not account or (of_user and not user):
            return self._reject("document without a name")
        return Grant(
            account=account,
            user=user,
            created_at=created_at,
            gpus_allocated=self._number(document, "gpus_allocated"),
            gpus_consumed=self._number(document, "gpus_consumed"),
            gpus_consumed_normal=self._number(document, "gpus_consumed_normal"),
            gpus_consumed_free=self._number(document, "gpus_consumed_free"),
            gpus_available=self._number(document, "gpus_available"),
            gpus_pending=self._number(document, "gpus_pending"),
            fair_share=self._number(document, "fair_share"),
            level_fs=self._number(document, "level_fs"),
            norm_shares=self._number(document, "norm_shares"),
            norm_usage=self._number(document, "norm_usage"),
        )

    def occupancy(self, document: Mapping[str, JsonValue]) -> Occupancy | None:
        created_at = self._created_at(document)
        if created_at is None:
            return None
        return Occupancy(
            created_at=created_at,
            gpus_total=self._number(document, "occupied_total"),
            gpus_allocated=self._number(document, "occupied"),
            gpus_idle=self._number(document, "idle"),
        )

    def _created_at(self, document: Mapping[str, JsonValue]) -> datetime | None:
        """Give when a document of this cluster was made; None, and counted, where it is no use."""
        if self._text(document, "cluster") != self._cluster:
            return self._reject("document of another cluster")
        created_at = _moment(_value(document, self._names["created"]))
        if created_at is None:
            return self._reject("document without a time")
        if created_at > self._now + AHEAD:
            return self._reject("document from the future")
        return min(created_at, self._now)

    def _text(self, document: Mapping[str, JsonValue], name: str) -> str:
        value = _value(document, self._names[name])
        return value if isinstance(value, str) else ""

    def _number(self, document: Mapping[str, JsonValue], name: str) -> float | None:
        value = _value(document, self._names[name])
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self._reject("value that is no number")
        if not 0 <= value <= MOST_GPUS:
            return self._reject("value out of range")
        return float(value)

    def _reject(self, what: str) -> None:
        self.rejected[what] = self.rejected.get(what, 0) + 1


def _value(document: Mapping[str, JsonValue], name: str) -> JsonValue:
    """Give a field by its name or, as OpenSearch allows, by its path."""
    if name in document:
        return document[name]
    head, dot, rest = name.partition(".")
    inner = document.get(head)
    return _value(inner, rest) if dot and isinstance(inner, dict) else None


def _moment(value: JsonValue) -> datetime | None:
    """Read a time: milliseconds or seconds since 1970, or ISO 8601 with or without a zone."""
    if isinstance(value, str):
        try:
            told = datetime.fromisoformat(value)
        except ValueError:
            return None
        # OpenSearch takes a time without a zone for UTC.
        return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    seconds = value / _MILLISECONDS if value > _LATEST_EPOCH_S / 10 else value
    return datetime.fromtimestamp(seconds, tz=UTC) if 0 < seconds <= _LATEST_EPOCH_S else None


def _account_documents(answer: _Answer) -> Iterator[Mapping[str, JsonValue]]:
    for bucket in answer.aggregations.accounts.buckets if answer.aggregations else ():
        if bucket.latest is not None:
            yield from (hit.source for hit in bucket.latest.hits.hits)


def _user_documents(answer: _Answer) -> Iterator[Mapping[str, JsonValue]]:
    for account in answer.aggregations.accounts.buckets if answer.aggregations else ():
        for user in account.users.buckets if account.users else ():
            yield from (hit.source for hit in user.latest.hits.hits)


def _remark(answer: _Answer) -> str:
    if answer.timed_out or answer.shards.failed:
        return "OpenSearch answered in part: some of its shards failed or were too slow."
    accounts = answer.aggregations.accounts if answer.aggregations else None
    if accounts is not None and accounts.sum_other_doc_count:
        return f"There are more than {MOST_ACCOUNTS} accounts; the others are left out."
    return ""
