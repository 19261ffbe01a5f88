"""A lease: of many contenders exactly one is active, and knows when it no longer is.

The holder renews its key with compare-and-set. It believes in its lease only until nine tenths of
`ttl_s` after it *began* its last successful renewal, by its own monotonic clock. A contender takes
over when the key is gone, or when it has itself seen the same revision for the whole ttl that
stands in the key. So the old holder has always given up before the new one begins, whatever the
clocks of the two machines and of the server say, as long as they run equally fast.

The fencing token is the key's revision at acquisition: a later holder always has a larger one.
"""

import json
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from pydantic import BaseModel, ValidationError

from slurmfleet.bus.beside import beside
from slurmfleet.bus.errors import (
    BusError,
    KeyNotFoundError,
    LeaseLostError,
    RevisionConflictError,
)
from slurmfleet.bus.limits import within
from slurmfleet.bus.port import Bus, KvEntry
from slurmfleet.timing.clock import Clock

log = structlog.get_logger(__name__)

_RENEWALS_PER_TTL = 3
_BELIEVED_PART = 0.9
"""The holder gives up before a contender may take over: the rest is for stopping its work."""

_RELEASE_LIMIT_S = 2.0
_RETRY_PART = 20
"""A failed renewal is tried again after this part of the ttl."""


class _Document(BaseModel):
    holder: str
    nonce: str
    ttl_s: float


@dataclass(slots=True)
class Grant:
    """What the holder has."""

    token: int
    """Fencing token: hand it to what you write to, and let that refuse smaller ones."""

    holder: str
    _clock: Clock
    _key: str
    _revision: int
    _until_s: float

    @property
    def is_held(self) -> bool:
        """Tell whether the lease can still be relied on."""
        return self._clock.monotonic_s() < self._until_s

    def check(self) -> None:
        """Make sure that the lease is held, before an act that must not happen twice.

        Raises:
            LeaseLostError: It is not.
        """
        if not self.is_held:
            raise LeaseLostError(f"lease {self._key}", f"{self.holder} could not renew it in time")

    def renewed(self, revision: int, until_s: float) -> None:
        """Note a renewal."""
        self._revision = revision
        self._until_s = until_s

    def lost(self) -> None:
        """Note that another holds it."""
        self._until_s = float("-inf")

    @property
    def revision(self) -> int:
        """Give the revision that the key has after the last renewal."""
        return self._revision

    @property
    def left_s(self) -> float:
        """Give the seconds for which the lease can still be relied on."""
        return max(self._until_s - self._clock.monotonic_s(), 0)


class Lease:
    """One contender for one key."""

    def __init__(
        self, bus: Bus, *, bucket: str, key: str, holder: str, clock: Clock, ttl_s: float
    ) -> None:
        """Contend for `key` as `holder`; `ttl_s` must not exceed the bucket's own."""
        self._bus = bus
        self._bucket = bucket
        self._key = key
        self._holder = holder
        self._clock = clock
        self._ttl_s = ttl_s
        self._belief_s = ttl_s * _BELIEVED_PART
        self._seen: tuple[int, float] = (0, 0.0)
        """The revision last seen in another's hands, and since when."""

    @asynccontextmanager
    async def hold(self) -> AsyncGenerator[Grant]:
        """Wait for the lease and hold it while the body runs.

        Raises:
            LeaseLostError: It could not be renewed in time; the body was cancelled.
        """
        grant = await self.acquire()
        try:
            async with beside(self._renew(grant), name=f"renew lease {self._key}"):
                yield grant
        finally:
            if grant.is_held:
                await self._release(grant)

    async def acquire(self) -> Grant:
        """Wait until the lease is ours, through outages of the bus; `hold` also renews it."""
        unreachable = False
        while True:
            try:
                grant = await self.try_acquire()
            except BusError as exc:
                if not exc.retryable:
                    raise
                if not unreachable:
                    log.warning("lease cannot be asked for", key=self._key, error=str(exc))
                unreachable = True
                grant = None
            if grant is not None:
                log.info("lease acquired", key=self._key, token=grant.token)
                return grant
            await self._clock.sleep(self._ttl_s / _RENEWALS_PER_TTL)

    async def try_acquire(self) -> Grant | None:
        """Take the lease if nobody holds it.

        Taking over from a holder that died needs calls over at least its ttl: each notes what it
        saw.
        """
        began_s = self._clock.monotonic_s()
        nonce = secrets.token_hex(8)
        value = self._document(nonce)
        try:
            try:
                revision = await self._bus.kv_create(self._bucket, self._key, value)
            except RevisionConflictError:
                revision = await self._take_over(value)
        except BusError:
            self._seen = (0, 0.0)  # an outage proves nothing about the holder
            raise
        if revision is None:
            return None
        return Grant(
            token=revision,
            holder=self._holder,
            _clock=self._clock,
            _key=self._key,
            _revision=revision,
            _until_s=began_s + self._belief_s,
        )

    async def _take_over(self, value: bytes) -> int | None:
        try:
            entry = await self._bus.kv_get(self._bucket, self._key)
        except KeyNotFoundError:
            return None  # it has just gone: the next attempt creates it
        now_s = self._clock.monotonic_s()
        if entry.revision != self._seen[0]:
            self._seen = (entry.revision, now_s)
        if now_s - self._seen[1] < self._ttl_of(entry):
            return None
        try:
            revision = await self._bus.kv_update(
                self._bucket, self._key, value, revision=entry.revision
            )
        except RevisionConflictError:
            return None
        log.warning("lease taken over", key=self._key)
        return revision

    async def _renew(self, grant: Grant) -> None:
        """Renew until that fails for too long.

        Raises:
            LeaseLostError: Always, at the end.
        """
        pause_s = self._ttl_s / _RENEWALS_PER_TTL
        nonce, failed = secrets.token_hex(8), 0
        while True:
            await self._clock.sleep(min(pause_s, grant.left_s))
            grant.check()
            began_s = self._clock.monotonic_s()
            try:
                revision = await self._renew_once(grant, self._document(nonce), nonce)
            except BusError as exc:
                if not exc.retryable:
                    grant.lost()
                    raise LeaseLostError(f"lease {self._key}", str(exc)) from exc
                if not failed:
                    log.warning("lease not renewed", key=self._key, error=str(exc))
                failed += 1
                pause_s = self._ttl_s / _RETRY_PART
                continue
            if failed:
                log.info("lease renewed again", key=self._key, failed_attempts=failed)
                failed = 0
            grant.renewed(revision, began_s + self._belief_s)
            pause_s = self._ttl_s / _RENEWALS_PER_TTL

    async def _renew_once(self, grant: Grant, value: bytes, nonce: str) -> int:
        """Renew; all of it within the time that is left.

        If the answer to an earlier renewal was lost, the key has our nonce and another revision.
        That one is renewed again, since it was written before this attempt began.
        """
        revision = grant.revision
        limit_s = min(grant.left_s, self._ttl_s / _RENEWALS_PER_TTL)
        async with within(f"renew lease {self._key}", limit_s):
            try:
                return await self._write(value, revision)
            except RevisionConflictError:
                entry = await self._bus.kv_get(self._bucket, self._key)
                if _nonce_of(entry) != nonce:
                    raise
                return await self._write(value, entry.revision)

    async def _write(self, value: bytes, revision: int) -> int:
        return await self._bus.kv_update(self._bucket, self._key, value, revision=revision)

    async def _release(self, grant: Grant) -> None:
        """Let the next one in at once, if the bus can be reached; else the lease expires."""
        try:
            async with within(f"release lease {self._key}", _RELEASE_LIMIT_S):
                await self._bus.kv_delete(self._bucket, self._key, revision=grant.revision)
        except BusError as exc:
            log.warning("lease not released", key=self._key, error=str(exc))
        else:
            log.info("lease released", key=self._key, token=grant.token)

    def _document(self, nonce: str) -> bytes:
        document = {"holder": self._holder, "nonce": nonce, "ttl_s": self._ttl_s}
        return json.dumps(document).encode()

    def _ttl_of(self, entry: KvEntry) -> float:
        """Give the ttl the holder believes in; a key that cannot be read gets ours."""
        try:
            return _Document.model_validate_json(entry.value).ttl_s
        except ValidationError:
            return self._ttl_s


def _nonce_of(entry: KvEntry) -> str:
    try:
        return _Document.model_validate_json(entry.value).nonce
    except ValidationError:
        return ""
