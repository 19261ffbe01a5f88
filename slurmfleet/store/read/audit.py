"""The audit: who did what, and whether the chain of records is whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue, ValidationError

from slurmfleet.contracts.audit import FIRST_HASH, AuditRecord, Outcome, chain_hash, chained
from slurmfleet.store.matching import storable, within_limit
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.cursors import audit_cursor, read_audit_cursor
from slurmfleet.store.rows import Page

NEWEST = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which actions; an empty text and None let everything through."""

    actor: str = ""
    action: str = ""
    """A whole name, or the first part of one: `job` finds `job.cancel`."""

    cluster: str = ""
    target: str = ""
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditView:
    """One action and what came of it."""

    audit_seq: int
    """Number of the record that it was tried."""

    action_id: str
    actor: str
    actor_kind: str
    token_id: str
    via: str
    action: str
    cluster: str
    target: str
    reason: str
    """In the actor's words; untrusted text."""

    details: Mapping[str, JsonValue]
    outcome: str
    """refused, ok, failed; allowed: nobody has told what came of it."""

    acted_at: datetime
    done_at: datetime | None
    result: Mapping[str, JsonValue] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainCheck:
    """What the check of a part of the chain found."""

    ok: bool
    checked: int
    """Records that were read and are right."""

    last_seq: int
    """The last record that is right; the one before the first where there is none."""

    last_hash: str
    """Of that record, in hexadecimal."""

    is_end: bool
    """Whether the chain ends there."""

    problem: str = ""
    """What is wrong with the record behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    """A row as it stands in the table."""

    audit_seq: int
    record_id: str
    action_id: str
    phase: str
    actor: str
    actor_kind: str
    token_id: str
    via: str
    action: str
    cluster: str
    target: str
    reason: str
    details: dict[str, JsonValue]
    outcome: str
    acted_at: datetime
    previous_hash: bytes
    record_hash: bytes


async def list_audit(
    pool: StorePool, wanted: AuditFilter, *, after: str | None, limit: int
) -> Page[AuditView]:
    """Give a page of actions, the newest first.

    Raises:
        ProblemError: A bad cursor or limit, or a text that no store holds.
        StoreError: In every kind of its tree.
    """
    page_size = within_limit(limit)
    before = read_audit_cursor(after) if after else NEWEST
    rows = await pool.rows(
        "list_audit",
        AuditView,
        {
            "actor": storable(wanted.actor, name="actor") or None,
            "action": _beginning(wanted.action),
            "cluster": storable(wanted.cluster, name="cluster") or None,
            "target": storable(wanted.target, name="target") or None,
            "outcome": wanted.outcome,
            "since": wanted.since,
            "until": wanted.until,
            "before": before,
            "limit": page_size + 1,
        },
    )
    items = tuple(rows[:page_size])
    more = audit_cursor(items[-1].audit_seq) if len(rows) > page_size else None
    return Page(items=items, next_cursor=more)


async def check_chain(pool: StorePool, first: int, *, limit: int) -> ChainCheck:
    """Check records from a number on: each has its number, its hash, and that of the one before.

    Args:
        pool: Where to ask.
        first: The first record to check; the one before it is taken as right.
        limit: Records to read at most.

    Raises:
        StoreError: In every kind of its tree.
    """
    begin = max(1, first)
    # One before the first, and one behind the last to know whether there is more.
    params = {"first": max(1, begin - 1), "limit": limit + 2}
    rows = await pool.rows("audit_chain", _Link, params)
    previous, expected = FIRST_HASH, begin
    if begin > 1:
        if not rows or rows[0].audit_seq != begin - 1:
            return _broken(0, begin - 2, b"", f"Record {begin - 1} is missing.")
        previous, rows = rows[0].record_hash, rows[1:]
    checked, is_end = rows[:limit], len(rows) <= limit
    for place, row in enumerate(checked):
        if problem := _wrong(row, expected, previous):
            return _broken(place, expected - 1, previous, problem)
        previous, expected = row.record_hash, expected + 1
    return ChainCheck(
        ok=True,
        checked=len(checked),
        last_seq=expected - 1,
        last_hash=previous.hex(),
        is_end=is_end,
    )


def _wrong(row: _Link, expected: int, previous: bytes) -> str:
    """Say what is wrong with a row at its place; empty for nothing."""
    if row.audit_seq != expected:
        return f"Record {expected} is missing: the next one is {row.audit_seq}."
    if row.previous_hash != previous:
        return f"Record {expected} does not follow the record before it."
    try:
        record = AuditRecord.model_validate(
            {name: getattr(row, name) for name in AuditRecord.model_fields}
        )
    except ValidationError:
        return f"Record {expected} holds what no record holds."
    content = {**chained(record), "record_id": row.record_id}
    if chain_hash(previous, expected, content) != row.record_hash:
        return f"Record {expected} was changed after it was written."
    return ""


def _broken(checked: int, last_seq: int, last_hash: bytes, problem: str) -> ChainCheck:
    return ChainCheck(
        ok=False,
        checked=checked,
        last_seq=last_seq,
        last_hash=last_hash.hex(),
        is_end=False,
        problem=problem,
    )


def _beginning(action: str) -> str | None:
    """Give the LIKE pattern of an action's name or of its first part."""
    if not action:
        return None
    literal = storable(action, name="action")
    for special in ("\\", "%", "_"):
        literal = literal.replace(special, f"\\{special}")
    return f"{literal}%"
