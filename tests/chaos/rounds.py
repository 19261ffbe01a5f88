"""One round after another on two stacks that watch one cluster, one calm and one hurt."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from typing import Any

from tests.chaos import watch
from tests.chaos.clocks import StepClock
from tests.chaos.disks import own_disks
from tests.chaos.faults import Fault, Target, drawn
from tests.chaos.judge import Verdict, judge, never_told
from tests.chaos.reported import Ledger
from tests.harness.sites import SimulatedSite, simulated_sites
from tests.harness.stack import Stack, running_stack

NAME = "sim-h100"
LOOKS = 6
"""After a fault; enough for what is missing to be asked of accounting and to be answered."""

STEP_S = 120
QUIET_LIMIT_S = 60.0
GIVE_UP_S = 180.0
BACK_LIMIT_S = 30.0
_LEAST_WAITING = 5
QUICK_ROLLS_S = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What happened in a round, and what was found after it."""

    number: int
    seed: int
    faults: tuple[str, ...]
    kinds: tuple[str, ...]
    began_s: float
    """Since the run began."""

    back_s: float | None
    """From the end of the last fault until all services worked again; None: not in time."""

    outbox_peak: int
    damaged: tuple[str, ...]
    verdict: Verdict
    trouble: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the round is as it must be."""
        in_time = self.back_s is not None and self.back_s <= BACK_LIMIT_S
        return self.verdict.is_good and in_time and not self.trouble


@dataclass(kw_only=True)
class Ground:
    """What rounds are fought on."""

    site: SimulatedSite
    calm: Stack
    target: Target
    untold: frozenset[str] = frozenset()
    """Jobs that were over before anybody looked, and that Slurm does not tell of."""

    stream_from: int = 1
    """All facts up to here were found in the tables in earlier rounds."""

    known: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Rows that differ since a round that failed by them; later rounds are not blamed."""

    ledger: Ledger = field(default_factory=Ledger)
    begun_s: float = field(default_factory=time.monotonic)

    def gone(self) -> str:
        """Give which stack has ended altogether, in words; empty while both are there."""
        return "; ".join(
            f"the {name} stack has ended with status {stack.process.returncode}"
            for name, stack in (("calm", self.calm), ("hurt", self.target.stack))
            if stack.process.poll() is not None
        )


@contextmanager
def ground(folder: Path, *, seed: int, outage_s: float) -> Iterator[Ground]:
    """Bring the cluster and both stacks up while the body runs."""
    with ExitStack() as stack:
        sites = stack.enter_context(
            simulated_sites(folder / "sim", names=NAME, time_scale=0, populate=True, seed=seed)
        )
        site = sites[NAME]
        config = {**site.config, "track_users": site.about["tracked_users"]}
        untold = never_told(site)
        disks = stack.enter_context(own_disks(folder / "hurt"))
        clock = StepClock(folder / "clock")
        clock.set(0)
        quick = {
            "SLURMFLEET_COLLECTOR_ROLL_INTERVAL_S": str(QUICK_ROLLS_S),
            "SLURMFLEET_PROJECTOR_SCRUB_EVERY_S": str(QUICK_ROLLS_S),
        }
        calm = stack.enter_context(running_stack(folder / "calm", [config], environment=quick))
        hurt = stack.enter_context(
            running_stack(folder / "hurt", [config], environment={**quick, **clock.environment})
        )
        watch.together((calm, hurt), _quiet)
        target = Target(stack=hurt, disks=disks, clock=clock, outage_s=outage_s)
        yield Ground(site=site, calm=calm, target=target, untold=untold)


def play(ground: Ground, number: int, seed: int, kinds: list[str], *, first: str = "") -> Round:
    """Play one round; whatever is wrong is in the round and is not raised."""
    draw = random.Random(f"{seed}/{number}")  # noqa: S311 no secret
    faults = drawn(draw, ground.target, kinds, first=first)
    ground.target.damaged.clear()
    began_s = time.monotonic() - ground.begun_s
    back_s: float | None = None
    peak, trouble, verdict = 0, "", Verdict()
    try:
        load(ground, draw)
        if any(one.kind == "flip" for one in faults):
            ground.ledger.before(ground.target.stack)
        peak = _hurt(ground, draw, faults)
        # An outage during which nothing had to wait was none, and must not be counted as one.
        if any(one.kind == "bus outage" for one in faults) and peak < _LEAST_WAITING:
            trouble = f"the bus was not out: at most {peak} messages waited"
        back_s = watch.await_service(ground.target.stack, within_s=GIVE_UP_S)
        verdict = _judged(ground)
    except Exception as exc:  # noqa: BLE001 the report has a line for it
        trouble = f"{type(exc).__name__}: {exc}"
    return Round(
        number=number,
        seed=seed,
        faults=tuple(one.what for one in faults),
        kinds=tuple(one.kind for one in faults),
        began_s=began_s,
        back_s=back_s,
        outbox_peak=peak,
        damaged=tuple(ground.target.damaged),
        verdict=verdict,
        trouble=trouble,
    )


def load(ground: Ground, draw: random.Random) -> None:
    """Let people do what they do beside submitting, and let both stacks see it."""
    site, user = ground.site, ground.site.about["tracked_users"][0]
    runs_s, tasks = draw.randint(30, 400), draw.randint(2, 6)
    comment = f"sim:runtime={runs_s},exit={draw.choice((0, 0, 1))}"
    argv = ["-p", "cpu", "--comment", comment, "--wrap", "true"]
    if draw.random() < 0.5:
        argv += [f"--array=0-{tasks - 1}%2"]
    site.control("submit", user=user, argv=argv)
    alive = _running(site)
    if alive and draw.random() < 0.3:
        site.administer(f"scontrol requeue {draw.choice(alive)}")
    elif alive and draw.random() < 0.2:
        site.control("cancel", job_id=int(draw.choice(alive)))
    watch.together((ground.calm, ground.target.stack), _one_look)


def _one_look(stack: Stack) -> float:
    return watch.await_looks(stack, 1, within_s=QUIET_LIMIT_S)


def _running(site: SimulatedSite) -> list[str]:
    tracked = set(site.about["tracked_users"])
    return [
        row["job_id"]
        for row in site.control("truth")
        if row["state"] == "RUNNING"
        and row["request"]["user"] in tracked
        and row["job_id"].isdigit()
    ]


def _hurt(ground: Ground, draw: random.Random, faults: list[Fault]) -> int:
    """Let the faults happen while the cluster's time moves; give how long the outbox grew."""
    ends: list[tuple[Timer, Callable[[], None]]] = []
    peak = 0
    try:
        for fault in faults:
            if ends:
                time.sleep(draw.uniform(0, 1))
            end = fault.begin(ground.target)
            # By the clock, whatever this thread waits for: a stopped collector does not look.
            timer = Timer(fault.lasts_s, end)
            timer.start()
            ends.append((timer, end))
            for _ in range(fault.advances):
                time.sleep(draw.uniform(0, 0.5))
                ground.site.control("advance", seconds=STEP_S)
                if fault.advances > 1:
                    # What nobody sees between two steps leaves no fact: both must look at each.
                    watch.together((ground.calm, ground.target.stack), _one_look)
        while any(timer.is_alive() for timer, _ in ends):
            peak = max(peak, _waiting(ground.target.stack))
            time.sleep(0.1)
    finally:
        for timer, end in ends:
            if timer.is_alive():  # something failed, or Ctrl-C
                timer.cancel()
                end()
    return peak


def _waiting(stack: Stack) -> int:
    try:
        return watch.outbox(stack)[2]
    except Exception:  # noqa: BLE001 the file is being made, or its disk is full
        return 0


def _judged(ground: Ground) -> Verdict:
    hurt = ground.target.stack
    watch.together((ground.calm, hurt), _quiet)
    state = watch.stream_state(hurt)
    verdict = _compared(ground)
    if not verdict.is_good:
        verdict = _settled(ground, verdict)
    if ground.target.damaged:
        gone, silent = ground.ledger.after(hurt)
        ground.target.damaged.append(f"{gone} messages are newly gone, and told of")
        verdict.silent += silent
    ground.known |= verdict.differing
    ground.stream_from = max(state.first, min(state.last, watch.stream_state(hurt).last))
    return verdict


def _quiet(stack: Stack) -> float:
    return watch.await_looks(stack, LOOKS, within_s=QUIET_LIMIT_S) + watch.caught_up(
        stack, within_s=QUIET_LIMIT_S
    )


def _settled(ground: Ground, verdict: Verdict) -> Verdict:
    """Give accounting, and rolls where something was damaged, the time to bring the rest.

    What was lost stays lost, and what was doubled doubled, however long one waits. The cluster's
    time moves once: a job that is completing in the queue has ended in accounting, and who asks
    which is up to the moment.
    """
    ground.site.control("advance", seconds=STEP_S)
    deadline_s = time.monotonic() + GIVE_UP_S
    while not verdict.is_good and time.monotonic() < deadline_s:
        time.sleep(2)
        verdict = _compared(ground)
    return verdict


def _compared(ground: Ground) -> Verdict:
    return judge(
        ground.calm,
        ground.target.stack,
        ground.site,
        stream_from=ground.stream_from,
        untold=ground.untold,
        known=ground.known,
    )


def as_json(one: Round) -> dict[str, Any]:
    """Give a round for the report's JSON."""
    return {
        "number": one.number,
        "seed": one.seed,
        "faults": list(one.faults),
        "kinds": list(one.kinds),
        "began_s": round(one.began_s, 1),
        "back_s": None if one.back_s is None else round(one.back_s, 2),
        "outbox_peak": one.outbox_peak,
        "damaged": list(one.damaged),
        "good": one.is_good,
        "wrong": one.verdict.lines(),
        "trouble": one.trouble[:4_000],
    }
