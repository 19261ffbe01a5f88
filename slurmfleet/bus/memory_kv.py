"""A key-value bucket, in memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

from slurmfleet.bus.bell import Bell
from slurmfleet.bus.errors import KeyNotFoundError, RevisionConflictError
from slurmfleet.bus.port import KvEntry, KvRemoved, KvUpdate, SnapshotComplete
from slurmfleet.contracts.streams import BucketSpec
from slurmfleet.timing.clock import Clock


@dataclass(slots=True)
class MemoryBucket:
    """Keys with revisions that grow over the whole bucket; old keys expire by the clock."""

    spec: BucketSpec
    clock: Clock
    bell: Bell
    online: bool = True
    """Set by the bus: an outage keeps watchers waiting."""

    _entries: dict[str, KvEntry] = field(default_factory=dict[str, KvEntry])
    _removed: dict[str, int] = field(default_factory=dict[str, int])
    _revision: int = 0

    def read(self, key: str) -> KvEntry:
        """Read a key.

        Raises:
            KeyNotFoundError: It is not there.
        """
        self._expire()
        if key not in self._entries:
            raise KeyNotFoundError(f"read {key} of {self.spec.name}", "no such key")
        return self._entries[key]

    def entries(self, prefix: str) -> list[KvEntry]:
        """Give the keys with a prefix, sorted."""
        self._expire()
        return [self._entries[key] for key in sorted(self._entries) if key.startswith(prefix)]

    def write(self, key: str, value: bytes | None, revision: int | None) -> int:
        """Write a key, or remove it with None; `revision` is what it must have, 0 for none.

        Raises:
            RevisionConflictError: It has another.
        """
        self._expire()
        found = self._entries.get(key)
        if revision is not None and revision != (found.revision if found else 0):
            raise RevisionConflictError(
                f"write {key} of {self.spec.name}",
                f"it has revision {found.revision if found else 0} and not {revision}",
            )
        self._revision += 1
        if value is None:
            self._remove(key)
        else:
            self._entries[key] = KvEntry(
                key=key, value=value, revision=self._revision, written_at=self.clock.now()
            )
        self.bell.ring()
        return self._revision

    async def watch(self, prefix: str) -> AsyncIterator[KvUpdate]:
        """Give what is there, then changes; of several changes at once only the last."""
        known: dict[str, int] = {}
        announced = False
        while True:
            updates = self._changes(prefix, known) if self.online else []
            if self.online and not announced:
                announced = True
                updates.append(SnapshotComplete())
            for update in updates:
                yield update
            if not updates:  # nothing may come between this look and the waiting
                await self.bell.wait(self._next_expiry_s())

    def _changes(self, prefix: str, known: dict[str, int]) -> list[KvUpdate]:
        """Give what changed against `known`, and bring that up to date."""
        current = {entry.key: entry for entry in self.entries(prefix)}
        updates: list[KvUpdate] = []
        for key in sorted(known.keys() - current.keys()):
            del known[key]
            updates.append(KvRemoved(key=key, revision=self._removed.get(key, 0)))
        for entry in sorted(current.values(), key=lambda one: one.revision):
            if known.get(entry.key) != entry.revision:
                known[entry.key] = entry.revision
                updates.append(entry)
        return updates

    def _expire(self) -> None:
        if self.spec.ttl_s is None:
            return
        oldest = self.clock.now() - timedelta(seconds=self.spec.ttl_s)
        for key, entry in list(self._entries.items()):
            if entry.written_at <= oldest:
                self._revision += 1
                self._remove(key)

    def _remove(self, key: str) -> None:
        self._entries.pop(key, None)
        self._removed[key] = self._revision

    def _next_expiry_s(self) -> float | None:
        if self.spec.ttl_s is None or not self._entries or not self.online:
            return None
        oldest = min(entry.written_at for entry in self._entries.values())
        age_s = (self.clock.now() - oldest).total_seconds()
        return max(self.spec.ttl_s - age_s, 0)
