"""What must be true once all is quiet after a fault."""

import asyncio
import json
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import nats.errors
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, DeliverPolicy

from slurmfleet.contracts.codec import decode
from slurmfleet.contracts.events import JobFact
from slurmfleet.contracts.streams import FACTS
from tests.chaos import tables, watch
from tests.harness.sites import SimulatedSite
from tests.harness.stack import Stack

_PAGE = 200
_OLDEST_S = 20.0
_FEW = 5
_SAME_WORD = {"REQUEUED": "PENDING"}


@dataclass(kw_only=True)
class Verdict:
    """What is wrong after a round; all empty where nothing is."""

    lost: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])
    """Lists that contradict the tables, rows too much, states that are not the cluster's."""

    silent: list[str] = field(default_factory=list[str])
    """Damage that nobody reported."""

    differing: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Table and key of each row that differs from the calm stack's."""

    unseen: list[str] = field(default_factory=list[str])
    """What even the calm stack does not know of the cluster; no fault's doing, and told."""

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.doubled or self.wrong or self.silent)

    def lines(self) -> list[str]:
        """Give what is wrong in words."""
        return [
            f"{kind}: {one}"
            for kind in ("lost", "doubled", "wrong", "silent")
            for one in getattr(self, kind)
        ]


def judge(
    calm: Stack,
    hurt: Stack,
    site: SimulatedSite,
    *,
    stream_from: int,
    untold: Collection[str] = (),
    known: Collection[tuple[str, str]] = (),
) -> Verdict:
    """Compare a hurt stack with a calm one, with the cluster, with its own stream and lists.

    Args:
        calm: The stack that nobody hurts.
        hurt: The stack that is judged.
        site: The cluster of both.
        stream_from: Facts before this place in the stream were found in the tables already.
        untold: Jobs of which Slurm tells nothing; see `never_told`.
        known: Rows that differed after an earlier round, and were told then.
    """
    verdict = Verdict()
    differs = tables.difference(tables.read_tables(calm), tables.read_tables(hurt), known=known)
    for table, rows in differs.items():
        verdict.differing |= {(table, tables.key_of(row)) for part in rows.values() for row in part}
        told = tables.in_short(rows["missing"], rows["too much"])
        kind = verdict.lost if rows["missing"] else verdict.wrong
        kind += _few(f"{table}: {len(told)} rows differ (here, calm)", told)
    if twice := tables.told_twice(hurt):
        verdict.doubled += _few(f"{len(twice)} facts told twice", twice)
    # What the calm one does not know either, such as a job that came and went between two looks
    # and left nothing in accounting, was not lost by a fault.
    truth = {key: row for key, row in tracked_truth(site).items() if key not in untold}
    unknown = against_truth(calm, truth)
    verdict.lost += [one for one in against_truth(hurt, truth) if one not in unknown]
    verdict.unseen = unknown
    streamed = asyncio.run(facts_in_stream(hurt, stream_from))
    if missing := streamed - tables.event_ids(hurt):
        verdict.lost += _few(f"{len(missing)} facts of the stream", sorted(missing))
    verdict.wrong += lists_of_api(hurt)
    verdict.wrong += age_of_board(hurt, site.name)
    return verdict


def age_of_board(stack: Stack, cluster: str) -> list[str]:
    """Give what is wrong with the moment that readers are shown; looks come every second."""
    shown = datetime.fromisoformat(stack.cluster(cluster)["last_poll_started_at"])
    age_s = time.time() - shown.timestamp()
    return [] if abs(age_s) < _OLDEST_S else [f"readers are shown a look that is {age_s:.0f} s old"]


def tracked_truth(site: SimulatedSite) -> dict[str, Mapping[str, Any]]:
    """Give the newest run of each job of tracked users, as the simulator's own record has it."""
    tracked = set(site.about["tracked_users"])
    newest: dict[str, Mapping[str, Any]] = {}
    for row in site.control("truth"):
        if row["request"]["user"] in tracked and "[" not in row["job_id"]:
            before = newest.get(row["job_id"])
            if before is None or row["submitted_at"] >= before["submitted_at"]:
                newest[row["job_id"]] = row
    return newest


def never_told(site: SimulatedSite) -> frozenset[str]:
    """Give the jobs that are over and that Slurm shows to nobody who begins to look now.

    The queue has let go of them, and a window of accounting holds no job that was never eligible,
    such as one that was held until it was cancelled.

    Source: sacct(1), "--starttime": jobs that were eligible in the window.
    """
    return frozenset(
        job_id
        for job_id, row in tracked_truth(site).items()
        if row["ended_at"] is not None and row["eligible_at"] is None
    )


def against_truth(stack: Stack, truth: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Compare a stack's jobs with the cluster's; give what differs."""
    stored = tables.job_states(stack)
    wrong: list[str] = []
    for job_id, row in truth.items():
        expected = _SAME_WORD.get(row["state"], row["state"])
        if job_id not in stored:
            wrong.append(f"job {job_id} is {expected} on the cluster and not in the tables")
        elif stored[job_id][0] != expected:
            wrong.append(f"job {job_id} is {expected} on the cluster and {stored[job_id][0]} here")
    return wrong


async def facts_in_stream(stack: Stack, first: int) -> set[str]:
    """Give the ids of the facts about jobs that the stream holds from a sequence on."""
    return {
        fact.fact_id
        for message in await read_stream(stack, first)
        for fact in decode(message.data)
        if isinstance(fact, JobFact)
    }


async def messages_in_stream(stack: Stack) -> set[str]:
    """Give the ids of all messages that can be read."""
    return {str((one.headers or {}).get("Nats-Msg-Id")) for one in await read_stream(stack, 1)}


async def read_stream(stack: Stack, first: int) -> list[Msg]:
    """Give the messages that can be read from a sequence on."""
    link = await watch.connect(stack)
    found: list[Msg] = []
    try:
        reader = await link.jetstream().subscribe(
            ">",
            stream=FACTS.name,
            ordered_consumer=True,
            config=ConsumerConfig(
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=max(1, first)
            ),
        )
        while True:
            try:
                message = await reader.next_msg(timeout=1.5)
            except nats.errors.TimeoutError:
                return found
            found.append(message)
            if message.metadata.num_pending == 0:
                return found
    finally:
        await link.close()


def lists_of_api(stack: Stack) -> list[str]:
    """Page through the list of jobs; give how it contradicts the table."""
    listed: list[str] = []
    cursor = ""
    while True:
        answer = httpx.get(
            f"{stack.api}/v1/jobs",
            params={"limit": _PAGE} | ({"cursor": cursor} if cursor else {}),
            timeout=10,
        )
        answer.raise_for_status()
        page = answer.json()
        listed += [str(one["job_id"]) for one in page["items"]]
        cursor = page.get("next_cursor") or ""
        if not cursor:
            break
    stored = tables.job_states(stack)
    wrong: list[str] = []
    if len(listed) != len(set(listed)):
        wrong.append("the list of jobs names one twice")
    if set(listed) != set(stored):
        wrong.append(f"the list of jobs has {len(set(listed))} of {len(stored)} jobs")
    return wrong


def _few(what: str, rows: Iterable[Any]) -> list[str]:
    shown = list(rows)
    if not shown:
        return []
    return [f"{what}: " + "; ".join(json.dumps(one, default=str) for one in shown[:_FEW])]
