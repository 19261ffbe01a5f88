"""The provider against a real Prometheus that scrapes exporters' shapes from the test process."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest

from services.collector.sampling.facts import FactMaker
from services.collector.sampling.jobs import SampledJob
from services.collector.sampling.judge import Judge
from services.collector.sampling.prometheus import PrometheusProvider
from services.collector.sampling.providers import ProviderAnswer
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.registry import PrometheusConfig
from slurmfleet.contracts.use import GpuSampled, LoadSampled
from slurmfleet.site.http import Places, open_site
from slurmfleet.site.service import service_of
from slurmfleet.timing.clock import SystemClock
from tests.harness.sampling import a_desk, a_sampled_job
from tests.integration.sampling.scraped import Exporter, Server, Told

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

ALPHA = ClusterName("alpha")

NODE_A = {"Hostname": "hgx01.example.org"}

NODE_B = {"Hostname": "hgx02"}

FOREIGN = {"Hostname": "other07"}


@asynccontextmanager
async def asking(server: Server, **config: object) -> AsyncGenerator[PrometheusProvider]:
    prometheus = PrometheusConfig.model_validate({"url": server.url, "window_s": 60, **config})
    service = service_of("alpha", "prometheus", prometheus)
    async with open_site(service, places=Places(), clock=SystemClock()) as http:
        yield PrometheusProvider(http, prometheus, cluster=ALPHA, interval_s=30)


def now_job(job_id: str = "41", **changes: object):
    started = SystemClock().now()
    return a_sampled_job(job_id, **{"started_at": started, "submitted_at": started, **changes})


async def ask(provider: PrometheusProvider, *jobs: SampledJob) -> Sequence[ProviderAnswer]:
    return await provider.sample(jobs, a_desk(clock=SystemClock()))


def gpus(answers: Sequence[ProviderAnswer]) -> list[tuple[str, str, str, float | None]]:
    return sorted(
        (one.job_id, one.node, one.reading.uuid, one.reading.utilization_pct)
        for answer in answers
        for one in answer.gpus
    )


def dcgm(labels: Mapping[str, str], uuid: str, util: float, **more: str):
    both = {"gpu": "0", "UUID": uuid, "modelName": "NVIDIA H100", **labels, **more}
    return [
        ("DCGM_FI_DEV_GPU_UTIL", both, util),
        ("DCGM_FI_DEV_FB_USED", both, 1000.0),
        ("DCGM_FI_DEV_FB_FREE", both, 79000.0),
        ("DCGM_FI_DEV_POWER_USAGE", both, 300.5),
        ("DCGM_FI_DEV_GPU_TEMP", both, 50.0),
    ]


async def test_dcgm_series_are_a_jobs_by_number_and_node(server: Server, exporter: Exporter):
    exporter.says(
        *dcgm(NODE_A, "GPU-a", 81.0, hpc_job="41"),
        *dcgm(NODE_B, "GPU-b", 12.0, hpc_job="41"),
        *dcgm(FOREIGN, "GPU-c", 99.0, hpc_job="41"),
        *dcgm(NODE_A, "GPU-d", 77.0, hpc_job="4711"),
    )
    server.has("DCGM_FI_DEV_GPU_UTIL", count=4)

    async with asking(server) as provider:
        (answer,) = await ask(provider, now_job(), now_job("42"))

    assert gpus([answer]) == [("41", "hgx01", "GPU-a", 81.0), ("41", "hgx02", "GPU-b", 12.0)]
    reading = answer.gpus[0].reading
    assert (reading.memory_used_mib, reading.memory_total_mib) == (1000, 80_000)
    assert (reading.power_w, reading.temperature_c, reading.model) == (300.5, 50, "NVIDIA H100")
    assert answer.source == "prometheus/dcgm"
    assert answer.rejected["not_ours"] == 5
    assert "no fresh series" in answer.nothing[now_job("42").job_id]


async def test_of_several_clusters_only_our_own_series_count(server: Server, exporter: Exporter):
    exporter.says(
        *dcgm({}, "GPU-a", 81.0, hpc_job="41", cluster="alpha"),
        *dcgm({}, "GPU-b", 12.0, hpc_job="41", cluster="beta"),
    )
    server.has("DCGM_FI_DEV_GPU_UTIL", count=2)

    async with asking(server, cluster_label="cluster") as named:
        ours = gpus(await ask(named, now_job()))
    async with asking(server) as unnamed:
        nobodys = await ask(unnamed, now_job())

    assert ours == [("41", "", "GPU-a", 81.0)]
    assert gpus(nobodys) == []
    assert nobodys[0].rejected["not_ours"] == 10


async def test_without_job_numbers_only_whole_nodes_are_told(server: Server, exporter: Exporter):
    exporter.says(
        *dcgm(NODE_A, "GPU-a", 1.0),
        *dcgm(NODE_A, "GPU-b", 2.0),
        *dcgm(NODE_B, "GPU-c", 3.0),
        *dcgm(NODE_B, "GPU-d", 4.0),
        *dcgm(NODE_B, "GPU-e", 5.0),
    )
    server.has("DCGM_FI_DEV_GPU_UTIL", count=5)

    async with asking(server) as provider:
        whole = gpus(await ask(provider, now_job(nodes=("hgx01",), gpu_count=2)))
        part = gpus(await ask(provider, now_job(nodes=("hgx02",), gpu_count=2)))
        two = gpus(
            await ask(
                provider,
                now_job("41", nodes=("hgx01",), gpu_count=1),
                now_job("42", nodes=("hgx01",), gpu_count=1),
            )
        )

    assert whole == [("41", "hgx01", "GPU-a", 1.0), ("41", "hgx01", "GPU-b", 2.0)]
    assert part == two == []


async def test_mig_slices_are_told_apart_and_have_no_neighbours_power(
    server: Server, exporter: Exporter
):
    def sliced(instance: str, busy: float, job: str) -> list[Told]:
        labels = {"UUID": "GPU-a", "GPU_I_ID": instance, "GPU_I_PROFILE": "3g.40gb"}
        labels |= {"hpc_job": job, **NODE_A}
        return [
            ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", labels, busy),
            ("DCGM_FI_DEV_FB_USED", labels, 10.0),
            ("DCGM_FI_DEV_FB_FREE", labels, 90.0),
            ("DCGM_FI_DEV_POWER_USAGE", labels, 300.0),
        ]

    exporter.says(*sliced("1", 0.5, "41"), *sliced("2", 0.25, "42"))
    server.has("DCGM_FI_PROF_GR_ENGINE_ACTIVE", count=2)

    async with asking(server) as provider:
        (answer,) = await ask(provider, now_job(), now_job("42"))

    assert gpus([answer]) == [("41", "hgx01", "GPU-a/1", 50.0), ("42", "hgx01", "GPU-a/2", 25.0)]
    assert {one.reading.mig_profile for one in answer.gpus} == {"3g.40gb"}
    assert {one.reading.power_w for one in answer.gpus} == {None}


def jobstats(labels: Mapping[str, str], util: float, owner: float | None):
    named = {"instance": "hgx01:9445", "name": "NVIDIA A100", **labels}
    series = [
        ("nvidia_gpu_duty_cycle", named, util),
        ("nvidia_gpu_memory_used_bytes", named, 2.0**30),
        ("nvidia_gpu_memory_total_bytes", named, 2.0**36),
        ("nvidia_gpu_power_usage_milliwatts", named, 250_000.0),
    ]
    return series + ([("nvidia_gpu_jobId", named, owner)] if owner is not None else [])


def cgroup(used_s: float, **labels: str):
    named = {"instance": "hgx01:9306", "jobid": "41", "step": "", "task": "", **labels}
    return [
        ("cgroup_cpu_total_seconds", named, used_s),
        ("cgroup_cpus", named, 4.0),
        ("cgroup_memory_rss_bytes", named, 2.0**30),
        ("cgroup_memory_total_bytes", named, 2.0**34),
    ]


async def test_jobstats_says_whose_a_gpu_is_by_value_or_by_label(
    server: Server, exporter: Exporter
):
    exporter.says(
        *jobstats({"uuid": "GPU-a", "minor_number": "0"}, 60.0, 41.0),
        *jobstats({"uuid": "GPU-b", "minor_number": "1"}, 70.0, 4711.0),
        *cgroup(100.0),
        *cgroup(7.0, step="batch", task="0"),
    )
    server.has("nvidia_gpu_jobId", count=2)
    async with asking(server) as provider:
        (by_value,) = await ask(provider, now_job())
    exporter.says(*jobstats({"uuid": "GPU-c", "minor_number": "0", "jobid": "41"}, 60.0, None))
    server.has('nvidia_gpu_duty_cycle{jobid="41"}')
    async with asking(server) as provider:
        by_label = await ask(provider, now_job())

    assert gpus([by_value]) == [("41", "hgx01", "GPU-a", 60.0)]
    assert by_value.gpus[0].reading.power_w == 250
    assert by_value.gpus[0].reading.memory_used_mib == 1024
    (load,) = by_value.loads
    assert (load.cpu_count, load.reading.cpu_time_s, load.node) == (4, 100, "hgx01")
    assert (load.reading.memory_used_mib, load.reading.memory_limit_mib) == (1024, 16_384)
    assert ("41", "hgx01", "GPU-c", 60.0) in gpus(by_label)


async def test_ceems_says_whose_a_gpu_is_and_dcgm_its_numbers(server: Server, exporter: Exporter):
    unit = {"hostname": "hgx01", "manager": "slurm", "uuid": "41"}
    exporter.says(
        ("ceems_compute_unit_gpu_index_flag", {**unit, "gpuuuid": "GPU-a", "index": "0"}, 1.0),
        ("ceems_compute_unit_cpu_user_seconds_total", unit, 30.0),
        ("ceems_compute_unit_cpu_system_seconds_total", unit, 3.0),
        ("ceems_compute_unit_cpus", unit, 2.0),
        ("ceems_compute_unit_memory_rss_bytes", unit, 2.0**30),
        *dcgm(NODE_A, "GPU-a", 42.0),
        *dcgm(NODE_A, "GPU-b", 99.0),
    )
    server.has("ceems_compute_unit_gpu_index_flag")

    async with asking(server) as provider:
        answers = await ask(provider, now_job())

    assert gpus(answers) == [("41", "hgx01", "GPU-a", 42.0)]
    (load,) = [load for answer in answers for load in answer.loads]
    assert (load.reading.cpu_time_s, load.cpu_count) == (33, 2)


async def test_names_that_a_site_has_changed_are_configuration(server: Server, exporter: Exporter):
    labels = {"UUID": "GPU-a", "slurm_job": "41", "box": "hgx01"}
    exporter.says(("site:gpu_busy", labels, 33.0))
    server.has("site:gpu_busy")

    rename = {"DCGM_FI_DEV_GPU_UTIL": "site:gpu_busy", "hpc_job": "slurm_job", "Hostname": "box"}
    async with asking(server, rename=rename, matchers=['job="gpu"']) as provider:
        told = gpus(await ask(provider, now_job()))
    async with asking(server, rename=rename, matchers=['job="other"']) as provider:
        elsewhere = gpus(await ask(provider, now_job()))

    assert told == [("41", "hgx01", "GPU-a", 33.0)]
    assert elsewhere == []


async def test_a_series_that_has_stopped_is_not_alive_though_an_instant_query_shows_it(
    server: Server, exporter: Exporter
):
    exporter.says(*dcgm(NODE_A, "GPU-a", 81.0, hpc_job="41"))
    server.has("DCGM_FI_DEV_GPU_UTIL", at_least=3)
    server.exporter.lines = ["broken {"]  # each scrape fails from now on; no staleness mark

    async with asking(server, window_s=5) as provider:
        before = gpus(await ask(provider, now_job()))
        await asyncio.sleep(7)
        after = await ask(provider, now_job())

    assert before == [("41", "hgx01", "GPU-a", 81.0)]
    assert gpus(after) == []
    assert "no fresh series" in after[0].nothing[now_job().job_id]


async def test_a_counter_that_begins_anew_tells_no_use_for_that_time(
    server: Server, exporter: Exporter
):
    facts, judge, job = FactMaker(ALPHA), Judge(), now_job()
    told: list[LoadSampled] = []

    async with asking(server) as provider:
        for used_s in (1000.0, 1000.5, 0.25, 0.5):
            exporter.says(*cgroup(used_s))
            server.until(
                "the value is scraped",
                lambda used_s=used_s: server.values("cgroup_cpu_total_seconds") == [used_s],
            )
            await asyncio.sleep(1.2)
            facts.begin(frozenset({job.job_id}), SystemClock().now())
            (answer,) = await ask(provider, job)
            fact = facts.load(answer.loads[0], job, judge, source=answer.source).fact
            assert isinstance(fact, LoadSampled)
            told.append(fact)

    assert [one.cpu_utilization_pct is None for one in told] == [True, False, True, False]
    assert all(0 < (one.cpu_utilization_pct or 1) < 100 for one in told)
    assert judge.rejected == {"backwards": 1}


async def test_blanks_of_an_exporter_never_become_facts(server: Server, exporter: Exporter):
    labels = {"UUID": "GPU-a", "hpc_job": "41", **NODE_A}
    exporter.says(
        ("DCGM_FI_DEV_GPU_UTIL", labels, float("nan")),
        ("DCGM_FI_DEV_GPU_TEMP", labels, 9223372036854775794.0),
        ("DCGM_FI_DEV_POWER_USAGE", labels, 120.0),
    )
    server.has("DCGM_FI_DEV_POWER_USAGE")
    facts, judge, job = FactMaker(ALPHA), Judge(), now_job()
    facts.begin(frozenset({job.job_id}), SystemClock().now())

    async with asking(server) as provider:
        (answer,) = await ask(provider, job)
    fact = facts.gpu(answer.gpus[0], job, judge, source=answer.source).fact

    assert isinstance(fact, GpuSampled)
    assert (fact.utilization_pct, fact.temperature_c, fact.power_w) == (None, None, 120)
    assert judge.rejected == {"blank": 2}


async def test_a_server_that_is_away_is_a_failure_and_comes_back(
    server: Server, exporter: Exporter
):
    exporter.says(*dcgm(NODE_A, "GPU-a", 81.0, hpc_job="41"))
    server.has("DCGM_FI_DEV_GPU_UTIL")

    async with asking(server) as provider:
        before = await ask(provider, now_job())
        server.stop()
        (away,) = await ask(provider, now_job())
        server.start()
        server.has("DCGM_FI_DEV_GPU_UTIL", at_least=3)
        back = await ask(provider, now_job())

    assert gpus(before) == gpus(back) == [("41", "hgx01", "GPU-a", 81.0)]
    assert away.failed
    assert "prometheus of alpha" in away.error
    assert (away.gpus, away.nothing) == ((), {})


async def test_one_query_serves_all_jobs(server: Server, exporter: Exporter):
    jobs = [now_job(str(number)) for number in range(41, 141)]
    exporter.says(
        *(
            one
            for number in range(41, 141)
            for one in dcgm(NODE_A, f"GPU-{number}", 5.0, hpc_job=str(number))
        )
    )
    server.has("DCGM_FI_DEV_GPU_UTIL", count=100)
    asked = 'prometheus_http_requests_total{handler="/api/v1/query"}'

    def count() -> int:
        said = (server._get("/metrics") or b"").decode()
        return sum(
            int(float(line.rpartition(" ")[2]))
            for line in said.splitlines()
            if line.startswith(asked.partition("{")[0]) and 'handler="/api/v1/query"' in line
        )

    async with asking(server) as provider:
        await ask(provider, *jobs)
        before = count()
        answers = await ask(provider, *jobs)

    assert len(gpus(answers)) == 100
    assert count() - before == 1
