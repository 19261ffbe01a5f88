"""Tokens of the group: made, listed and revoked in one bucket of the bus; the secret is shown once.

A token is `sf_<id>_<secret>`. The bucket holds its SHA-256: a secret of 256 random bits needs no
slow hash, since nobody guesses it.
"""

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError

from slurmfleet.bus.errors import KeyNotFoundError, RevisionConflictError
from slurmfleet.bus.port import Bus, KvEntry, KvRemoved, SnapshotComplete
from slurmfleet.contracts.access import Grant, TokenRecord, token_id
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.streams import ACCESS
from slurmfleet.registry.registry import bus_problems
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

_PREFIX = "token."
TOKEN_MARK = "sf_"  # noqa: S105 what they begin with
_TOKEN = re.compile(r"sf_([a-z0-9]{8,16})_([A-Za-z0-9_-]{43})")
_ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_ID_CHARS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token that was just made."""

    record: TokenRecord
    token: str
    """Shown now and never again."""


def token_hash(token: str) -> str:
    """Give what the bucket holds of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


class TokenStore:
    """Makes, lists and revokes tokens."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        """Work over a bus whose bucket is prepared."""
        self._bus = bus
        self._clock = clock

    async def create(self, grant: Grant, *, lifetime: timedelta | None, by: str) -> NewToken:
        """Make a token.

        Args:
            grant: What it may do.
            lifetime: How long it is good; None: until it is revoked.
            by: Who makes it.

        Raises:
            ProblemError: BUS_UNAVAILABLE.
        """
        now = self._clock.now()
        public = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_CHARS))
        token = f"sf_{public}_{secrets.token_urlsafe(32)}"
        record = TokenRecord(
            **grant.model_dump(),
            token_id=public,
            secret_sha256=token_hash(token),
            created_at=now,
            created_by=by,
            expires_at=None if lifetime is None else now + lifetime,
        )
        with bus_problems():
            await self._bus.kv_create(ACCESS.name, _PREFIX + public, _to_bytes(record))
        logger().info("token made", token_id=public, name=record.name, role=record.role)
        return NewToken(record=record, token=token)

    async def list(self) -> tuple[TokenRecord, ...]:
        """Give all tokens, the newest first.

        Raises:
            ProblemError: BUS_UNAVAILABLE.
        """
        with bus_problems():
            entries = await self._bus.kv_entries(ACCESS.name, _PREFIX)
        records = [record for one in entries if (record := _read(one)) is not None]
        return tuple(sorted(records, key=lambda one: one.created_at, reverse=True))

    async def revoke(self, public: str, *, by: str) -> TokenRecord:
        """Make a token void for ever; one that is void stays as it is.

        Raises:
            ProblemError: There is no such token; or BUS_UNAVAILABLE.
        """
        key = _PREFIX + token_id(public)
        while True:
            try:
                with bus_problems():
                    entry = await self._bus.kv_get(ACCESS.name, key)
                    record = _read(entry)
                    if record is None:
                        raise _unknown(public)
                    if record.revoked_at is not None:
                        return record
                    change = {"revoked_at": self._clock.now(), "revoked_by": by}
                    record = record.model_copy(update=change)
                    await self._bus.kv_update(
                        ACCESS.name, key, _to_bytes(record), revision=entry.revision
                    )
            except KeyNotFoundError as exc:
                raise _unknown(public) from exc
            except RevisionConflictError:
                continue
            logger().info("token revoked", token_id=public, name=record.name)
            return record


class TokenBook:
    """The tokens as this process knows them; `follow` keeps them up to date.

    While the bus is away the last known ones are good: whoever had a token goes on reading.
    """

    def __init__(self, bus: Bus) -> None:
        """Begin without any; `complete` tells when all were read."""
        self._bus = bus
        self._records: dict[str, TokenRecord] = {}
        self.complete = asyncio.Event()
        """Set once all tokens were read."""

    async def follow(self) -> None:
        """Take in all tokens, then every change, for ever.

        Raises:
            BusError: The bucket could not be read; what is known stays.
        """
        await self._bus.prepare(buckets=(ACCESS,))
        async for update in self._bus.kv_watch(ACCESS.name, _PREFIX):
            match update:
                case SnapshotComplete():
                    self.complete.set()
                case KvRemoved():
                    self._records.pop(update.key.removeprefix(_PREFIX), None)
                case KvEntry():
                    self._take(update)

    def find(self, token: str, *, now: datetime) -> TokenRecord:
        """Give the record of a token that is good now.

        Raises:
            ProblemError: UNAUTHENTICATED, and why; BUS_UNAVAILABLE while the tokens are not known.
        """
        found = _TOKEN.fullmatch(token)
        record = self._records.get(found.group(1)) if found is not None else None
        if record is None or not hmac.compare_digest(record.secret_sha256, token_hash(token)):
            if found is not None and not self.complete.is_set():
                raise ProblemError(
                    ProblemCode.BUS_UNAVAILABLE,
                    "The tokens cannot be read from the bus yet, so yours cannot be checked.",
                    remedy="Try again in a few seconds; /readyz says how the bus is.",
                )
            raise not_the_right_one()
        return good(record, now=now)

    def check(self, public: str, *, now: datetime) -> None:
        """Refuse a token that was let in before and is not good any more.

        Raises:
            ProblemError: UNAUTHENTICATED, and why.
        """
        record = self._records.get(public)
        if record is None:
            raise not_the_right_one()
        good(record, now=now)

    def _take(self, entry: KvEntry) -> None:
        record = _read(entry)
        if record is None:
            # Without its document nobody knows what the token may do: nothing.
            self._records.pop(entry.key.removeprefix(_PREFIX), None)
        else:
            self._records[record.token_id] = record


def good(record: TokenRecord, *, now: datetime) -> TokenRecord:
    """Give a record whose token is neither revoked nor expired.

    Raises:
        ProblemError: UNAUTHENTICATED, and why; only who holds the secret learns it.
    """
    if record.revoked_at is not None:
        why = f"The token of {record.name} was revoked at {record.revoked_at:%Y-%m-%d %H:%M} UTC."
    elif record.expires_at is not None and record.expires_at <= now:
        why = f"The token of {record.name} expired at {record.expires_at:%Y-%m-%d %H:%M} UTC."
    else:
        return record
    raise ProblemError(
        ProblemCode.UNAUTHENTICATED,
        why,
        remedy=f"Ask for a new one: `slurmfleet token create {record.name} --role {record.role}`.",
    )


def not_the_right_one() -> ProblemError:
    """Give the problem of a token that nobody knows, in the words of one that is absent."""
    return ProblemError(
        ProblemCode.UNAUTHENTICATED,
        "The request carries no token, or not the right one.",
        remedy="Send the header 'Authorization: Bearer <token>'.",
    )


def shown_record(record: TokenRecord) -> Mapping[str, object]:
    """Give what is shown of a record: all but the hash."""
    return record.model_dump(mode="json", exclude={"secret_sha256"})


def _to_bytes(record: TokenRecord) -> bytes:
    return record.model_dump_json().encode()


def _read(entry: KvEntry) -> TokenRecord | None:
    try:
        record = TokenRecord.model_validate_json(entry.value)
    except ValidationError as exc:
        logger().warning("token cannot be read", key=entry.key, error=str(exc)[:500])
        return None
    if _PREFIX + record.token_id != entry.key:
        logger().warning("token lies under another key", key=entry.key)
        return None
    return record


def _unknown(public: str) -> ProblemError:
    return ProblemError(
        ProblemCode.NOT_FOUND,
        f"There is no token {public[:40]!r}.",
        remedy="`slurmfleet token list` shows the ids.",
    )
