"""One simulated cluster: its jobs, its nodes and everything that happens to them.

Time is whatever `advance` says. Everything happens at exact seconds on an event queue, so the
history depends on the seed and on what users did when, not on how time was cut into steps.
"""

import dataclasses
import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from random import Random

from services.simulator.accounting import Accounting
from services.simulator.dependencies import Verdict, judge
from services.simulator.model import ClusterSpec, Job, Plan, Request, State
from services.simulator.placement import Node
from services.simulator.scheduler import Pass

PASS_INTERVAL_S = 5
"""How often the scheduler runs when something has changed."""

REQUEUE_WAIT_S = 121
"""How long a requeued job waits before it may start again; measured on 24.11."""

PURGE_INTERVAL_S = 3600
BASE_PRIORITY = 10_000

Draw = Callable[[Request, Random], Plan]
"""Gives the fate of a job that has none planned."""


class Cluster:
    """A cluster that is moved by `advance`; methods act at the moment it stands at."""

    def __init__(self, spec: ClusterSpec, *, seed: int, now: int, draw: Draw) -> None:
        """Start an empty cluster at `now`, in seconds since 1970."""
        self.spec = spec
        self.now = now
        self.nodes = {node.name: Node.of(node) for node in spec.nodes}
        self.jobs: dict[int, Job] = {}
        self.accounting = Accounting()
        self.truth: dict[tuple[int, int], Job] = {}
        """Every run that is not forgotten, as it really stands."""

        self.passes = 0
        self._draw = draw
        self._seed = seed
        self._next_id = spec.first_job_id
        self._events: list[tuple[int, int, Callable[[], object]]] = []
        self._event_count = 0
        self._pending: dict[int, Job] = {}
        self._array: dict[int, dict[int, Job]] = {}
        self._pass_is_due = False
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

    # What users and administrators do.

    def submit(self, request: Request) -> Job:
        """Take a job in; the caller has checked the request."""
        job = Job(
            raw_id=self._take_id(),
            request=request,
            submitted_at=self.now,
            priority=0 if request.hold else self._priority(request),
            held=request.hold,
            begin_at=request.begin_at,
        )
        if request.tasks:
            job.array_id = job.raw_id
            job.waiting = request.tasks
        self._add(job)
        if request.begin_at > self.now:
            self.at(request.begin_at, self._changed)
        return job

    def cancel(self, job: Job, *, uid: int) -> None:
        """End a job because somebody said so; one that is over stays as it is."""
        if job.state.is_over:
            return
        job.cancelled_by = uid
        if job.state is State.PENDING:
            job.started_at = self.now
            self._finish(job, State.CANCELLED, reason=job.reason)
        else:
            job.queue_exit = (0, 15)
            self._finish(job, State.CANCELLED, reason="None")

    def cancel_task(self, job: Job, task: int, *, uid: int) -> None:
        """End one waiting task of an array."""
        self.cancel(self._split(job, task), uid=uid)

    def hold(self, job: Job, *, by_admin: bool = False) -> None:
        """Keep a waiting job from starting."""
        if job.state is State.PENDING:
            job.held = job.reason = "JobHeldAdmin" if by_admin else "JobHeldUser"
            job.priority = 0
            job.eligible_at = job.expected_at = None
            self._note(job)

    def release(self, job: Job) -> None:
        """Let a held job go on."""
        if job.state is State.PENDING and job.held:
            job.held = ""
            job.reason = "None"
            job.priority = self._priority(job.request)
            self._note(job)
            self._changed()

    def requeue(self, job: Job, *, state: State = State.REQUEUED) -> None:
        """End this run and put the job back into the queue, to start two minutes later at least."""
        run = dataclasses.replace(job, state=state, ended_at=self.now)
        self._note(run)
        self._free(job)
        job.state = State.PENDING
        job.submitted_at = self.now + 1 if run.submitted_at == self.now else self.now
        job.begin_at = job.expected_at = job.eligible_at = self.now + REQUEUE_WAIT_S
        job.started_at = job.ended_at = job.clearing_until = job.cancelled_by = None
        job.nodes = ()
        job.reason = "BeginTime"
        job.restarts += 1
        job.queue_exit = job.accounting_exit = (0, 0)
        self._pending[job.raw_id] = job
        self._note(job)
        self.at(job.begin_at, self._changed)

    def fail_node(self, name: str, *, note: str = "Not responding", for_s: int = 1800) -> None:
        """Take a node down with everything that runs on it, and bring it back later."""
        node = self.nodes[name]
        node.status, node.note, node.noted_at = "DOWN", note, self.now
        for job in list(node.jobs.values()):
            if job.is_completing:
                continue
            if job.request.requeue:
                self.requeue(job, state=State.NODE_FAIL)
            else:
                job.queue_exit, job.accounting_exit = (0, 1), (1, 0)
                self._finish(job, State.NODE_FAIL, reason="NodeDown")
        self.at(self.now + for_s, lambda: self.resume_node(name))
        self._changed()

    def drain_node(self, name: str, *, note: str) -> None:
        """Let a node's jobs end and start no more on it."""
        node = self.nodes[name]
        node.status, node.note, node.noted_at = "DRAIN", note, self.now
        self._changed()

    def resume_node(self, name: str) -> None:
        """Put a node back into service."""
        node = self.nodes[name]
        node.status, node.note, node.noted_at = "", "", 0
        self._changed()

    # What others look up.

    def find(self, number: int, task: int | None = None) -> Sequence[Job]:
        """Give the records of an id: a job, all of an array, or one of its tasks."""
        members = self._array.get(number)
        if members is None:
            job = self.jobs.get(number)
            return [] if job is None or task is not None else [job]
        if task is None:
            return list(members.values())
        return [job for job in members.values() if job.task_id == task or task in job.waiting]

    @property
    def pending_count(self) -> int:
        """How many records wait."""
        return len(self._pending)

    def running(self) -> Iterator[Job]:
        """Give what runs and is not yet ending."""
        return (job for job in self.jobs.values() if job.state is State.RUNNING)

    # What happens by itself.

    def _changed(self) -> None:
        if not self._pass_is_due:
            self._pass_is_due = True
            step = PASS_INTERVAL_S
            self.at(self.now + step - self.now % step, self._schedule)

    def _schedule(self) -> None:
        self._pass_is_due = False
        self.passes += 1
        jobs_of: Counter[tuple[str, str]] = Counter()
        gpus_of: Counter[tuple[str, str]] = Counter()
        tasks_of: Counter[int] = Counter()
        for job in self.running():
            owner = (job.request.user, job.request.qos)
            jobs_of[owner] += 1
            gpus_of[owner] += job.gpus
            tasks_of[job.array_id or 0] += 1
        Pass(
            now=self.now,
            spec=self.spec,
            nodes=self.nodes,
            judge=self._judge,
            start=self._start,
            preempt=self._preempt,
            jobs_of=jobs_of,
            gpus_of=gpus_of,
            tasks_of=tasks_of,
        ).run(list(self._pending.values()))

    def _start(self, waiting: Job, nodes: tuple[str, ...]) -> None:
        job = self._split(waiting, waiting.waiting[0]) if waiting.waiting else waiting
        self._pending.pop(job.raw_id, None)
        job.state = State.RUNNING
        job.reason = "None"
        job.started_at = self.now
        job.eligible_at = self.now if job.eligible_at is None else job.eligible_at
        job.expected_at = None
        job.nodes = nodes
        for name in nodes:
            self.nodes[name].take(job)
        plan = job.request.plan or self._draw(job.request, self._random(job))
        limit_s = job.request.time_limit_s
        run = job.submitted_at
        if limit_s is not None and plan.runtime_s >= limit_s:
            self.at(self.now + limit_s, lambda: self._time_out(job, run))
        else:
            self.at(self.now + plan.runtime_s, lambda: self._exit(job, run, plan))
        self._note(job)

    def _exit(self, job: Job, run: int, plan: Plan) -> None:
        if job.state is not State.RUNNING or job.submitted_at != run:
            return
        job.queue_exit = job.accounting_exit = (plan.exit_code, plan.exit_signal)
        self._finish(job, plan.state, reason=_reason(plan))

    def _time_out(self, job: Job, run: int) -> None:
        if job.state is State.RUNNING and job.submitted_at == run:
            job.queue_exit = (0, 15)
            self._finish(job, State.TIMEOUT, reason="TimeLimit")

    def _preempt(self, job: Job) -> None:
        if job.request.requeue:
            self.requeue(job, state=State.PREEMPTED)
        else:
            job.queue_exit = (0, 15)
            self._finish(job, State.PREEMPTED, reason="None")

    def _finish(self, job: Job, state: State, *, reason: str) -> None:
        was_running = job.state is State.RUNNING
        self._pending.pop(job.raw_id, None)
        job.state = state
        job.reason = reason
        job.ended_at = self.now
        job.expected_at = None
        self._note(job)
        if was_running:
            job.clearing_until = self.now + self._random(job).randint(1, 4)
            run = job.submitted_at
            self.at(job.clearing_until, lambda: self._clear(job, run))
        else:
            self._leave_later(job)
        self._changed()

    def _clear(self, job: Job, run: int) -> None:
        if job.submitted_at == run and job.is_completing:
            job.clearing_until = None
            self._free(job)
            self._leave_later(job)

    def _free(self, job: Job) -> None:
        for name in job.nodes:
            if job.raw_id in self.nodes[name].jobs:
                self.nodes[name].give_back(job)
        self._changed()

    def _leave_later(self, job: Job) -> None:
        run = job.submitted_at
        self.at(self.now + self.spec.min_job_age_s, lambda: self._leave(job, run))

    def _leave(self, job: Job, run: int) -> None:
        if job.submitted_at != run or not job.state.is_over:
            return
        self.jobs.pop(job.raw_id, None)
        members = self._array.get(job.array_id or 0)
        if members is not None:
            members.pop(job.raw_id, None)
            if not members:
                del self._array[job.array_id or 0]

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

    # Book-keeping.

    def _add(self, job: Job) -> None:
        self.jobs[job.raw_id] = job
        if job.array_id is not None:
            self._array.setdefault(job.array_id, {})[job.raw_id] = job
        self._pending[job.raw_id] = job
        if job.held:
            job.reason = job.held
        elif job.begin_at > self.now:
            job.reason = "BeginTime"
        self._note(job)
        self._changed()

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
        self._array.setdefault(whole.raw_id, {})[part.raw_id] = part
        self._note(whole)
        return part

    def _judge(self, job: Job) -> Verdict:
        if not job.request.dependency:
            return Verdict()
        if job.reason == "DependencyNeverSatisfied":
            return Verdict(waiting=True, never=True, text=job.dependency)
        return judge(job.request.dependency, self.find, twins=lambda: self._has_twin(job))

    def _has_twin(self, job: Job) -> bool:
        owner = (job.request.name, job.request.user)
        return any(
            other.raw_id < job.raw_id
            and not other.state.is_over
            and (other.request.name, other.request.user) == owner
            for other in self.jobs.values()
        )

    def _note(self, job: Job) -> None:
        self.truth[job.raw_id, job.submitted_at] = job
        self.accounting.record(job, at=self.now)

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


SIGNALS = {6: "Aborted", 9: "Killed", 11: "Segmentation fault", 15: "Terminated"}


def _reason(plan: Plan) -> str:
    match plan.state:
        case State.OUT_OF_MEMORY:
            return "OutOfMemory"
        case State.FAILED if plan.exit_signal:
            name = SIGNALS.get(plan.exit_signal, "Unknown signal")
            return f"RaisedSignal:{plan.exit_signal}({name})"
        case State.FAILED:
            return "NonZeroExitCode"
        case _:
            return "None"
