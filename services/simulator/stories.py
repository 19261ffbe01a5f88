"""The scenes that every demo board shows from the start: one of each state and reason."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from services.simulator.cluster import Cluster
from services.simulator.model import ADMIN_UID, Job, Plan, Request, Shape, State, User
from services.simulator.recipes import Desk

DEBUG = "debug"
DAY_S = 86_400
PAUSE_S = 7200
"""How long the suspended job of the board stays so."""

SPAN_S = 1500
"""How long before the board opens the first scene begins."""


class Stories:
    """Plays fixed scenes for one user on the debug nodes, a few seconds apart."""

    def __init__(self, cluster: Cluster, desk: Desk, user: User) -> None:
        """Prepare the scenes; `play` puts them on the cluster's time line."""
        self._cluster = cluster
        self._desk = desk
        self._user = user
        self._gpu = Shape(cpus=4, memory_mib=32_768, gpus=1)
        self._cpu = Shape(cpus=1, memory_mib=2048)

    def play(self, opens_at: int) -> None:
        """Let the scenes begin `SPAN_S` before the board opens, as far as there is time."""
        start = max(self._cluster.now + 1, opens_at - SPAN_S)
        scenes: tuple[tuple[int, Callable[[], object]], ...] = (
            (0, self._endings),
            (1, self._boot_failure),
            (30, self._deadlines),
            (180, self._node_failure),
            (300, self._preemption),
            (400, self._suspension),
            (420, self._together),
            (600, self._drained_node),
            (900, self._waiting),
            (960, self._array),
            (1200, self._odd_names),
        )
        for offset_s, scene in scenes:
            self._cluster.at(start + offset_s, scene)

    def _debug(self, name: str, plan: Plan | None, *, limit_s: int = 1800) -> Request:
        request = self._desk.request(self._user, name, self._cpu, limit_s=limit_s, partition=DEBUG)
        return replace(request, plan=plan, time_limit_s=limit_s)

    def _submit(self, request: Request) -> Job:
        return self._cluster.submit(request)

    def _endings(self) -> None:
        crash = Plan(runtime_s=40, state=State.FAILED, exit_code=1)
        segfault = Plan(runtime_s=15, state=State.FAILED, exit_signal=11)
        oom = Plan(runtime_s=90, state=State.OUT_OF_MEMORY, exit_signal=125)
        self._submit(self._debug("smoke-test", Plan(runtime_s=30)))
        failed = self._submit(self._debug("train-crash", crash))
        self._submit(self._debug("segfault-in-kernel", segfault))
        self._submit(self._debug("oom-llama-70b", oom))
        self._submit(self._debug("too-slow", Plan(runtime_s=DAY_S), limit_s=60))
        mistake = self._submit(self._debug("wrong-config", Plan(runtime_s=DAY_S)))
        self._cluster.at(
            self._cluster.now + 45,
            lambda: self._cluster.cancel(mistake, uid=self._user.uid),
        )
        never = replace(self._debug("eval-of-crash", None), dependency=f"afterok:{failed.raw_id}")
        self._submit(never)

    def _boot_failure(self) -> None:
        node = self._debug_node(-1)
        if self._cluster.fail_boot(node, for_s=60):
            request = self._debug("node-never-came-up", Plan(runtime_s=DAY_S))
            self._submit(replace(request, node=node, requeue=False))

    def _deadlines(self) -> None:
        """Let one job miss its deadline while it is held, and one because it cannot end by it."""
        request = self._debug("camera-ready", Plan(runtime_s=60), limit_s=300)
        now = self._cluster.now
        held = replace(request, hold="JobHeldUser", deadline_at=now + 1200)
        self._submit(held)
        first = self._submit(self._debug("before-camera-ready", Plan(runtime_s=700)))
        late = replace(request, name="rebuttal-figures", deadline_at=now + 900)
        self._submit(replace(late, dependency=f"afterany:{first.raw_id}"))

    def _suspension(self) -> None:
        job = self._submit(self._debug("paused-by-operator", Plan(runtime_s=1700)))
        self._cluster.at(self._cluster.now + 120, lambda: self._cluster.suspend(job))
        self._cluster.at(self._cluster.now + PAUSE_S, lambda: self._cluster.resume(job))

    def _together(self) -> None:
        """Let one heterogeneous job run, and one be cancelled before it has run."""
        parts = [
            self._debug("learner-and-actors", Plan(runtime_s=DAY_S // 24), limit_s=3600),
            replace(
                self._debug("learner-and-actors", None, limit_s=3600),
                shape=self._gpu,
            ),
        ]
        self._cluster.submit_together(parts)
        never = [replace(part, name="not-together", hold="JobHeldUser") for part in parts]
        first, *_ = self._cluster.submit_together(never)
        later = self._cluster.now + 900
        self._cluster.at(later, lambda: self._cluster.cancel(first, uid=self._user.uid))

    def _node_failure(self) -> None:
        node = self._debug_node(-1)
        request = self._debug("on-bad-node", Plan(runtime_s=DAY_S))
        self._submit(replace(request, node=node, requeue=False))
        self._submit(replace(self._debug("survivor", Plan(runtime_s=1200)), node=node))
        self._cluster.at(self._cluster.now + 60, lambda: self._cluster.fail_node(node, for_s=120))

    def _preemption(self) -> None:
        node = next(spec for spec in self._cluster.spec.nodes if spec.gpus)
        whole = Shape(cpus=node.cpus // 2, memory_mib=65_536, gpus=node.gpus)
        guest = self._debug("standby-guest", Plan(runtime_s=1700))
        host = self._debug("urgent-demo", Plan(runtime_s=1200))
        name = self._debug_node(0)
        self._submit(replace(guest, shape=whole, qos="standby", node=name))
        self._cluster.at(
            self._cluster.now + 120,
            partial(self._submit, replace(host, shape=whole, qos="high", node=name)),
        )

    def _drained_node(self) -> None:
        node = next(spec.name for spec in reversed(self._cluster.spec.nodes) if not spec.gpus)
        self._cluster.drain_node(node, note="fan replacement")
        request = self._desk.request(
            self._user, "wants-that-node", self._cpu, limit_s=3600, partition="cpu"
        )
        self._submit(replace(request, node=node))

    def _waiting(self) -> None:
        long = self._debug("patience", Plan(runtime_s=1500))
        first = self._submit(long)
        self._submit(replace(long, name="after-patience", dependency=f"afterany:{first.raw_id}"))
        self._submit(replace(long, name="held-by-me", hold="JobHeldUser"))
        self._submit(replace(long, name="held-by-admin", hold="JobHeldAdmin"))
        self._submit(replace(long, name="tomorrow", begin_at=self._cluster.now + DAY_S))
        self._submit(replace(long, name="longer-than-allowed", time_limit_s=7200))
        for number in range(3):
            self._submit(replace(long, name=f"shell-{number}", qos="interactive"))
        gone = self._submit(replace(long, name="second-thoughts", hold="JobHeldUser"))
        self._cluster.at(self._cluster.now + 30, lambda: self._cluster.cancel(gone, uid=ADMIN_UID))

    def _array(self) -> None:
        request = self._debug("sweep-lr", None)
        self._submit(replace(request, tasks=tuple(range(10)), task_limit=2))

    def _odd_names(self) -> None:
        for name in ("train|v2", 'eval "final", run 2', "données-é 漢字"):
            self._submit(replace(self._debug(name, Plan(runtime_s=1600)), comment="a|b,c"))

    def _debug_node(self, index: int) -> str:
        partition = self._cluster.spec.partition(DEBUG)
        return partition.nodes[index] if partition else ""
