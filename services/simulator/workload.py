"""What people submit: machine-learning jobs with realistic names, sizes and fates.

Everything is drawn from one seeded source in a fixed order, so a seed is a history.
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from services.simulator.cluster import Cluster
from services.simulator.dependencies import NEVER_SATISFIED
from services.simulator.model import Plan, Request, State
from services.simulator.recipes import Desk, draw_recipe

MINUTE_S = 60
HOUR_S = 3600
LOAD = 1.15
"""Work offered per GPU second: a little more than there is, so that a queue forms."""

CALIBRATION_DRAWS = 300
NODE_FAILURE_S = 8 * HOUR_S
"""Mean time between two node failures, before `speed`."""

BOOT_SHARE = 0.3
"""How many of them show only when the node boots for a job, if a node is idle."""

SUSPENSION_S = 3 * HOUR_S
"""Mean time between two suspensions by an operator, before `speed`."""

TIDY_UP_S = 6 * HOUR_S
"""Mean time between two looks for jobs that can never start, before `speed`."""

DEADLINE_SHARE = 0.05
"""How many plain jobs must be over by a certain time."""


class Workload:
    """Submits jobs to one cluster, one arrival after the other."""

    def __init__(
        self, cluster: Cluster, *, seed: int, speed: float = 1.0, max_pending: int = 250
    ) -> None:
        """Prepare a workload.

        Args:
            cluster: Where to submit.
            seed: What makes its history.
            speed: How many times shorter everything lasts.
            max_pending: With so many waiting records, people stop submitting.
        """
        self.cluster = cluster
        self.speed = speed
        self.max_pending = max_pending
        self.is_stopped = False
        self.random = Random(f"{seed}:{cluster.spec.name}:work")  # noqa: S311 a game, not a secret
        self.desk = Desk(spec=cluster.spec, random=self.random, speed=speed)
        self._gap_s = self._calibrate()

    def start(self) -> None:
        """Let people begin to submit, nodes to fail, and operators to step in."""
        self.cluster.at(self.cluster.now + 1, self._arrive)
        self.cluster.at(self.cluster.now + self._delay_s(NODE_FAILURE_S), self._break_node)
        self.cluster.at(self.cluster.now + self._delay_s(SUSPENSION_S), self._suspend)
        self.cluster.at(self.cluster.now + self._delay_s(TIDY_UP_S), self._tidy_up)

    def _calibrate(self) -> float:
        """Give the mean gap between arrivals that offers `LOAD`."""
        gpus = sum(node.gpus for node in self.cluster.spec.nodes) or 1
        desk = replace(self.desk, random=Random(0))  # noqa: S311 a game, not a secret
        work = 0.0
        for index in range(CALIBRATION_DRAWS):
            user = self.cluster.spec.users[index % len(self.cluster.spec.users)]
            for request in draw_recipe(desk).make(desk, user):
                tasks = max(1, len(request.tasks))
                shape = request.shape
                work += tasks * shape.nodes * shape.gpus * (request.time_limit_s or HOUR_S) * 0.5
        return max(1.0, work / CALIBRATION_DRAWS / gpus / LOAD)

    def _arrive(self) -> None:
        if self.is_stopped:
            return
        user = self.random.choice(self.cluster.spec.users)
        recipe = draw_recipe(self.desk)
        requests = recipe.make(self.desk, user)
        if self.cluster.pending_count < self.max_pending:
            if recipe.together:
                self.cluster.submit_together(requests)
            else:
                self._submit(requests)
        gap_s = max(1, round(self.random.expovariate(1 / self._gap_s)))
        self.cluster.at(self.cluster.now + gap_s, self._arrive)

    def _submit(self, requests: Sequence[Request]) -> None:
        if len(requests) == 1:
            self.cluster.submit(self._hurried(requests[0]))
            return
        previous = self.cluster.submit(requests[0]).raw_id
        for request in requests[1:]:
            previous = self.cluster.submit(_after(request, previous)).raw_id

    def _hurried(self, request: Request) -> Request:
        """Give some plain jobs a deadline that a long queue can make them miss."""
        limit_s = request.time_limit_s
        if request.tasks or limit_s is None or self.random.random() >= DEADLINE_SHARE:
            return request
        slack_s = self._delay_s(HOUR_S)
        return replace(request, deadline_at=self.cluster.now + limit_s + slack_s)

    def _suspend(self) -> None:
        if self.is_stopped:
            return
        running = [job for job in self.cluster.running() if not job.het_offset]
        if running:
            job = self.random.choice(running)
            if self.cluster.suspend(job):
                back_at = self.cluster.now + self._delay_s(HOUR_S // 2)
                self.cluster.at(back_at, lambda: self.cluster.resume(job))
        self.cluster.at(self.cluster.now + self._delay_s(SUSPENSION_S), self._suspend)

    def _tidy_up(self) -> None:
        """Cancel what can never start, as its owners do; else it fills the queue for good."""
        if self.is_stopped:
            return
        for job in list(self.cluster.waiting()):
            owner = self.cluster.spec.user(job.request.user)
            if job.reason == NEVER_SATISFIED and owner is not None:
                self.cluster.cancel(job, uid=owner.uid)
        self.cluster.at(self.cluster.now + self._delay_s(TIDY_UP_S), self._tidy_up)

    def _break_node(self) -> None:
        if self.is_stopped:
            return
        candidates = [name for name, node in self.cluster.nodes.items() if not node.status]
        idle = [name for name in candidates if not self.cluster.nodes[name].jobs]
        if idle and self.random.random() < BOOT_SHARE:
            self.cluster.fail_boot(self.random.choice(idle), for_s=self._delay_s(HOUR_S))
        elif candidates:
            self.cluster.fail_node(self.random.choice(candidates), for_s=self._delay_s(HOUR_S))
        self.cluster.at(self.cluster.now + self._delay_s(NODE_FAILURE_S), self._break_node)

    def _delay_s(self, nominal_s: int) -> int:
        return max(1, round(nominal_s * self.random.uniform(0.5, 1.5) / self.speed))


def draw_fate(request: Request, random: Random) -> Plan:
    """Give what becomes of a job: most end well, some crash early, some hit their limit."""
    limit_s = request.time_limit_s or 4 * HOUR_S
    dice = random.random()
    well = max(2, round(limit_s * random.uniform(0.15, 0.85)))
    early = max(2, round(min(limit_s, 10 * MINUTE_S) * random.uniform(0.02, 0.5)))
    fates = (
        (0.80, Plan(runtime_s=well)),
        (0.88, Plan(runtime_s=early, state=State.FAILED, exit_code=1)),
        (0.90, Plan(runtime_s=early, state=State.FAILED, exit_code=random.choice((2, 127, 134)))),
        (0.92, Plan(runtime_s=well, state=State.FAILED, exit_signal=random.choice((6, 9, 11)))),
        (0.95, Plan(runtime_s=early, state=State.OUT_OF_MEMORY, exit_signal=125)),
        (1.00, Plan(runtime_s=limit_s)),
    )
    return next(plan for bound, plan in fates if dice < bound)


def _after(request: Request, raw_id: int) -> Request:
    return replace(request, dependency=f"afterok:{raw_id}")
