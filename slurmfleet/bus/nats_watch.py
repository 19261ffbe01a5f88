"""Follows the keys of a bucket, across lost connections.

Each connection gets a consumer of its own, which the server forgets by itself; it begins with the
last revision of every key. What the caller already knows is left out, and a key that is missing
from the new snapshot is told as removed.
"""

import json
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

import structlog

from slurmfleet.bus.errors import (
    BusTimeoutError,
    BusUnavailableError,
    NoResponderError,
)
from slurmfleet.bus.nats_api import API, SECOND_NS, ConsumerBody, call, parse_ack_subject
from slurmfleet.bus.nats_consumer import LinkSource
from slurmfleet.bus.nats_kv import is_removal
from slurmfleet.bus.nats_link import Link, Raw
from slurmfleet.bus.nats_setup import bucket_stream
from slurmfleet.bus.port import (
    DEFAULT_LIMIT_S,
    KvEntry,
    KvRemoved,
    KvUpdate,
    SnapshotComplete,
)
from slurmfleet.timing.clock import Clock

log = structlog.get_logger(__name__)

BATCH = 256
HEARTBEAT_S = 5
PULL_S = 30
FORGET_S = 60
"""The server forgets a watch that has not asked for so long; it then begins anew."""

_RETRY_S = 0.5
_HEARTBEAT = "100"
_NOTHING_CAME = "408"


class NatsWatch:
    """One watch: what its caller has been told, and how to go on."""

    def __init__(self, links: LinkSource, clock: Clock, *, bucket: str, prefix: str) -> None:
        """Watch the keys of `bucket` that begin with `prefix`."""
        self._links = links
        self._clock = clock
        self._bucket = bucket
        self._prefix = prefix
        self._operation = f"watch {prefix}* of {bucket}"
        self._known: dict[str, int] = {}
        self._seen: set[str] = set()
        self._complete = False
        """The snapshot of the connection at hand has been told."""
        self._announced = False

    async def updates(self) -> AsyncIterator[KvUpdate]:
        """Give updates for ever."""
        lost = False
        while True:
            try:
                link = await self._links.link(self._operation, PULL_S)
                async with aclosing(self._follow(link)) as updates:
                    async for update in updates:
                        if lost:
                            log.info("watch resumed", bucket=self._bucket)
                            lost = False
                        yield update
            except (BusUnavailableError, BusTimeoutError, NoResponderError) as exc:
                if not lost:
                    log.warning("watch interrupted", bucket=self._bucket, error=str(exc))
                    lost = True
                await self._clock.sleep(_RETRY_S)

    async def snapshot(self, limit_s: float) -> Sequence[KvEntry]:
        """Give all keys as they are now, sorted."""
        link = await self._links.link(self._operation, limit_s)
        entries: dict[str, KvEntry] = {}
        async with aclosing(self._follow(link)) as updates:
            async for update in updates:
                match update:
                    case KvEntry():
                        entries[update.key] = update
                    case KvRemoved():
                        entries.pop(update.key, None)
                    case SnapshotComplete():
                        break
        return [entries[key] for key in sorted(entries)]

    async def _follow(self, link: Link) -> AsyncGenerator[KvUpdate]:
        """Give updates until the connection or the consumer is gone."""
        self._seen = set()
        self._complete = False
        name, waiting = await self._start(link)
        if not waiting:
            for update in self._finish_snapshot():
                yield update
        while True:
            for answer in await self._pull(link, name):
                for update in self._read(answer):
                    yield update

    async def _start(self, link: Link) -> tuple[str, int]:
        stream = bucket_stream(self._bucket)
        name = f"watch-{secrets.token_hex(8)}"
        config: dict[str, object] = {
            "name": name,
            "deliver_policy": "last_per_subject",
            "ack_policy": "none",
            "replay_policy": "instant",
            "filter_subject": f"$KV.{self._bucket}.{_filter(self._prefix)}",
            "inactive_threshold": FORGET_S * SECOND_NS,
            "mem_storage": True,
            "num_replicas": 1,
        }
        consumer = await call(
            link,
            f"CONSUMER.CREATE.{stream}.{name}",
            ConsumerBody,
            {"stream_name": stream, "config": config, "action": "create"},
            limit_s=DEFAULT_LIMIT_S,
        )
        return name, consumer.num_pending

    async def _pull(self, link: Link, name: str) -> list[Raw]:
        """Ask for what comes next; return as soon as something has come."""
        for batch, wait_s in ((BATCH, 0), (1, PULL_S)):
            found = await self._ask(link, name, batch, wait_s)
            if found:
                return found
        return []

    async def _ask(self, link: Link, name: str, batch: int, wait_s: int) -> list[Raw]:
        order: dict[str, object] = {"batch": batch, "no_wait": True}
        if wait_s:
            order = {"batch": batch, "expires": wait_s * SECOND_NS}
            order["idle_heartbeat"] = HEARTBEAT_S * SECOND_NS
        subject = f"{API}.CONSUMER.MSG.NEXT.{bucket_stream(self._bucket)}.{name}"
        found: list[Raw] = []
        async with link.channel(batch + PULL_S // HEARTBEAT_S + 1) as channel:
            await link.send(subject, json.dumps(order).encode(), reply=channel.inbox)
            while len(found) < batch:
                answer = await channel.next(self._operation, HEARTBEAT_S * 2.5)
                if not answer.status:
                    found.append(answer)
                elif answer.status in ("503", "409"):
                    raise BusUnavailableError(self._operation, "the server forgot the watch")
                elif answer.status != _HEARTBEAT:
                    break
        return found

    def _read(self, answer: Raw) -> list[KvUpdate]:
        place = parse_ack_subject(answer.reply)
        key = answer.subject.removeprefix(f"$KV.{self._bucket}.")
        updates: list[KvUpdate] = []
        if key.startswith(self._prefix):
            updates += self._change(key, answer)
        if not self._complete and place.pending == 0:
            updates += self._finish_snapshot()
        return updates

    def _change(self, key: str, answer: Raw) -> list[KvUpdate]:
        place = parse_ack_subject(answer.reply)
        if is_removal(answer.headers):
            if self._known.pop(key, None) is None:
                return []
            return [KvRemoved(key=key, revision=place.sequence)]
        self._seen.add(key)
        if self._known.get(key, 0) >= place.sequence:
            return []
        self._known[key] = place.sequence
        entry = KvEntry(
            key=key,
            value=answer.body,
            revision=place.sequence,
            written_at=place.published_at,
        )
        return [entry]

    def _finish_snapshot(self) -> list[KvUpdate]:
        self._complete = True
        updates: list[KvUpdate] = []
        for key in sorted(self._known.keys() - self._seen):
            del self._known[key]
            updates.append(KvRemoved(key=key, revision=0))
        if not self._announced:
            self._announced = True
            updates.append(SnapshotComplete())
        return updates


def _filter(prefix: str) -> str:
    """Give the narrowest filter of the server that lets all keys with `prefix` through."""
    whole = prefix.rpartition(".")[0]
    return f"{whole}.>" if whole else ">"
