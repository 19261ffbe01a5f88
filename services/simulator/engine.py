"""A cluster in motion: simulated time, the work that arrives, and what is wrong with it."""

from services.simulator.calls import Answer, Call
from services.simulator.cluster import Cluster
from services.simulator.commands import Faults, Health, execute
from services.simulator.model import ClusterSpec
from services.simulator.recipes import HOUR_S
from services.simulator.stories import Stories
from services.simulator.workload import Workload, draw_fate
from slurmfleet.timing.clock import Clock

WARM_UP_S = 24 * HOUR_S
"""How much history, before `speed`, a new cluster has."""

LEAST_WARM_UP_S = 1800


class SimulatedTime:
    """Tells a cluster's time: real time, faster, or moved by hand."""

    def __init__(self, clock: Clock, *, scale: float = 1.0) -> None:
        """Start at the real time; `scale` is how many seconds pass in one, 0 for none."""
        self._clock = clock
        self._scale = scale
        self._base_s = clock.now().timestamp()
        self._since_s = clock.monotonic_s()

    @property
    def scale(self) -> float:
        """How many simulated seconds pass in one real second."""
        return self._scale

    def set_scale(self, scale: float) -> None:
        """Let time pass faster or slower from now on."""
        self._settle()
        self._scale = scale

    def advance(self, length_s: float) -> None:
        """Let time jump forward."""
        self._settle()
        self._base_s += length_s

    def now(self) -> int:
        """Give the simulated time in whole seconds since 1970."""
        return int(self._base_s + (self._clock.monotonic_s() - self._since_s) * self._scale)

    def _settle(self) -> None:
        at_s = self._clock.monotonic_s()
        self._base_s += (at_s - self._since_s) * self._scale
        self._since_s = at_s


class Engine:
    """Keeps one cluster up to date and answers its client programs."""

    def __init__(
        self,
        spec: ClusterSpec,
        *,
        clock: Clock,
        seed: int,
        time_scale: float = 1.0,
        speed: float = 1.0,
        failure_scale: float = 1.0,
        populate: bool = True,
    ) -> None:
        """Make a cluster with a day of history.

        Args:
            spec: The cluster.
            clock: Real time.
            seed: What makes its history.
            time_scale: How many simulated seconds pass in one real second; 0 for none.
            speed: How many times shorter jobs last than real ones.
            failure_scale: How long programs wait for a dead daemon, against real Slurm.
            populate: False leaves the cluster empty until somebody submits.
        """
        self.time = SimulatedTime(clock, scale=time_scale)
        self.faults = Faults()
        self._clock = clock
        self._failure_scale = failure_scale
        now = self.time.now()
        warm_up_s = max(LEAST_WARM_UP_S, int(WARM_UP_S / speed)) if populate else 0
        self.cluster = Cluster(spec, seed=seed, now=now - warm_up_s, draw=draw_fate)
        self.workload = Workload(self.cluster, seed=seed, speed=speed)
        if populate:
            self.workload.start()
            Stories(self.cluster, self.workload.desk, spec.users[0]).play(now)
            self.cluster.advance(now)

    @property
    def spec(self) -> ClusterSpec:
        """The cluster as configured."""
        return self.cluster.spec

    def step(self) -> None:
        """Let happen what is due."""
        self.cluster.accounting.is_down = self.faults.accounting is not Health.UP
        self.cluster.advance(self.time.now())

    async def answer(self, call: Call) -> Answer:
        """Answer a client program, as late as the cluster's health makes it."""
        self.step()
        answer = execute(self.cluster, call, self.faults)
        if answer.wait_s:
            faster = max(1.0, self.time.scale)
            await self._clock.sleep(answer.wait_s * self._failure_scale / faster)
        return answer

    async def run(self, *, interval_s: float = 1.0) -> None:
        """Keep the cluster up to date also while nobody asks; never returns."""
        while True:
            await self._clock.sleep(interval_s)
            self.step()
