from dataclasses import replace
from datetime import timedelta

from services.collector.sampling.facts import FactMaker
from services.collector.sampling.judge import Judge
from services.collector.sampling.sstat import Turns, read_steps
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.use import LoadSampled
from slurmfleet.slurm.sstat import StepUse, parse_steps
from slurmfleet.testing.clock import START
from tests.harness.sampling import a_sampled_job

JOB = a_sampled_job()


def row(step: str, *, cpu: str = "00:00:10", tasks: int = 1, gpu: str = "") -> str:
    usage = f"cpu={cpu}{gpu},mem=104857600"
    return f"41.{step}|{tasks}|{usage}|{usage}|hgx01"


def test_steps_are_added_up_and_gpu_sums_become_means():
    gpu = ",gres/gpumem=85899345920,gres/gpuutil=200"
    steps = parse_steps("\n".join([row("batch"), row("0", tasks=2, gpu=gpu), row("extern")]))

    answer = read_steps([JOB], steps, version="24.11.5", seen_at=START)

    (load,), (seen,) = answer.loads, answer.gpus
    assert (load.node, load.reading.memory_used_mib, load.cpu_count) == ("", 300, 16)
    assert load.reading.memory_peak_mib is None
    assert load.parts == {"batch": 10, "0": 10, "extern": 10}
    assert (seen.gpu_count, seen.reading.utilization_pct) == (4, 50)
    assert seen.reading.memory_used_mib == 20_480
    assert answer.nothing == {}


def test_before_24_05_the_sum_over_several_gpus_is_not_believed():
    steps = parse_steps(row("0", gpu=",gres/gpuutil=90,gres/gpumem=1"))

    several = read_steps([JOB], steps, version="23.11.4", seen_at=START)
    single = read_steps([replace(JOB, gpu_count=1)], steps, version="23.11.4", seen_at=START)

    assert several.gpus == ()
    assert "does not count GPU use" in several.nothing[JOB.job_id]
    assert [one.reading.utilization_pct for one in single.gpus] == [90]


def test_a_site_that_counts_no_gpu_use_is_said_to_be_one():
    answer = read_steps([JOB], parse_steps(row("batch")), version="24.11.5", seen_at=START)

    assert (len(answer.loads), answer.gpus) == (1, ())
    assert "AccountingStorageTRES" in answer.nothing[JOB.job_id]


def test_a_job_of_one_task_has_a_peak():
    answer = read_steps([JOB], parse_steps(row("batch")), version="24.11.5", seen_at=START)

    assert answer.loads[0].reading.memory_peak_mib == 100


def test_a_step_that_has_ended_takes_its_use_along_so_none_is_told():
    facts, judge = FactMaker(ClusterName("alpha")), Judge()
    facts.begin(frozenset({JOB.job_id}), START + timedelta(minutes=3))

    def use(minute: int, *rows: str) -> LoadSampled:
        at = START + timedelta(minutes=minute)
        answer = read_steps([JOB], parse_steps("\n".join(rows)), version="24.11.5", seen_at=at)
        fact = facts.load(answer.loads[0], JOB, judge, source="sstat").fact
        assert isinstance(fact, LoadSampled)
        return fact

    use(0, row("batch", cpu="00:00:00"), row("0", cpu="00:08:00"))
    busy = use(1, row("batch", cpu="00:00:00"), row("0", cpu="00:12:00"), row("1", cpu="00:04:00"))
    gone = use(2, row("batch", cpu="00:00:00"), row("1", cpu="00:08:00"))
    after = use(3, row("batch", cpu="00:00:00"), row("1", cpu="00:16:00"))

    assert (busy.cpu_utilization_pct, busy.cpu_time_s) == (50.0, None)
    assert gone.cpu_utilization_pct is None
    assert after.cpu_utilization_pct == 50.0
    assert judge.rejected == {}


def test_no_row_is_no_evidence():
    answer = parse_steps("", "sstat: error: couldn't get steps for job 41\n")

    read = read_steps([JOB], answer, version="24.11.5", seen_at=START)

    assert (read.loads, read.gpus) == ((), ())
    assert read.nothing == {JOB.job_id: "sstat: Slurm tells nothing about its steps"}


def test_jobs_take_turns_within_the_rate():
    turns = Turns(interval_s=60, per_minute=4)
    jobs = [a_sampled_job(str(number)) for number in range(41, 51)]

    asked = [[job.job_id for job in turns.take(jobs, minute * 30.0)] for minute in range(9)]

    assert asked[0] == ["41", "42", "43", "44"]
    assert sum(map(len, asked)) == 4 + 8 * 2
    assert {job_id for turn in asked for job_id in turn} == {job.job_id for job in jobs}
    assert turns.interval_for(10) == 150


def test_few_jobs_are_not_asked_about_more_often_than_the_interval():
    turns = Turns(interval_s=60, per_minute=100)

    asked = [len(turns.take([JOB], seconds * 10.0)) for seconds in range(13)]

    assert sum(asked) == 3


def test_a_rate_of_zero_asks_nothing():
    assert Turns(interval_s=60, per_minute=0).take([JOB], 0.0) == ()


def test_a_component_of_a_het_job_is_known_by_its_own_number():
    member = a_sampled_job("47+1", raw_id=48, gpu_count=0)
    steps = parse_steps("48.0|1|cpu=00:00:01,mem=1048576|mem=1048576|hgx01")

    assert [one.job_id for one in read_steps([member], steps, version="", seen_at=START).loads] == [
        "47+1"
    ]
    assert isinstance(steps.steps[0], StepUse)
