"""How jobs live on a simulated cluster: they start, end, expire, and go back into the queue.

The components of a heterogeneous job start together. What ends the first one ends all; a node
that fails and a requeue concern all of them too.

Source: squeue(1), heterogeneous_jobs.html of Slurm 24.11; docs/slurm-output.md.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable
from random import Random

from services.simulator.ledger import Ledger
from services.simulator.model import ClusterSpec, Job, Plan, Request, State
from services.simulator.placement import Node
from services.simulator.reservations import Reservation, kept_from
from services.simulator.scheduler import Pass

PASS_INTERVAL_S = 5
"""How often the scheduler runs when something has changed."""

REQUEUE_WAIT_S = 121
"""How long a requeued job waits before it may start again; measured on 24.11."""

DEADLINE_CHECK_S = 30
"""How often jobs that the scheduler does not consider are held against their deadline."""

BOOT_WAIT_S = 60
"""How long a job waits for a node that does not boot (slurm.conf: ResumeTimeout)."""

Draw = Callable[[Request, Random], Plan]
"""Gives the fate of a job that has none planned."""

Exit = tuple[int, int]
NO_EXIT: Exit = (0, 0)
ENDED_BY_SIGNAL: Exit = (0, 15)
BROKEN = ((0, 1), (1, 0))
"""Exit codes, in squeue and in sacct, of a job that its cluster failed; seen on 24.11."""


class Execution(Ledger):
    """What happens on a cluster by itself, as time passes."""

    def __init__(self, spec: ClusterSpec, *, seed: int, now: int, draw: Draw) -> None:
        """Start with idle nodes and no jobs at `now`, in seconds since 1970."""
        super().__init__(spec, seed=seed, now=now)
        self.nodes = {node.name: Node.of(node) for node in spec.nodes}
        self.reservations: dict[str, Reservation] = {}
        self.passes = 0
        self._draw = draw
        self._pass_is_due = False

    def requeue(self, job: Job, *, state: State = State.REQUEUED) -> None:
        """End this run and put the job back into the queue, to start two minutes later at least."""
        for part in self.components(job):
            if part.state is not State.PENDING and part.state.is_over == job.state.is_over:
                self._requeue(part, state)

    def fail_node(self, name: str, *, note: str = "Not responding", for_s: int = 1800) -> None:
        """Take a node down with everything that runs on it, and bring it back later."""
        node = self.nodes[name]
        node.status, node.note, node.noted_at = "DOWN", note, self.now
        for job in list(node.jobs.values()):
            if job.is_completing or job.state.is_over or job.raw_id not in node.jobs:
                continue
            state = State.BOOT_FAIL if job.is_booting else State.NODE_FAIL
            if job.request.requeue:
                self.requeue(job, state=state)
                continue
            reason = "JobLaunchFailure" if job.is_booting else "NodeDown"
            for part in self.components(job):
                if not part.state.is_over:
                    part.queue_exit, part.accounting_exit = BROKEN
                    self._finish(part, state, reason=reason)
        self.at(self.now + for_s, lambda: self.resume_node(name))
        self._changed()

    def resume_node(self, name: str) -> None:
        """Put a node back into service."""
        node = self.nodes[name]
        node.status, node.note, node.noted_at, node.boot_fails_for_s = "", "", 0, 0
        self._changed()

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
        gpus_of_account: Counter[str] = Counter()
        tasks_of: Counter[int] = Counter()
        for job in self.running():
            owner = (job.request.user, job.request.qos)
            jobs_of[owner] += 1
            gpus_of[owner] += job.gpus
            gpus_of_account[job.request.account] += job.gpus
            tasks_of[job.array_id or 0] += 1
        kept = kept_from(self.reservations.values(), self.now)
        done = Pass(
            now=self.now,
            spec=self.spec,
            nodes=self.nodes,
            judge=self._judge,
            components=self.components,
            start=self._start,
            preempt=self._preempt,
            expire=self._expire,
            jobs_of=jobs_of,
            gpus_of=gpus_of,
            gpus_of_account=gpus_of_account,
            tasks_of=tasks_of,
            closed=frozenset(name for name, since in kept.items() if since <= self.now),
            reserved=dict(kept),
        )
        done.run(list(self._pending.values()))
        for name, node in self.nodes.items():
            node.is_planned = done.reserved.get(name) != kept.get(name)

    def _start(self, waiting: Job, nodes: tuple[str, ...]) -> None:
        job = self._split(waiting, waiting.waiting[0]) if waiting.waiting else waiting
        self._pending.pop(job.raw_id, None)
        job.state = State.RUNNING
        job.reason = "None"
        job.started_at = self.now
        job.eligible_at = self.now if job.eligible_at is None else job.eligible_at
        job.expected_at = None
        job.nodes = nodes
        job.request = _limited(job.request, self.now)
        for name in nodes:
            self.nodes[name].take(job)
        dead = next((name for name in nodes if self.nodes[name].boot_fails_for_s), None)
        if dead is None:
            self._plan_end(job)
        else:
            job.is_booting = True
            run = job.submitted_at
            self.at(self.now + BOOT_WAIT_S, lambda: self._give_up_boot(job, run, dead))
        self._note(job)

    def _give_up_boot(self, job: Job, run: int, name: str) -> None:
        if job.is_booting and job.submitted_at == run:
            for_s = self.nodes[name].boot_fails_for_s
            self.fail_node(name, note="ResumeTimeout reached", for_s=for_s)

    def _plan_end(self, job: Job) -> None:
        """Let a job end when its program or its limit ends it; components follow the first."""
        run = (job.submitted_at, job.paused_s)
        limit_at, ends_at = job.limit_at, None
        plan = job.request.plan or self._draw(job.request, self._random(job))
        if job.started_at is not None and not job.het_offset:
            ends_at = job.started_at + job.paused_s + plan.runtime_s
        if limit_at is not None and (ends_at is None or ends_at >= limit_at):
            self.at(limit_at, lambda: self._time_out(job, run))
        elif ends_at is not None:
            self.at(ends_at, lambda: self._exit(job, run, plan))

    def _exit(self, job: Job, run: tuple[int, int], plan: Plan) -> None:
        if job.state is State.RUNNING and (job.submitted_at, job.paused_s) == run:
            code = (plan.exit_code, plan.exit_signal)
            for part in self._ending_with(job):
                part.queue_exit = part.accounting_exit = code
                self._finish(part, plan.state, reason=_reason(plan))

    def _time_out(self, job: Job, run: tuple[int, int]) -> None:
        if job.state is State.RUNNING and (job.submitted_at, job.paused_s) == run:
            for part in self._ending_with(job):
                part.queue_exit = ENDED_BY_SIGNAL
                self._finish(part, State.TIMEOUT, reason="TimeLimit")

    def _preempt(self, job: Job) -> None:
        if job.request.requeue:
            self.requeue(job, state=State.PREEMPTED)
            return
        for part in self.components(job):
            if not part.state.is_over:
                part.queue_exit = ENDED_BY_SIGNAL
                self._finish(part, State.PREEMPTED, reason="None")

    def _expire(self, job: Job) -> None:
        """End a waiting job that its deadline has overtaken."""
        for part in self.components(job):
            if part.state is State.PENDING:
                part.started_at = self.now
                part.queue_exit, part.accounting_exit = BROKEN
                self._finish(part, State.DEADLINE, reason="DeadLine")

    def _finish(self, job: Job, state: State, *, reason: str) -> None:
        held_nodes = job.state is not State.PENDING
        self._pending.pop(job.raw_id, None)
        count_pause(job, self.now)
        job.state = state
        job.reason = reason
        job.ended_at = self.now
        job.expected_at = None
        job.is_booting = False
        self._note(job)
        if held_nodes:
            job.clearing_until = self.now + self._random(job).randint(1, 4)
            run = job.submitted_at
            self.at(job.clearing_until, lambda: self._clear(job, run))
        else:
            self._leave_later(job)
        self._changed()

    def _requeue(self, job: Job, state: State) -> None:
        count_pause(job, self.now)
        run = dataclasses.replace(job, state=state, ended_at=self.now, is_booting=False)
        self._note(run)
        self._free(job)
        job.state = State.PENDING
        job.submitted_at = self.now + 1 if run.submitted_at == self.now else self.now
        job.begin_at = job.expected_at = job.eligible_at = self.now + REQUEUE_WAIT_S
        job.started_at = job.ended_at = job.clearing_until = job.cancelled_by = None
        job.nodes = ()
        job.paused_s, job.is_booting = 0, False
        job.reason = "BeginTime"
        job.restarts += 1
        job.queue_exit = job.accounting_exit = NO_EXIT
        self._pending[job.raw_id] = job
        self._note(job)
        self._watch_deadline(job)
        self.at(job.begin_at, self._changed)

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

    def _watch_deadline(self, job: Job) -> None:
        at = job.request.deadline_at
        if at is not None:
            self.at(at + -at % DEADLINE_CHECK_S, lambda: self._expire(job))

    def _ending_with(self, job: Job) -> list[Job]:
        """Give what is not over yet of a job: with the first component all, else itself."""
        parts = [job] if job.het_offset else self.components(job)
        return [part for part in parts if not part.state.is_over]


def count_pause(job: Job, now: int) -> None:
    """Settle how long a job was suspended, as it is not any more."""
    if job.suspended_at is not None:
        job.paused_s += now - job.suspended_at
        job.suspended_at = None


def _limited(request: Request, now: int) -> Request:
    """Give a job without time limit as much as its deadline leaves, in whole minutes."""
    if request.deadline_at is None or request.time_limit_s is not None:
        return request
    left_s = (request.deadline_at - now) // 60 * 60
    return dataclasses.replace(request, time_limit_s=max(60, left_s))


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
