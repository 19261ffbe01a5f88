"""How jobs live on a simulated cluster."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.simulator.cluster import Cluster
from services.simulator.dependencies import NEVER_SATISFIED
from services.simulator.model import Job, State
from services.simulator.presets import demo_spec
from services.simulator.stories import Stories
from services.simulator.workload import Workload, draw_fate

NOW = 1_790_000_000
USERS = ("ada", "ben", "chloe")

Run = Callable[..., object]


def submit(cluster: Cluster, run: Run, line: str, *, user: str = "ada") -> Job:
    run(f"sbatch {line} --wrap true", user=user)
    return cluster.jobs[max(cluster.jobs)]


def board(seed: int, *, hours: int = 6, steps: int = 1) -> Cluster:
    cluster = Cluster(demo_spec("demo-h100", users=USERS), seed=seed, now=NOW, draw=draw_fate)
    workload = Workload(cluster, seed=seed)
    workload.start()
    Stories(cluster, workload.desk, cluster.spec.users[0]).play(NOW + hours * 3600)
    for step in range(1, steps + 1):
        cluster.advance(NOW + hours * 3600 * step // steps)
    return cluster


def test_the_same_seed_gives_the_same_history():
    assert board(7).truth == board(7).truth


def test_another_seed_gives_another_history():
    assert board(7).truth != board(8).truth


def test_history_does_not_depend_on_how_time_is_cut():
    assert board(3, steps=1).truth == board(3, steps=977).truth


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--comment sim:runtime=30", (State.COMPLETED, "None", (0, 0), (0, 0))),
        ("--comment sim:runtime=30,exit=3", (State.FAILED, "NonZeroExitCode", (3, 0), (3, 0))),
        (
            "--comment sim:runtime=30,signal=11",
            (State.FAILED, "RaisedSignal:11(Segmentation fault)", (0, 11), (0, 11)),
        ),
        (
            "--comment sim:runtime=30,oom=1",
            (State.OUT_OF_MEMORY, "OutOfMemory", (0, 125), (0, 125)),
        ),
        ("-t 1 --comment sim:runtime=900", (State.TIMEOUT, "TimeLimit", (0, 15), (0, 0))),
    ],
)
def test_a_job_ends_as_its_program_does(cluster: Cluster, run: Run, options: str, expected: object):
    job = submit(cluster, run, options)

    cluster.advance(NOW + 100)

    assert (job.state, job.reason, job.queue_exit, job.accounting_exit) == expected


def test_a_cancelled_job_names_who_did_it(cluster: Cluster, run: Run):
    job = submit(cluster, run, "--comment sim:runtime=900")
    cluster.advance(NOW + 10)

    run(f"scancel {job.raw_id}")

    assert (job.state, job.cancelled_by, job.queue_exit) == (State.CANCELLED, 2001, (0, 15))


def test_a_node_that_fails_ends_jobs_that_may_not_be_requeued(cluster: Cluster, run: Run):
    job = submit(cluster, run, "--no-requeue -w gpu01 --comment sim:runtime=900")
    cluster.advance(NOW + 10)

    cluster.fail_node("gpu01")

    assert (job.state, job.reason, job.queue_exit, job.accounting_exit) == (
        State.NODE_FAIL,
        "NodeDown",
        (0, 1),
        (1, 0),
    )


def test_a_node_that_fails_puts_other_jobs_back_into_the_queue(cluster: Cluster, run: Run):
    job = submit(cluster, run, "-w gpu01 --comment sim:runtime=60")
    cluster.advance(NOW + 10)

    cluster.fail_node("gpu01", for_s=30)
    waiting = (job.state, job.reason, job.restarts)
    cluster.advance(NOW + 300)

    runs = [(run.state, run.restarts) for run in cluster.truth.values()]
    assert waiting == (State.PENDING, "BeginTime", 1)
    assert runs == [(State.NODE_FAIL, 0), (State.COMPLETED, 1)]


def test_a_job_of_higher_standing_drives_out_one_that_gives_way(cluster: Cluster, run: Run):
    guest = submit(cluster, run, "--qos standby -N 2 --gres gpu:4 --comment sim:runtime=900")
    cluster.advance(NOW + 10)

    host = submit(cluster, run, "--qos high -N 2 --gres gpu:4 --comment sim:runtime=900")
    cluster.advance(NOW + 30)

    assert (host.state, guest.state, guest.reason) == (State.RUNNING, State.PENDING, "BeginTime")
    assert [run.state for run in cluster.truth.values()] == [
        State.PREEMPTED,
        State.RUNNING,
        State.PENDING,
    ]


def test_a_preempted_job_that_may_not_be_requeued_is_over(cluster: Cluster, run: Run):
    guest = submit(
        cluster, run, "--no-requeue --qos standby -N 2 --gres gpu:4 --comment sim:runtime=900"
    )
    cluster.advance(NOW + 10)

    submit(cluster, run, "--qos high -N 2 --gres gpu:4 --comment sim:runtime=900")
    cluster.advance(NOW + 30)

    assert guest.state is State.PREEMPTED


def test_an_ended_job_holds_its_nodes_while_it_is_completing(cluster: Cluster, run: Run):
    job = submit(cluster, run, "-w gpu01 --gres gpu:4 --comment sim:runtime=30")
    cluster.advance(NOW + 35)
    during = (job.is_completing, cluster.nodes["gpu01"].free_gpus)

    cluster.advance(NOW + 40)

    assert (during, job.is_completing, cluster.nodes["gpu01"].free_gpus) == ((True, 0), False, 4)


def test_a_finished_job_leaves_the_queue_and_stays_in_accounting(cluster: Cluster, run: Run):
    job = submit(cluster, run, "--comment sim:runtime=30")

    cluster.advance(NOW + 400)

    assert job.raw_id not in cluster.jobs
    assert [row.state for row in cluster.accounting.rows_of(job.raw_id)] == [State.COMPLETED]


def test_accounting_hears_of_things_after_its_lag(cluster: Cluster, run: Run):
    cluster.accounting.lag_s = 60
    job = submit(cluster, run, "--comment sim:runtime=30")

    cluster.advance(NOW + 50)
    early = list(cluster.accounting.rows_of(job.raw_id))
    cluster.advance(NOW + 70)
    running = [row.state for row in cluster.accounting.rows_of(job.raw_id)]
    cluster.advance(NOW + 100)

    assert (early, running) == ([], [State.RUNNING])
    assert [row.state for row in cluster.accounting.rows_of(job.raw_id)] == [State.COMPLETED]


def test_accounting_that_was_down_learns_everything_afterwards(cluster: Cluster, run: Run):
    cluster.accounting.is_down = True
    job = submit(cluster, run, "--comment sim:runtime=30")
    cluster.advance(NOW + 100)
    while_down = list(cluster.accounting.rows_of(job.raw_id))

    cluster.accounting.is_down = False
    cluster.advance(NOW + 101)

    assert while_down == []
    assert [row.state for row in cluster.accounting.rows_of(job.raw_id)] == [State.COMPLETED]


def test_old_history_is_forgotten(cluster: Cluster, run: Run):
    submit(cluster, run, "--comment sim:runtime=30")

    cluster.advance(NOW + cluster.spec.history_s + 8000)

    assert (len(cluster.accounting), cluster.truth, cluster.jobs) == (0, {}, {})


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("--hold", "JobHeldUser"),
        ("--begin now+1hour", "BeginTime"),
        ("-t 3:00:00", "PartitionTimeLimit"),
        ("-w gpu02", "ReqNodeNotAvail, UnavailableNodes:gpu02"),
        ("-d afterok:10", "Dependency"),
        ("-d afterok:11", "DependencyNeverSatisfied"),
        ("-d singleton -J first", "Dependency"),
        ("--qos small --gres gpu:3", "QOSMaxGRESPerUser"),
        ("--qos capped", "QOSMaxJobsPerUserLimit"),
        ("-N 1 --gres gpu:4", "Resources"),
    ],
)
def test_a_waiting_job_says_why(cluster: Cluster, run: Run, options: str, reason: str):
    submit(cluster, run, "-J first --gres gpu:1 -w gpu01 --comment sim:runtime=5000")
    submit(cluster, run, "-p cpu -J second --comment sim:runtime=1,exit=1")
    submit(cluster, run, "-p cpu --qos capped -J third --comment sim:runtime=5000")
    cluster.drain_node("gpu02", note="fan")
    cluster.advance(NOW + 20)

    job = submit(cluster, run, options)
    cluster.advance(NOW + 30)

    assert (job.state, job.reason) == (State.PENDING, reason)


def test_who_comes_after_the_first_that_waits_waits_for_priority(cluster: Cluster, run: Run):
    submit(cluster, run, "-N 2 --gres gpu:4 -t 60 --comment sim:runtime=3000")
    cluster.advance(NOW + 10)

    first = submit(cluster, run, "-N 2 --gres gpu:4")
    second = submit(cluster, run, "-N 2 --gres gpu:4")
    cluster.advance(NOW + 20)

    assert (first.reason, second.reason) == ("Resources", "Priority")
    assert first.expected_at == NOW + 5 + 3600


def test_a_short_job_passes_the_first_only_if_it_does_not_delay_it(cluster: Cluster, run: Run):
    submit(cluster, run, "-w gpu01 --gres gpu:4 -t 60 --comment sim:runtime=3000")
    cluster.advance(NOW + 10)
    submit(cluster, run, "-N 2 --gres gpu:4 -t 60")

    long = submit(cluster, run, "--gres gpu:1 -t 90 --comment sim:runtime=900")
    short = submit(cluster, run, "--gres gpu:1 -t 30 --comment sim:runtime=900")
    cluster.advance(NOW + 20)

    assert (long.state, short.state) == (State.PENDING, State.RUNNING)


def test_a_dependency_that_failed_never_comes_true_later(cluster: Cluster, run: Run):
    submit(cluster, run, "--comment sim:runtime=1,exit=1")
    job = submit(cluster, run, "-d afterok:10")

    cluster.advance(NOW + 3600)

    assert (job.reason, job.dependency) == ("DependencyNeverSatisfied", "afterok:10(failed)")


def test_an_array_starts_as_many_tasks_as_it_may(cluster: Cluster, run: Run):
    array = submit(cluster, run, "--array 0-5%2 --comment sim:runtime=60")

    cluster.advance(NOW + 10)

    assert array.reason == "JobArrayTaskLimit"
    assert sorted((job.label, job.raw_id) for job in cluster.jobs.values()) == [
        ("10_0", 11),
        ("10_1", 12),
        ("10_[2-5%2]", 10),
    ]


def test_the_last_task_to_start_bears_the_number_of_its_array(cluster: Cluster, run: Run):
    submit(cluster, run, "--array 1,3,7 --comment sim:runtime=60")

    cluster.advance(NOW + 10)

    assert sorted((job.label, job.raw_id) for job in cluster.jobs.values()) == [
        ("10_1", 11),
        ("10_3", 12),
        ("10_7", 10),
    ]


def test_one_waiting_task_can_be_cancelled(cluster: Cluster, run: Run):
    submit(cluster, run, "--hold --array 0-2")

    run("scancel 10_1")

    assert sorted((job.label, job.state) for job in cluster.jobs.values()) == [
        ("10_1", State.CANCELLED),
        ("10_[0,2]", State.PENDING),
    ]


def test_a_requeued_job_that_was_completing_is_not_lost(cluster: Cluster, run: Run):
    job = submit(cluster, run, "--comment sim:runtime=30")
    cluster.advance(NOW + 35)

    run(f"scontrol requeue {job.raw_id}")
    cluster.advance(NOW + 250)

    assert [(row.state, row.restarts) for row in cluster.truth.values()] == [
        (State.REQUEUED, 0),
        (State.COMPLETED, 1),
    ]
    assert all(node.free_gpus == node.spec.gpus for node in cluster.nodes.values())


def test_a_demo_board_is_alive_at_once():
    states = {job.state for job in board(1).truth.values()}
    reasons = {job.reason for job in board(1).jobs.values() if job.state is State.PENDING}

    assert states == set(State) - {State.REQUEUED}
    assert reasons >= {
        "Resources",
        "Dependency",
        "DependencyNeverSatisfied",
        "QOSMaxJobsPerUserLimit",
        "JobArrayTaskLimit",
        "BeginTime",
        "JobHeldUser",
        "JobHeldAdmin",
        "PartitionTimeLimit",
        "ReqNodeNotAvail, UnavailableNodes:cpu04",
    }


@pytest.mark.timeout(120)  # a day of a busy cluster, second by second
def test_people_and_operators_do_everything_that_slurm_can():
    cluster = Cluster(demo_spec("demo-h100", users=USERS), seed=5, now=NOW, draw=draw_fate)
    Workload(cluster, seed=5, speed=12).start()

    cluster.advance(NOW + 24 * 3600)

    runs = cluster.truth.values()
    assert {run.state for run in runs} >= {State.DEADLINE, State.BOOT_FAIL}
    assert any(run.paused_s for run in runs)
    # Else what can never start fills the queue for good, and nobody submits any more.
    gave_up = [run for run in runs if run.reason == NEVER_SATISFIED]
    assert {run.state for run in gave_up} == {State.CANCELLED, State.PENDING}
    assert len([run for run in gave_up if not run.state.is_over]) < 10
    assert any(run.het_id and run.state is State.COMPLETED for run in runs)


@pytest.mark.timeout(180)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), step_s=st.integers(60, 4000))
def test_no_node_ever_gives_more_than_it_has(seed: int, step_s: int):
    cluster = Cluster(demo_spec("demo-l40s", users=USERS), seed=seed, now=NOW, draw=draw_fate)
    Workload(cluster, seed=seed, speed=4).start()

    for moment in range(NOW, NOW + 8 * 3600, step_s):
        cluster.advance(moment)
        holders = [job for job in cluster.jobs.values() if job.nodes and not _is_clear(job)]
        for name, node in cluster.nodes.items():
            shapes = [job.request.shape for job in holders if name in job.nodes]
            assert node.free_gpus == node.spec.gpus - sum(shape.gpus for shape in shapes) >= 0
            assert node.free_cpus == node.spec.cpus - sum(shape.cpus for shape in shapes) >= 0
            assert node.free_memory_mib >= 0
        assert all(job.started_at is not None for job in cluster.running())


def _is_clear(job: Job) -> bool:
    return job.state.is_over and not job.is_completing
