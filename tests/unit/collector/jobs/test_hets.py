"""A heterogeneous job as one thing."""

from dataclasses import replace
from datetime import timedelta

from services.collector.jobs.diff import open_questions
from slurmfleet.contracts.ids import JobId
from slurmfleet.contracts.jobs import Job, JobState
from tests.unit.collector.jobs.playing import COMPLETED, PENDING, RUNNING, T0, Watch

WHOLE = JobId("17")


def component(job: Job, offset: int, **changes: object) -> Job:
    return replace(
        job,
        job_id=JobId(f"17+{offset}"),
        raw_id=17 + offset,
        het_job_id=17,
        het_offset=offset,
        **changes,
    )


def of_whole(told: list[str]) -> list[str]:
    return [one for one in told if one.startswith("17 ")]


def test_components_make_one_job_with_their_counts_and_sums():
    watch = Watch()

    told = watch.look(
        [
            component(PENDING, 0, cpu_count=4, node_count=1, gpu_count=0),
            component(PENDING, 1, cpu_count=8, node_count=2, gpu_count=2, gpus_by_type={"h100": 2}),
        ]
    )
    whole = watch.memory[WHOLE].job

    assert of_whole(told) == ["17 submitted PENDING"]
    assert whole.task_states == {JobState.PENDING: 2}
    assert (whole.raw_id, whole.het_job_id, whole.het_offset) == (17, 17, None)
    assert (whole.cpu_count, whole.node_count, whole.gpu_count) == (12, 3, 2)
    assert whole.gpus_by_type == {"h100": 2}


def test_the_whole_does_not_name_the_nodes_of_one_component():
    watch = Watch()
    named = {"node_list": "gpu01", "node_names": ("gpu01",), "batch_host": "gpu01"}

    watch.look([component(RUNNING, 0, **named), component(RUNNING, 1)])
    whole = watch.memory[WHOLE].job

    assert (whole.node_list, whole.node_names, whole.batch_host) == ("", (), "")
    assert whole.has_all_node_names


def test_it_runs_with_its_first_component_and_ends_with_its_last():
    watch = Watch()
    failed = replace(
        COMPLETED, state=JobState.FAILED, exit_code=3, ended_at=T0 + timedelta(seconds=20)
    )

    told = [
        of_whole(watch.look([component(PENDING, 0), component(PENDING, 1)])),
        of_whole(watch.look([component(RUNNING, 0), component(RUNNING, 1)])),
        of_whole(watch.look([component(COMPLETED, 0), component(RUNNING, 1)])),
        of_whole(watch.look([component(COMPLETED, 0), component(failed, 1)])),
    ]
    whole = watch.memory[WHOLE].job

    assert told == [
        ["17 submitted PENDING"],
        ["17 started RUNNING"],
        ["17 changed RUNNING"],
        ["17 ended FAILED"],
    ]
    assert (whole.exit_code, whole.ended_at) == (3, T0 + timedelta(seconds=20))


def test_a_component_that_left_the_queue_does_not_end_it():
    watch = Watch()
    watch.look([component(RUNNING, 0), component(RUNNING, 1)])

    told = watch.look([component(RUNNING, 0)])

    assert of_whole(told) == []
    assert "17+1" in open_questions(watch.memory)


def test_a_plain_job_that_got_the_id_later_is_left_alone():
    watch = Watch()
    watch.look([component(COMPLETED, 0), component(COMPLETED, 1)])
    later = replace(
        RUNNING, job_id=WHOLE, raw_id=17, submitted_at=T0 + timedelta(days=400), name="other"
    )

    told = watch.look([later], after=timedelta(days=401))

    assert of_whole(told) == ["17 submitted PENDING", "17 started RUNNING"]
    assert watch.memory[WHOLE].job.name == "other"
