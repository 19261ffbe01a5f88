"""Samples of running jobs, the same on every kind of cluster: sstat, and one long step."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from statistics import mean

import pytest

from services.collector.budget import RpcBudget
from services.collector.desk import Desk, Known
from services.collector.jobs.coverage import Coverage
from services.collector.looks.asking import Question, ask_probe, ask_queue
from services.collector.sampling.jobs import running_jobs
from services.collector.sampling.providers import Provider
from services.collector.sampling.sidecar import SCRIPT, SidecarProvider
from services.collector.sampling.sstat import SstatProvider
from services.collector.sampling.step import REQUESTS_PER_STEP, StepSampler
from services.collector.sampling.survey import SamplingSurvey
from services.collector.target import ssh_target
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.sample import Sample
from slurmfleet.contracts.use import GpuSampled, LoadSampled, SamplingMissed
from slurmfleet.ssh.link import SshLink
from slurmfleet.timing.clock import SystemClock
from tests.harness.sampling import memory_of
from tests.harness.sites import RealSite, SimulatedSite, Site
from tests.harness.streams import CountedStreams, ssh_arguments

SIMULATED = "sim-h100"
SITES = (SIMULATED, "alpha", "beta", "gamma")
OUR_COMMANDS = (
    'here=$(readlink /proc/self/ns/mnt); for one in $(pgrep -u "$(id -u)"); do '
    '[ "$(readlink "/proc/$one/ns/mnt")" != "$here" ] || '
    "tr '\\0' ' ' <\"/proc/$one/cmdline\"; done 2>/dev/null; true"
)
"""Those of our login on this cluster: others share the machine and its users."""

FAKE = "0 81 27351 51 384\n1 12 1000 40 120\n"


@pytest.fixture(scope="module", params=SITES)
def place(request: pytest.FixtureRequest) -> Site:
    if request.param == SIMULATED:
        return request.getfixturevalue("simulated")[SIMULATED]
    return request.getfixturevalue("real")[request.param]


@pytest.fixture
def jobs(place: Site) -> Iterator[Callable[..., str]]:
    """Submit jobs that are cancelled in the end."""
    ids: list[str] = []

    def submit(*arguments: str, body: str = "sleep 600") -> str:
        told = "--comment sim:runtime=600,exit=0"
        words = " ".join(arguments)
        said = place.run(f"sbatch --parsable -t 15 {told} {words} --wrap '{body}'")
        ids.append(said.split(";")[0].strip())
        return ids[-1]

    yield submit
    for job_id in ids:
        place.run(f"scancel {job_id}")


def gpu_partition(place: Site) -> str:
    return place.about["gpu_partition"] if isinstance(place, RealSite) else "batch"


@asynccontextmanager
async def desk_of(place: Site, **sampling: object) -> AsyncGenerator[Desk]:
    """Lay out the desk at which the collector's survey of a cluster sits."""
    clock = SystemClock()
    config = ClusterConfig.model_validate(
        {**place.config, "sampling": {"interval_s": 0.5, **sampling}}
    )
    target = ssh_target(config, known_hosts=(), ssh_config=(), connect_limit_s=15)
    async with SshLink(target, clock=clock) as link:
        probe, _ = await ask_probe(link, limit_s=60)
        yield Desk(
            config,
            link=link,
            budget=RpcBudget(per_minute=0, burst=1, clock=clock),
            known=Known(probe=probe, memory={}),
            clock=clock,
        )


async def look(desk: Desk, *wanted: str, within_s: float = 90) -> None:
    """Look until these jobs run, as the collector does."""
    question = Question(
        users=[desk.probe.user],
        accounts=(),
        queue=False,
        followed=Coverage.of([desk.probe.user]),
        section_limit_s=30,
    )
    deadline = time.monotonic() + within_s
    while True:
        reading = await ask_queue(desk.link, desk.probe, question, limit_s=60, now=desk.clock.now)
        present = [
            job
            for job in reading.look.present or ()
            if job.job_id in wanted or str(job.array_job_id or job.het_job_id) in wanted
        ]
        desk.known.memory = memory_of(*present)
        running = {job.job_id for job in running_jobs(desk.known.memory)}
        if len(running) >= len(wanted) and len(running) == len(
            [job for job in present if not (job.array_job_id and job.array_task_id is None)]
        ):
            return
        assert time.monotonic() < deadline, f"they do not run: {present}"
        await asyncio.sleep(0.5)


async def facts_of(survey: SamplingSurvey, desk: Desk) -> Sequence[Sample]:
    finding = await survey.ask(desk)
    assert finding is not None
    assert finding.error == ""
    assert [section for section in finding.sections if not section.ok] == []
    assert finding.bad_rows == ()
    return finding.facts


async def until(
    survey: SamplingSurvey,
    desk: Desk,
    enough: Callable[[list[Sample]], bool],
    within_s: float = 60,
) -> list[Sample]:
    """Ask until the facts are enough."""
    told: list[Sample] = []
    deadline = time.monotonic() + within_s
    while not enough(told):
        assert time.monotonic() < deadline, f"not enough: {told[-3:]}"
        told += await facts_of(survey, desk)
        await asyncio.sleep(0.5)
    return told


def survey_of(desk: Desk, *providers: Provider) -> SamplingSurvey:
    return SamplingSurvey(desk.config, providers)


async def test_sstat_tells_what_each_running_job_uses(place: Site, jobs: Callable[..., str]):
    cpu = f"-p {place.cpu_partition}"
    plain, array = jobs(cpu), jobs(cpu, "--array=0-1")
    wanted = {plain, f"{array}_0", f"{array}_1"}
    # The simulator's time passes three times as fast as ours and in whole seconds, so that a single
    # short interval may hold half as much again.
    every_s, samples, most_pct = (3, 3, 330) if isinstance(place, SimulatedSite) else (0.5, 1, 110)

    def enough(facts: list[Sample]) -> bool:
        known = Counter(
            fact.job_id
            for fact in facts
            if isinstance(fact, LoadSampled) and fact.cpu_utilization_pct is not None
        )
        return all(known[JobId(job_id)] >= samples for job_id in wanted)

    async with desk_of(place, sstat_interval_s=every_s, sstat_jobs_per_minute=600) as desk:
        await look(desk, plain, array)
        survey = survey_of(desk, SstatProvider(desk.config.sampling))
        told = await until(survey, desk, enough)

    loads = [fact for fact in told if isinstance(fact, LoadSampled)]
    assert {fact.source for fact in loads} == {"sstat"}
    assert all(0 < (fact.memory_used_mib or 0) < 100_000 for fact in loads)
    used = [fact.cpu_utilization_pct for fact in loads if fact.cpu_utilization_pct is not None]
    assert min(used) >= 0
    assert (mean(used) if samples > 1 else max(used)) <= most_pct
    assert desk.rpcs["sstat"] >= 3


async def test_a_job_whose_gpus_nobody_shows_is_told_with_the_reason(
    place: Site, jobs: Callable[..., str]
):
    job_id = jobs(f"-p {gpu_partition(place)} --gres=gpu:1")

    async with desk_of(place, sstat_interval_s=0.5, sstat_jobs_per_minute=600) as desk:
        await look(desk, job_id)
        survey = survey_of(desk, SstatProvider(desk.config.sampling))
        told = await until(
            survey, desk, lambda facts: any(isinstance(one, SamplingMissed) for one in facts)
        )

    missed = [one for one in told if isinstance(one, SamplingMissed)]
    assert [one.job_id for one in missed] == [job_id]
    assert "AccountingStorageTRES" in missed[0].reason
    assert not any(isinstance(one, GpuSampled) for one in told)


@asynccontextmanager
async def stepping(
    desk: Desk,
) -> AsyncGenerator[tuple[StepSampler, SamplingSurvey, CountedStreams]]:
    sampler = StepSampler(desk.config.sampling, cluster=desk.config.name, clock=SystemClock())
    survey, streams = survey_of(desk, sampler), CountedStreams(link=desk.link)
    running = asyncio.get_running_loop().create_task(sampler.run(desk, streams))
    try:
        yield sampler, survey, streams
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def fix_numbers(place: Site) -> None:
    if isinstance(place, RealSite):
        place.run(f"cat > ~/.fake-gpu <<'END'\n{FAKE}END\n")


async def test_one_step_samples_all_gpus_on_all_nodes_of_a_job(
    place: Site, jobs: Callable[..., str]
):
    fix_numbers(place)
    job_id = jobs(f"-p {gpu_partition(place)} -N2 --gres=gpu:2")

    async with (
        desk_of(place, steps=2, step_interval_s=1) as desk,
        stepping(desk) as (sampler, survey, streams),
    ):
        await look(desk, job_id)
        told = await until(
            survey, desk, lambda facts: len([1 for f in facts if isinstance(f, GpuSampled)]) >= 12
        )
        nodes = running_jobs(desk.known.memory)[0].nodes
        open_steps = sampler.open_count

    gpus = [fact for fact in told if isinstance(fact, GpuSampled)]
    assert {fact.node for fact in gpus} == set(nodes)
    assert len({fact.gpu_uuid for fact in gpus}) == 4
    assert {fact.source for fact in gpus} == {"step"}
    assert all(0 <= (fact.utilization_pct or 0) <= 100 for fact in gpus)
    assert all((fact.memory_used_mib or 0) <= (fact.memory_total_mib or 0) for fact in gpus)
    if isinstance(place, RealSite):
        assert {
            (fact.utilization_pct, fact.memory_used_mib, fact.temperature_c, fact.power_w)
            for fact in gpus
        } == {(81, 27351, 51, 384), (12, 1000, 40, 120)}
    assert any(isinstance(fact, LoadSampled) and fact.cpu_time_s is not None for fact in told)
    assert (len(streams.commands), open_steps) == (1, 1)


@pytest.mark.parametrize("kind", ["array", "het"])
async def test_each_array_task_and_het_component_has_a_step_of_its_own(
    place: Site, jobs: Callable[..., str], kind: str
):
    one = f"-p {gpu_partition(place)} -N1 --gres=gpu:1"
    job_id = jobs(f"{one} --array=0-1" if kind == "array" else f"{one} : {one}")
    mark = "_" if kind == "array" else "+"
    wanted = {f"{job_id}{mark}0", f"{job_id}{mark}1"}

    async with (
        desk_of(place, steps=2, step_interval_s=1) as desk,
        stepping(desk) as (_, survey, streams),
    ):
        await look(desk, job_id)
        told = await until(
            survey,
            desk,
            lambda facts: {f.job_id for f in facts if isinstance(f, GpuSampled)} >= wanted,
        )

    assert {fact.job_id for fact in told if isinstance(fact, GpuSampled)} == wanted
    assert len(streams.commands) == 1
    assert desk.rpcs == {"srun": 2 * REQUESTS_PER_STEP}


async def test_many_jobs_are_sampled_over_one_stream_and_one_that_ends_leaves_the_others(
    place: Site, jobs: Callable[..., str]
):
    fix_numbers(place)
    wanted = {jobs(f"-p {gpu_partition(place)} -N1 --gres=gpu:1") for _ in range(4)}
    first = min(wanted)

    async with (
        desk_of(place, steps=8, step_interval_s=1) as desk,
        stepping(desk) as (sampler, survey, streams),
    ):
        await look(desk, *wanted)
        told = await until(
            survey,
            desk,
            lambda facts: {f.job_id for f in facts if isinstance(f, GpuSampled)} >= wanted,
        )
        place.run(f"scancel {first}")
        deadline = time.monotonic() + 60
        while sampler.open_count > len(wanted) - 1:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)
        await survey.ask(desk)  # what was told up to now
        others = wanted - {first}
        later = await until(
            survey,
            desk,
            lambda facts: {f.job_id for f in facts if isinstance(f, GpuSampled)} >= others,
        )
        opened = len(streams.commands)

    assert {fact.job_id for fact in told if isinstance(fact, GpuSampled)} == wanted
    assert first not in {fact.job_id for fact in later if isinstance(fact, GpuSampled)}
    assert opened == 1
    assert desk.rpcs == {"srun": len(wanted) * REQUESTS_PER_STEP}
    if isinstance(place, RealSite):
        await asyncio.sleep(5)
        assert "slurmfleet-step" not in place.run(OUR_COMMANDS)


async def test_a_step_ends_with_its_job_and_is_not_opened_again(
    place: Site, jobs: Callable[..., str]
):
    job_id = jobs(f"-p {gpu_partition(place)} --gres=gpu:1")

    async with (
        desk_of(place, steps=1, step_interval_s=1) as desk,
        stepping(desk) as (sampler, survey, streams),
    ):
        await look(desk, job_id)
        await until(survey, desk, lambda facts: any(isinstance(f, GpuSampled) for f in facts))
        place.run(f"scancel {job_id}")
        deadline = time.monotonic() + 60
        while sampler.open_count:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)
        await asyncio.sleep(3)

        # The collector has not looked yet, so it still asks about the job.
        await survey.ask(desk)
        assert desk.rpcs == {"srun": REQUESTS_PER_STEP}
        assert (len(streams.commands), sampler.open_count) == (1, 0)


async def test_steps_are_off_unless_the_registry_allows_some(place: Site, jobs: Callable[..., str]):
    job_id = jobs(f"-p {gpu_partition(place)} --gres=gpu:1")

    async with (
        desk_of(place, step_interval_s=1) as desk,
        stepping(desk) as (_, survey, streams),
    ):
        await look(desk, job_id)
        told = await until(
            survey, desk, lambda facts: any(isinstance(one, SamplingMissed) for one in facts), 120
        )

    assert streams.commands == []
    assert "sampling.steps is 0" in "".join(
        one.reason for one in told if isinstance(one, SamplingMissed)
    )


async def test_a_sampler_in_the_job_tells_without_asking_slurm(
    place: Site, jobs: Callable[..., str]
):
    if isinstance(place, SimulatedSite):
        pytest.skip("by design: jobs of the simulator run no programs")
    fix_numbers(place)
    copy = await asyncio.create_subprocess_exec(
        *("ssh", "-o", "BatchMode=yes", *ssh_arguments(place, "alice"), "cat > sampler.sh"),
        stdin=asyncio.subprocess.PIPE,
    )
    await copy.communicate(SCRIPT.read_bytes())
    job_id = jobs(
        f"-p {gpu_partition(place)} -N2 --gres=gpu:2",
        body="srun --overlap --ntasks-per-node=1 sh sampler.sh file 1 & sleep 600",
    )

    async with desk_of(place) as desk:
        await look(desk, job_id)
        told = await until(
            survey_of(desk, SidecarProvider()),
            desk,
            lambda facts: len([1 for f in facts if isinstance(f, GpuSampled)]) >= 12,
        )

    gpus = [fact for fact in told if isinstance(fact, GpuSampled)]
    assert {fact.source for fact in gpus} == {"sidecar"}
    assert len({(fact.node, fact.gpu_uuid) for fact in gpus}) == 4
    assert {fact.utilization_pct for fact in gpus} == {81, 12}
    assert desk.rpcs == {}
