"""The audit in the store: each record once, in a chain that shows whoever touches it."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from pydantic import JsonValue

from slurmfleet.contracts.access import ActorKind
from slurmfleet.contracts.audit import AuditRecord, Outcome, Phase, Via, chain_hash, chained
from slurmfleet.contracts.problems import ProblemError
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.audit import AuditFilter, check_chain, list_audit
from slurmfleet.store.roles import Role
from slurmfleet.store.write.audit import append_audit
from slurmfleet.testing.moments import NOON
from tests.plugins.postgres import Database

pytestmark = pytest.mark.integration

ODD: dict[str, JsonValue] = {
    "text": 'a "b" \\ {c}, é 漢 \U0001f680 %s $1 \' ',
    "number": 10**15,
    "fraction": 1e2,
    "nested": {"b": [1, True, None, {"a": "x"}], "a": -0.0},
    "control": "a\x00b\x1b[31m\ud800",
}


def a_record(
    action_id: str, phase: Phase = Phase.TRIED, *, minute: int = 0, **changes: object
) -> AuditRecord:
    return AuditRecord.model_validate(
        {
            "action_id": action_id,
            "phase": phase,
            "actor": "ada",
            "actor_kind": ActorKind.PERSON,
            "via": Via.REST,
            "action": "job.cancel",
            "cluster": "alpha",
            "target": "7",
            "outcome": Outcome.ALLOWED if phase is Phase.TRIED else Outcome.OK,
            "acted_at": NOON + timedelta(minutes=minute, microseconds=123_456),
            **changes,
        }
    )


async def run(database: Database, *statements: str) -> None:
    """Change the table as somebody who may do everything."""
    async with await psycopg.AsyncConnection.connect(
        database.superuser_dsn, autocommit=True
    ) as connection:
        await connection.execute("ALTER TABLE audit_records DISABLE TRIGGER ALL")
        for one in statements:
            await connection.execute(one.encode())
        await connection.execute("ALTER TABLE audit_records ENABLE TRIGGER ALL")


async def test_an_action_is_shown_with_what_came_of_it(store_writer: StorePool):
    await append_audit(
        store_writer,
        [
            a_record("one", reason="it hangs", details=ODD),
            a_record("two", minute=1, actor="bot", action="team.add", target="eve"),
            a_record("one", Phase.DONE, minute=2, details={"cancelled": 1}),
            a_record("three", minute=3, outcome=Outcome.REFUSED, actor="bot"),
        ],
    )

    page = await list_audit(store_writer, AuditFilter(), after=None, limit=10)

    assert [(one.action_id, one.outcome) for one in page.items] == [
        *(("three", "refused"), ("two", "allowed"), ("one", "ok")),
    ]
    first = page.items[-1]
    assert (first.reason, first.result) == ("it hangs", {"cancelled": 1})
    assert first.done_at == NOON + timedelta(minutes=2, microseconds=123_456)
    assert first.details["number"] == 10**15
    assert first.details["control"] == "ab"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (AuditFilter(actor="bot"), ["2", "1"]),
        (AuditFilter(action="job"), ["3", "0"]),
        (AuditFilter(action="j_b"), []),
        (AuditFilter(action="team.add"), ["2", "1"]),
        (AuditFilter(target="7", cluster="alpha"), ["3", "2", "1", "0"]),
        (AuditFilter(target="%"), []),
        (AuditFilter(outcome=Outcome.OK), ["0"]),
        (AuditFilter(since=NOON + timedelta(minutes=2)), ["3", "2"]),
        (AuditFilter(until=NOON + timedelta(minutes=2)), ["1", "0"]),
        (AuditFilter(actor="' OR true --"), []),
    ],
)
async def test_actions_are_found(store_writer: StorePool, wanted: AuditFilter, found: list[str]):
    bots: dict[str, Any] = {"actor": "bot", "action": "team.add"}
    tried = [a_record(str(one), minute=one, **(bots if one in {1, 2} else {})) for one in range(4)]
    await append_audit(store_writer, [*tried, a_record("0", Phase.DONE)])

    page = await list_audit(store_writer, wanted, after=None, limit=10)

    assert [one.action_id for one in page.items] == found


async def test_a_job_is_found_among_many_and_by_what_its_submission_gave(store_writer: StorePool):
    await append_audit(
        store_writer,
        [
            a_record("many", target="7, 71, 8", details={"jobs": ["7", "71", "8"]}),
            a_record("other", target="71", details={"jobs": ["71"]}),
            a_record("made", action="job.submit", target="", details={"token": "x"}),
            a_record("made", Phase.DONE, target="", details={"job_id": "7"}),
        ],
    )

    page = await list_audit(store_writer, AuditFilter(target="7"), after=None, limit=10)

    assert [one.action_id for one in page.items] == ["made", "many"]


async def test_pages_follow_each_other(store_writer: StorePool):
    await append_audit(store_writer, [a_record(str(one)) for one in range(5)])

    first = await list_audit(store_writer, AuditFilter(), after=None, limit=2)
    second = await list_audit(store_writer, AuditFilter(), after=first.next_cursor, limit=2)
    third = await list_audit(store_writer, AuditFilter(), after=second.next_cursor, limit=2)

    assert [one.action_id for page in (first, second, third) for one in page.items] == list("43210")
    assert third.next_cursor is None
    with pytest.raises(ProblemError, match="cursor"):
        await list_audit(store_writer, AuditFilter(), after="x", limit=2)


async def test_a_record_that_comes_again_stands_there_once(store_writer: StorePool):
    await append_audit(store_writer, [a_record("one"), a_record("one")])
    end = await append_audit(store_writer, [a_record("two"), a_record("one")])

    assert end.audit_seq == 2


async def test_two_writers_make_one_chain(store_writer: StorePool):
    async with asyncio.TaskGroup() as group:
        for one in range(20):
            group.create_task(append_audit(store_writer, [a_record(str(one), details=ODD)]))

    check = await check_chain(store_writer, 1, limit=100)

    assert (check.ok, check.checked, check.last_seq, check.is_end) == (True, 20, 20, True)


async def test_a_chain_is_checked_in_parts(store_writer: StorePool):
    await append_audit(store_writer, [a_record(str(one), details=ODD) for one in range(5)])

    parts = [await check_chain(store_writer, first, limit=2) for first in (1, 3, 5, 6)]

    assert [(one.ok, one.checked, one.last_seq, one.is_end) for one in parts] == [
        *((True, 2, 2, False), (True, 2, 4, False), (True, 1, 5, True), (True, 0, 5, True)),
    ]
    assert (await check_chain(store_writer, 8, limit=2)).problem == "Record 7 is missing."


async def test_a_chain_without_records_is_whole(store_writer: StorePool):
    check = await check_chain(store_writer, 1, limit=2)

    assert (check.ok, check.checked, check.last_seq, check.last_hash) == (True, 0, 0, "00" * 32)


REFORGED = chain_hash(bytes(32), 1, chained(a_record("0", details={"n": 2}))).hex()
CHANGES = {
    "SET actor = 'eve' WHERE audit_seq = 3": "Record 3 was changed",
    "SET details = '{\"n\": 2}' WHERE audit_seq = 3": "Record 3 was changed",
    "SET acted_at = acted_at + interval '1 us' WHERE audit_seq = 2": "Record 2 was changed",
    "SET details = '{\"n\": 2}', record_hash = decode('REFORGED', 'hex') WHERE audit_seq = 1": (
        "Record 2 does not follow"
    ),
    "SET phase = 'never' WHERE audit_seq = 4": "Record 4 holds what no",
    "SET record_id = 'x' WHERE audit_seq = 5": "Record 5 was changed",
    "SET audit_seq = 9 WHERE audit_seq = 5": "Record 5 is missing: the next one is 9",
}


@pytest.mark.parametrize("change", CHANGES)
async def test_whoever_changes_a_record_is_found_out(
    database: Database, store_writer: StorePool, change: str
):
    await append_audit(store_writer, [a_record(str(one), details={"n": 1}) for one in range(5)])

    await run(database, f"UPDATE audit_records {change.replace('REFORGED', REFORGED)}")
    check = await check_chain(store_writer, 1, limit=100)

    assert not check.ok
    assert check.problem.startswith(CHANGES[change])


@pytest.mark.parametrize("place", [1, 3])
async def test_whoever_removes_a_record_is_found_out(
    database: Database, store_writer: StorePool, place: int
):
    await append_audit(store_writer, [a_record(str(one)) for one in range(5)])

    await run(database, f"DELETE FROM audit_records WHERE audit_seq = {place}")  # noqa: S608 a number
    check = await check_chain(store_writer, 1, limit=100)

    assert (check.ok, check.checked) == (False, place - 1)
    assert check.problem == f"Record {place} is missing: the next one is {place + 1}."


async def test_whoever_exchanges_two_records_is_found_out(
    database: Database, store_writer: StorePool
):
    await append_audit(store_writer, [a_record(str(one)) for one in range(2)])

    await run(
        database,
        "UPDATE audit_records SET audit_seq = audit_seq + 10",
        "UPDATE audit_records SET audit_seq = 13 - audit_seq",
    )

    assert (await check_chain(store_writer, 1, limit=9)).problem.startswith("Record 1 does not")


@pytest.mark.parametrize("role", [Role.WRITER, Role.READER])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_records SET actor = 'eve'",
        "DELETE FROM audit_records",
        "TRUNCATE audit_records",
    ],
)
async def test_no_service_may_change_what_stands_there(
    database: Database, store_writer: StorePool, role: Role, statement: str
):
    await append_audit(store_writer, [a_record("one")])

    async with await psycopg.AsyncConnection.connect(database.dsn(role)) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(statement.encode())


async def test_not_even_its_owner_changes_it_by_mistake(
    database: Database, store_writer: StorePool
):
    await append_audit(store_writer, [a_record("one")])

    async with await psycopg.AsyncConnection.connect(database.superuser_dsn) as connection:
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            await connection.execute("DELETE FROM audit_records")


def test_a_record_is_the_same_after_its_way_over_the_bus():
    record = a_record("one", details=ODD)

    read = AuditRecord.model_validate_json(record.model_dump_json())

    assert json.dumps(chained(read)) == json.dumps(chained(record))
