"""The books of a simulated cluster: time, every record of a job, accounting, and chance.

Time is whatever `advance` says. Everything happens at exact seconds on an event queue, so the
history depends on the seed and on what users did when, not on how time was cut into steps.
"""

import dataclasses
import heapq
import re
from collections.abc import Callable, Iterator, Sequence
from random import Random

from services.simulator.accounting import Accounting
from services.simulator.dependencies import NEVER_SATISFIED, Verdict, judge
from services.simulator.model import ClusterSpec, Job, Request, State

PURGE_INTERVAL_S = 3600
BASE_PRIORITY = 10_000
_NAMED = re.compile(r"([0-9]+)(?:_([0-9]+)|\+([0-9]+))?")


class Ledger:
    """What a cluster knows of its jobs, and what is going to happen."""

    def __init__(self, spec: ClusterSpec, *, seed: int, now: int) -> None:
        """Open empty books at `now`, in seconds since 1970."""
        self.spec = spec
        self.now = now
        self.jobs: dict[int, Job] = {}
        self.accounting = Accounting()
        self.truth: dict[tuple[int, int], Job] = {}
        """Every run that is not forgotten, as it really stands."""

        self._seed = seed
        self._next_id = spec.first_job_id
        self._events: list[tuple[int, int, Callable[[], object]]] = []
        self._event_count = 0
        self._pending: dict[int, Job] = {}
        self._groups: dict[int, dict[int, Job]] = {}
        """The records of each array and of each het job, by its id."""

        self._purge()

    # What moves it.

    def advance(self, to: int) -> None:
        """Let time pass until `to`; never backwards."""
        while self._events and self._events[0][0] <= to:
            at, _, happen = heapq.heappop(self._events)
            self.now = max(self.now, at)
            happen()
        self.now = max(self.now, to)
        self.accounting.settle(self.now)

    def at(self, moment: int, happen: Callable[[], object]) -> None:
        """Let something happen at a moment."""
        self._event_count += 1
        heapq.heappush(self._events, (max(moment, self.now), self._event_count, happen))

    # What others look up.

    def find(self, number: int, task: int | None = None) -> Sequence[Job]:
        """Give the records of an id: a job, all of an array or het job, or one array task."""
        members = self._groups.get(number)
        if members is None:
            job = self.jobs.get(number)
            return [] if job is None or task is not None else [job]
        if task is None:
            return list(members.values())
        return [job for job in members.values() if job.task_id == task or task in job.waiting]

    def named(self, text: str) -> Sequence[Job]:
        """Give the records that people mean by `15`, `15_3` or `17+1`; none for other text."""
        matched = _NAMED.fullmatch(text)
        if matched is None:
            return []
        number, task, offset = matched.groups()
        if offset is None:
            return self.find(int(number), int(task) if task else None)
        return [
            job
            for job in self.find(int(number))
            if job.het_id is not None and job.het_offset == int(offset)
        ]

    def components(self, job: Job) -> Sequence[Job]:
        """Give every component of a job's het job, in order; a plain job is its only one."""
        if job.het_id is None:
            return [job]
        return sorted(self._groups.get(job.het_id, {}).values(), key=lambda part: part.het_offset)

    @property
    def pending_count(self) -> int:
        """How many records wait."""
        return len(self._pending)

    def waiting(self) -> Iterator[Job]:
        """Give what waits."""
        return iter(self._pending.values())

    def running(self) -> Iterator[Job]:
        """Give what has been started and is not yet ending, also what is suspended."""
        return (job for job in self.jobs.values() if job.state in (State.RUNNING, State.SUSPENDED))

    def _judge(self, job: Job) -> Verdict:
        if not job.request.dependency:
            return Verdict()
        if job.reason == NEVER_SATISFIED:
            return Verdict(waiting=True, never=True, text=job.dependency)
        return judge(job.request.dependency, self.find, twins=lambda: self._has_twin(job))

    def _has_twin(self, job: Job) -> bool:
        owner = (job.request.name, job.request.user)
        return any(
            other.raw_id < job.raw_id
            and not other.state.is_over
            and (job.het_id is None or other.het_id != job.het_id)
            and (other.request.name, other.request.user) == owner
            for other in self.jobs.values()
        )

    # Book-keeping.

    def _enter(self, job: Job) -> None:
        """Take a new record into the queue."""
        self.jobs[job.raw_id] = job
        if (group := _group(job)) is not None:
            self._groups.setdefault(group, {})[job.raw_id] = job
        self._pending[job.raw_id] = job
        self._note(job)

    def _split(self, whole: Job, task: int) -> Job:
        """Make one waiting task a record of its own; the last one keeps the array's id."""
        rest = tuple(index for index in whole.waiting if index != task)
        if not rest:
            whole.waiting = ()
            whole.task_id = task
            return whole
        part = dataclasses.replace(whole, raw_id=self._take_id(), task_id=task, waiting=())
        whole.waiting = rest
        self.jobs[part.raw_id] = part
        self._groups.setdefault(whole.raw_id, {})[part.raw_id] = part
        self._note(whole)
        return part

    def _note(self, job: Job) -> None:
        self.truth[job.raw_id, job.submitted_at] = job
        self.accounting.record(job, at=self.now)

    def _leave_later(self, job: Job) -> None:
        run = job.submitted_at
        self.at(self.now + self.spec.min_job_age_s, lambda: self._leave(job, run))

    def _leave(self, job: Job, run: int) -> None:
        if job.submitted_at != run or not job.state.is_over:
            return
        self.jobs.pop(job.raw_id, None)
        group = _group(job)
        members = None if group is None else self._groups.get(group)
        if group is not None and members is not None:
            members.pop(job.raw_id, None)
            if not members:
                del self._groups[group]

    def _purge(self) -> None:
        before = self.now - self.spec.history_s
        self.accounting.settle(self.now)
        self.accounting.forget(before)
        self.truth = {
            key: job
            for key, job in self.truth.items()
            if job.ended_at is None or job.ended_at >= before
        }
        self.at(self.now + PURGE_INTERVAL_S, self._purge)

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1

    def _priority(self, request: Request) -> int:
        partition = self.spec.partition(request.partition)
        qos = next((qos for qos in self.spec.qos if qos.name == request.qos), None)
        fair = self._random_of(f"{request.user}:{request.account}").randint(0, 800)
        rank = (partition.priority if partition else 0) + (qos.priority if qos else 0)
        return BASE_PRIORITY + fair + rank

    def _random(self, job: Job) -> Random:
        return self._random_of(f"{job.label}:{job.restarts}")

    def _random_of(self, text: str) -> Random:
        return Random(f"{self._seed}:{self.spec.name}:{text}")  # noqa: S311 a game, not a secret


def _group(job: Job) -> int | None:
    return job.array_id if job.het_id is None else job.het_id
