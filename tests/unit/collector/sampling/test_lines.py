from datetime import UTC, datetime, timedelta

from services.collector.sampling.judge import Absurdity
from services.collector.sampling.lines import Lines, ahead_of, read_samples
from services.collector.sampling.providers import ProviderAnswer
from slurmfleet.testing.clock import START
from tests.harness.sampling import a_sampled_job

JOB = a_sampled_job(gpu_count=2)
GPU = "gpu=0, GPU-a, 81, 57351, 81559, 584.00, 51, NVIDIA H100"
OTHER = "gpu=1, GPU-b, 12, 1000, 81559, 120.00, 40, NVIDIA H100"


def line(*fields: str, at: datetime = START, job: int = 41, node: str = "hgx01") -> str:
    head = f"sf1\t{int(at.timestamp())}\tjob={job}\tnode={node}\tevery=10"
    return "\t".join([head, *fields, "end"])


def told(*lines: str, ahead: timedelta = timedelta(0)) -> ProviderAnswer:
    read = Lines(ahead=ahead)
    for one in lines:
        read.add(one)
    return read_samples(
        read.heard, {41: (JOB,)}, source="sidecar", nothing={JOB.job_id: "none"}, bad=read.bad
    )


def test_a_line_is_a_reading_of_each_gpu_and_of_the_node():
    answer = told(line("cpu_us=5000000", "rss_kib=1024", GPU))

    assert [(one.node, one.reading.uuid, one.seen_at) for one in answer.gpus] == [
        ("hgx01", "GPU-a", START)
    ]
    assert [(one.reading.cpu_time_s, one.cpu_count) for one in answer.loads] == [(5, 8)]
    assert answer.nothing == {}


def test_what_comes_from_another_job_or_node_is_not_ours():
    answer = told(line(GPU, job=42), line(GPU, node="hgx07"))

    assert answer.gpus == ()
    assert answer.rejected == {Absurdity.NOT_OURS: 2}
    assert answer.nothing == {JOB.job_id: "none"}


def test_what_is_from_before_the_run_belongs_to_an_earlier_one():
    answer = told(line(GPU, at=JOB.started_at - timedelta(minutes=5)))

    assert answer.gpus == ()
    assert answer.rejected == {Absurdity.BEFORE_START: 1}


def test_gpus_of_others_on_the_node_are_left_out_and_the_reason_is_told():
    answer = told(line("rss_kib=1024", GPU, OTHER))

    assert answer.gpus == ()
    assert len(answer.loads) == 1
    assert answer.rejected == {Absurdity.NOT_OURS: 1}
    assert "more GPUs than the job has" in answer.nothing[JOB.job_id]


def test_a_node_without_gpus_says_why():
    answer = told(line("rss_kib=1024", "fault=nvidia-smi exit status 9"))

    assert answer.nothing[JOB.job_id] == ("sidecar: no GPU seen on hgx01: nvidia-smi exit status 9")


def test_a_line_that_is_cut_costs_only_itself():
    answer = told(line(GPU)[:-3], line(GPU))

    assert len(answer.gpus) == 1
    assert len(answer.bad_rows) == 1


def test_moments_are_told_by_our_clock_where_the_clusters_is_wrong():
    remote = START + timedelta(hours=2)
    ahead = ahead_of(START, int(remote.timestamp()))

    answer = told(line(GPU, at=remote), ahead=ahead)

    assert ahead == timedelta(hours=2)
    assert [one.seen_at for one in answer.gpus] == [START]
    assert ahead_of(START, int(START.timestamp()) + 3) == timedelta(0)
    assert ahead_of(START, None) == timedelta(0)


def test_a_component_of_a_het_job_is_known_by_its_node():
    leader = a_sampled_job("47+0", raw_id=47, nodes=("hgx01",), gpu_count=1)
    member = a_sampled_job("47+1", raw_id=48, nodes=("hgx02",), gpu_count=1)
    lines = Lines()
    lines.add(line(GPU, job=47, node="hgx02"))

    answer = read_samples(lines.heard, {47: (leader, member)}, source="sidecar", nothing={})

    assert [one.job_id for one in answer.gpus] == ["47+1"]
    assert lines.heard[0].seen_at == datetime(2026, 1, 1, 12, tzinfo=UTC)
