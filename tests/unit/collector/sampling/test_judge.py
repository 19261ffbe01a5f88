from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.sampling.facts import FactMaker
from services.collector.sampling.judge import Absurdity, Judge
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.use import GpuSampled, LoadSampled
from slurmfleet.gpu.readings import GpuReading, LoadReading
from slurmfleet.testing.clock import START
from tests.harness.sampling import BEGAN, a_sampled_job, gpu_seen, load_seen

JOB = a_sampled_job()


def maker() -> FactMaker:
    facts = FactMaker(ClusterName("alpha"))
    facts.begin(frozenset({JOB.job_id}), START)
    return facts


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("utilization_pct", 4000.0, Absurdity.UTILIZATION),
        ("utilization_pct", -1.0, Absurdity.UTILIZATION),
        ("utilization_pct", float("nan"), Absurdity.BLANK),
        ("utilization_pct", 9223372036854775794.0, Absurdity.BLANK),
        ("utilization_pct", 4294967295.0, Absurdity.BLANK),
        ("memory_used_mib", 2147483632.0, Absurdity.BLANK),
        ("memory_used_mib", -5.0, Absurdity.GPU_MEMORY),
        ("power_w", 5001.0, Absurdity.POWER),
        ("power_w", float("inf"), Absurdity.BLANK),
        ("temperature_c", 151.0, Absurdity.TEMPERATURE),
        ("temperature_c", -21.0, Absurdity.TEMPERATURE),
    ],
)
def test_what_no_machine_can_have_is_left_out_and_counted(
    field: str, value: float, kind: Absurdity
):
    judge = Judge()

    judged = judge.gpu(replace(GpuReading(), **{field: value}))

    assert getattr(judged, field) is None
    assert judge.rejected == {kind: 1}


def test_more_memory_used_than_there_is_cannot_be():
    judge = Judge()

    judged = judge.gpu(GpuReading(memory_used_mib=81_560, memory_total_mib=81_559, power_w=80))

    assert (judged.memory_used_mib, judged.memory_total_mib, judged.power_w) == (None, 81_559, 80)
    assert judge.rejected == {Absurdity.GPU_MEMORY: 1}


def test_what_can_be_stays_as_it_is():
    judge = Judge()
    reading = GpuReading(
        utilization_pct=0,
        memory_used_mib=0,
        memory_total_mib=40_960,
        power_w=55.5,
        temperature_c=-3,
    )

    assert judge.gpu(reading) == reading
    assert judge.load(LoadReading(cpu_time_s=0, memory_used_mib=0)) == LoadReading(
        cpu_time_s=0, memory_used_mib=0
    )
    assert judge.rejected == {}


def test_a_mean_a_little_above_100_is_100():
    assert Judge().utilization(100.2) == 100.0


@given(st.floats(), st.floats(), st.floats(), st.floats())
def test_whatever_a_driver_says_facts_are_within_bounds(
    utilization: float, used: float, power: float, temperature: float
):
    judged = Judge().gpu(
        GpuReading(
            utilization_pct=utilization,
            memory_used_mib=used,
            memory_total_mib=80_000,
            power_w=power,
            temperature_c=temperature,
        )
    )

    assert judged.utilization_pct is None or 0 <= judged.utilization_pct <= 100
    assert judged.memory_used_mib is None or 0 <= judged.memory_used_mib <= 80_000
    assert judged.power_w is None or 0 <= judged.power_w <= 5_000
    assert judged.temperature_c is None or -20 <= judged.temperature_c <= 150


def test_a_reading_is_told_once_and_a_repeated_one_is_no_blank():
    facts, judge = maker(), Judge()
    seen = gpu_seen("41", START, utilization_pct=50.0, memory_used_mib=10.4)

    first = facts.gpu(seen, JOB, judge, source="sidecar")
    again = facts.gpu(seen, JOB, judge, source="sidecar")

    assert first.fact == GpuSampled(
        cluster=ClusterName("alpha"),
        observed_at=START,
        source="sidecar",
        job_id=JOB.job_id,
        submitted_at=BEGAN,
        node="hgx01",
        gpu_uuid="GPU-a",
        utilization_pct=50.0,
        memory_used_mib=10,
    )
    assert (again.is_worth, again.fact) == (True, None)
    assert judge.rejected == {}


def test_a_moment_to_come_is_left_out():
    judge = Judge()
    later = START + timedelta(minutes=5)

    made = maker().gpu(gpu_seen("41", later), JOB, judge, source="sidecar")

    assert (made.is_worth, made.fact) == (False, None)
    assert judge.rejected == {Absurdity.FUTURE: 1}


def test_time_that_goes_backwards_is_left_out():
    facts, judge = maker(), Judge()
    facts.gpu(gpu_seen("41", START), JOB, judge, source="x")

    made = facts.gpu(gpu_seen("41", START - timedelta(seconds=5)), JOB, judge, source="x")

    assert made.fact is None
    assert judge.rejected == {Absurdity.BACKWARDS: 1}


def test_a_reading_without_a_number_is_worth_nothing():
    made = maker().gpu(gpu_seen("41", START, utilization_pct=999.0), JOB, Judge(), source="x")

    assert (made.is_worth, made.fact) == (False, None)


def cpu_of(facts: FactMaker, judge: Judge, at_s: float, used_s: float) -> LoadSampled:
    seen = load_seen("41", START + timedelta(seconds=at_s), cpu_time_s=used_s)
    fact = facts.load(seen, JOB, judge, source="sidecar").fact
    assert isinstance(fact, LoadSampled)
    return fact


def test_cpu_use_is_the_mean_between_two_sums():
    facts, judge = maker(), Judge()

    first = cpu_of(facts, judge, 0, 100)
    second = cpu_of(facts, judge, 10, 140)

    assert (first.cpu_utilization_pct, first.span_s) == (None, None)
    assert (second.cpu_utilization_pct, second.span_s, second.cpu_time_s) == (50.0, 10.0, 140)


def test_a_sum_that_becomes_smaller_tells_no_use_and_the_next_one_does():
    facts, judge = maker(), Judge()
    cpu_of(facts, judge, 0, 100)

    reset = cpu_of(facts, judge, 10, 5)
    after = cpu_of(facts, judge, 20, 45)

    assert reset.cpu_utilization_pct is None
    assert judge.rejected == {Absurdity.BACKWARDS: 1}
    assert after.cpu_utilization_pct == 50.0
