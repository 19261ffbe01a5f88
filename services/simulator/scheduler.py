"""One pass of the scheduler: who starts where, and why everybody else waits.

Priority order with backfill, as sched/backfill does it: the first job of a partition that does
not fit gets its nodes promised for the moment its predecessors' limits end; a later job may only
use them if its own limit ends before. The components of a heterogeneous job start together, on
nodes of their own, or not at all; while they wait, their nodes are kept for them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.simulator.dependencies import NEVER_SATISFIED, Verdict
from services.simulator.model import ClusterSpec, Job, Partition, Qos, Shape
from services.simulator.placement import NEVER, Node, earliest_start, find_room, victims

MAX_MISSES = 400
"""How many placements may fail in one pass (bf_max_job_test); the rest wait for Priority."""

RESOURCES = "Resources"
PRIORITY = "Priority"


@dataclass(slots=True, kw_only=True)
class Pass:
    """What one pass works on and what it decides.

    `start`, `preempt` and `expire` act at once: the next job sees the nodes as they then are.
    """

    now: int
    spec: ClusterSpec
    nodes: Mapping[str, Node]
    judge: Callable[[Job], Verdict]
    components: Callable[[Job], Sequence[Job]]
    start: Callable[[Job, tuple[str, ...]], None]
    preempt: Callable[[Job], None]
    expire: Callable[[Job], None]
    """Ends a job that can no longer meet its deadline."""

    jobs_of: Counter[tuple[str, str]]
    """Running jobs by (user, QOS)."""

    gpus_of: Counter[tuple[str, str]]
    """GPUs in use by (user, QOS)."""

    gpus_of_account: Counter[str]
    """GPUs in use by account."""

    tasks_of: Counter[int]
    """Running tasks by array."""

    closed: frozenset[str] = frozenset()
    """Nodes that a reservation keeps now."""

    reserved: dict[str, int] = field(default_factory=dict[str, int])
    blocked: set[str] = field(default_factory=set[str])
    misses: dict[tuple[str, str, Shape], int] = field(
        default_factory=dict[tuple[str, str, Shape], int]
    )

    def run(self, pending: Iterable[Job]) -> None:
        """Decide over every waiting job, highest priority first."""
        for job in sorted(pending, key=lambda job: (-job.priority, job.raw_id)):
            if job.het_id is not None:
                if not job.het_offset:
                    self._try_together(self.components(job))
                continue
            while self._try(job) and job.waiting:
                pass

    def _try(self, job: Job) -> bool:
        """Start a job, or one task of an array; False leaves its reason on it."""
        job.expected_at = None
        partition = self.spec.partition(job.request.partition)
        reason = self._gate(job, partition)
        if partition is None or reason:
            job.reason = reason
            return False
        candidates = self._candidates(job, partition)
        until = self._until(job)
        key = (partition.name, job.request.node, job.request.shape)
        if self.misses.get(key, NEVER + 1) > until and len(self.misses) < MAX_MISSES:
            places = find_room(candidates, job.request.shape, until=until, reserved=self.reserved)
            if places:
                self._begin(job, places)
                return True
            self.misses[key] = until
        self._wait(job, partition, candidates)
        return False

    def _try_together(self, parts: Sequence[Job]) -> None:
        """Start every component of a heterogeneous job, or leave its reason on each."""
        wanted: list[tuple[Job, Partition]] = []
        for part in parts:
            part.expected_at = None
            partition = self.spec.partition(part.request.partition)
            part.reason = self._gate(part, partition) or "None"
            if part.state.is_over:
                return
            if partition is not None and part.reason == "None":
                wanted.append((part, partition))
        if len(wanted) < len(parts):
            return
        taken: set[str] = set()
        found: list[tuple[str, ...]] = []
        for part, partition in wanted:
            places = find_room(
                self._candidates(part, partition, without=taken),
                part.request.shape,
                until=self._until(part),
                reserved=self.reserved,
            )
            taken.update(places)
            found.append(places)
        if all(found):
            for part, places in zip(parts, found, strict=True):
                self._begin(part, places)
        else:
            self._wait_together(wanted)

    def _wait_together(self, wanted: Sequence[tuple[Job, Partition]]) -> None:
        promised: set[str] = set()
        for part, partition in wanted:
            candidates = self._candidates(part, partition, without=promised)
            promised.update(self._wait(part, partition, candidates))
        starts = [part.expected_at for part, _ in wanted]
        latest = max((at for at in starts if at is not None), default=None)
        for part, _ in wanted:
            part.expected_at = None if None in starts else latest

    def _candidates(
        self, job: Job, partition: Partition, *, without: Iterable[str] = ()
    ) -> list[Node]:
        return [
            self.nodes[name]
            for name in partition.nodes
            if job.request.node in ("", name) and name not in without and name not in self.closed
        ]

    def _until(self, job: Job) -> int:
        limit_s = job.request.time_limit_s
        return NEVER if limit_s is None else self.now + limit_s

    def _gate(self, job: Job, partition: Partition | None) -> str:
        """Give the reason that keeps a job from being considered at all, or nothing."""
        if job.held:
            return job.held
        if partition is None:
            return "PartitionDown"
        if job.begin_at > self.now:
            job.expected_at = job.eligible_at = job.begin_at
            return "BeginTime"
        verdict = self.judge(job)
        job.dependency = verdict.text
        if verdict.waiting:
            job.eligible_at = None
            return NEVER_SATISFIED if verdict.never else "Dependency"
        if job.eligible_at is None:
            job.eligible_at = self.now
        return self._overdue(job) or self._too_long(job, partition) or self._limits(job)

    def _overdue(self, job: Job) -> str:
        deadline_at = job.request.deadline_at
        if deadline_at is None or not deadline_at < self._until(job) < NEVER:
            return ""
        self.expire(job)
        return "DeadLine"

    def _too_long(self, job: Job, partition: Partition) -> str:
        limit_s, max_s = job.request.time_limit_s, partition.max_time_s
        too_long = max_s is not None and (limit_s is None or limit_s > max_s)
        return "PartitionTimeLimit" if too_long else ""

    def _limits(self, job: Job) -> str:
        request = job.request
        if request.task_limit and self.tasks_of[job.array_id or 0] >= request.task_limit:
            return "JobArrayTaskLimit"
        qos = self._qos(request.qos)
        owner = (request.user, request.qos)
        if qos.max_jobs_per_user is not None and self.jobs_of[owner] >= qos.max_jobs_per_user:
            return "QOSMaxJobsPerUserLimit"
        if (
            qos.max_gpus_per_user is not None
            and job.gpus
            and self.gpus_of[owner] + job.gpus > qos.max_gpus_per_user
        ):
            return "QOSMaxGRESPerUser"
        limit = dict(self.spec.account_gpu_limits).get(request.account)
        in_use = self.gpus_of_account[request.account]
        if limit is not None and job.gpus and in_use + job.gpus > limit:
            return "AssocGrpGRES"
        node = self.nodes.get(request.node)
        if node is not None and node.status:
            return f"ReqNodeNotAvail, UnavailableNodes:{request.node}"
        return ""

    def _begin(self, job: Job, places: tuple[str, ...]) -> None:
        owner = (job.request.user, job.request.qos)
        self.jobs_of[owner] += 1
        self.gpus_of[owner] += job.gpus
        self.gpus_of_account[job.request.account] += job.gpus
        self.tasks_of[job.array_id or 0] += 1
        self.start(job, places)

    def _wait(self, job: Job, partition: Partition, candidates: list[Node]) -> tuple[str, ...]:
        """Say why a job waits, and give the nodes that are promised to it."""
        if partition.name in self.blocked:
            job.reason = PRIORITY
            return ()
        self.blocked.add(partition.name)
        job.reason = RESOURCES
        gone = victims(
            candidates, job.request.shape, frozenset(self._qos(job.request.qos).preempts)
        )
        for victim in gone:
            self.preempt(victim)
        promise = earliest_start(candidates, job.request.shape, now=self.now)
        if promise is None:
            job.reason = (
                "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher "
                "priority partitions"
            )
            return ()
        starts_at, names = promise
        if starts_at < NEVER:
            job.expected_at = starts_at
        for name in names:
            self.reserved[name] = min(self.reserved.get(name, NEVER), starts_at)
        return names

    def _qos(self, name: str) -> Qos:
        found = next((qos for qos in self.spec.qos if qos.name == name), None)
        return found or Qos(name=name)
