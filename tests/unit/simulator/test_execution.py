"""Deadlines, suspensions and nodes that do not boot."""

from collections.abc import Callable

import pytest

from services.simulator.calls import Answer
from services.simulator.cluster import Cluster
from services.simulator.model import Job, State

NOW = 1_790_000_000
NOT_ALLOWED = "Access/permission denied for job 10\n"
DISABLED = "Requested operation is presently disabled for job 10\n"
BAD_LIMIT = "Requested time limit is invalid (missing or exceeds some limit)"

Run = Callable[..., Answer]


def submit(cluster: Cluster, run: Run, line: str) -> Job:
    run(f"sbatch {line} --wrap true")
    return cluster.jobs[max(cluster.jobs)]


def ending(job: Job) -> tuple[object, ...]:
    return (job.state, job.reason, job.ended_at, job.queue_exit, job.accounting_exit)


def squeue(run: Run, fields: str) -> str:
    columns = ",".join(f"{field}:|" for field in fields.split())
    return run(f"squeue -h -t all -O '{columns}'", SLURM_TIME_FORMAT="%s").stdout


def sacct(run: Run, fields: str) -> str:
    return run(f"sacct -a -X -n -P -j 10 -o {fields}", SLURM_TIME_FORMAT="%s").stdout


def test_a_job_that_cannot_end_in_time_any_more_is_not_started(cluster: Cluster, run: Run):
    submit(cluster, run, "-N 2 --gres gpu:4 -t 5 --comment sim:runtime=120")

    job = submit(cluster, run, "-N 2 --gres gpu:4 -t 5 --deadline now+6minutes")
    cluster.advance(NOW + 300)

    assert ending(job) == (State.DEADLINE, "DeadLine", NOW + 130, (0, 1), (1, 0))


def test_a_job_that_is_held_misses_its_deadline_at_the_next_look(cluster: Cluster, run: Run):
    job = submit(cluster, run, "--hold -t 1 --deadline now+65")

    cluster.advance(NOW + 65)
    before = job.state
    cluster.advance(NOW + 100)

    looked_at = NOW + 65 + -(NOW + 65) % 30
    assert before is State.PENDING
    assert ending(job) == (State.DEADLINE, "DeadLine", looked_at, (0, 1), (1, 0))


def test_a_deadline_that_can_be_met_does_no_harm(cluster: Cluster, run: Run):
    job = submit(cluster, run, "-t 1 --deadline now+2minutes --comment sim:runtime=30")

    cluster.advance(NOW + 200)

    assert job.state is State.COMPLETED


def test_without_a_limit_a_job_gets_what_its_deadline_leaves(cluster: Cluster, run: Run):
    run("sbatch -p cpu -t 0 --deadline now+10minutes --comment sim:runtime=9000 --wrap true")

    cluster.advance(NOW + 700)

    (job,) = cluster.jobs.values()
    assert (job.state, job.request.time_limit_s) == (State.TIMEOUT, 540)


def test_programs_print_a_missed_deadline(cluster: Cluster, run: Run):
    submit(cluster, run, "--hold -t 1 --deadline 2026-09-21T14:15")
    cluster.advance(NOW + 200)

    ended = str(cluster.jobs[10].ended_at)

    assert squeue(run, "State StateCompact ReasonList StartTime EndTime exit_code NodeList") == (
        f"DEADLINE|DL|(DeadLine)|{ended}|{ended}|0:1||\n"
    )
    assert sacct(run, "State,ExitCode,Start,End,NodeList") == (
        f"DEADLINE|1:0|None|{ended}|None assigned\n"
    )
    assert " Deadline=2026-09-21T14:15:00\n" in run("scontrol show job 10").stdout


@pytest.mark.parametrize("deadline", ["now+4minutes", "now", "2026-09-21T14:00:00"])
def test_a_deadline_that_can_never_be_met_is_refused(run: Run, deadline: str):
    answer = run(f"sbatch -t 5 --deadline {deadline} --wrap true")

    assert answer.stderr == f"sbatch: error: Batch job submission failed: {BAD_LIMIT}\n"


def test_time_stands_still_for_a_suspended_job(cluster: Cluster, run: Run):
    submit(cluster, run, "-t 10 --comment sim:runtime=100")
    cluster.advance(NOW + 25)

    answer = run("scontrol suspend 10", user="olga")
    cluster.advance(NOW + 1000)

    fields = "State StateCompact Reason TimeUsed TimeLeft EndTime PriorityLong NodeList"
    end = NOW + 5 + 600
    assert answer == Answer()
    assert squeue(run, fields) == f"SUSPENDED|S|None|0:20|9:40|{end}|0|gpu01|\n"
    assert sacct(run, "State,ElapsedRaw,End,NodeList") == "SUSPENDED|20|Unknown|gpu01\n"


def test_a_resumed_job_has_all_the_time_that_was_left(cluster: Cluster, run: Run):
    job = submit(cluster, run, "-t 2 --comment sim:runtime=100")
    cluster.advance(NOW + 25)
    run("scontrol suspend 10", user="olga")
    cluster.advance(NOW + 1025)

    answer = run("scontrol resume 10", user="olga")
    limit = squeue(run, "State TimeUsed EndTime")
    cluster.advance(NOW + 2000)

    assert (answer, limit) == (Answer(), f"RUNNING|0:20|{NOW + 5 + 120 + 1000}|\n")
    assert (job.state, job.ended_at, job.used_s(NOW)) == (State.COMPLETED, NOW + 1105, 100)


def test_a_suspended_job_can_be_cancelled(cluster: Cluster, run: Run):
    job = submit(cluster, run, "--comment sim:runtime=100")
    cluster.advance(NOW + 25)
    run("scontrol suspend 10", user="olga")
    cluster.advance(NOW + 500)

    run("scancel 10")
    cluster.advance(NOW + 600)

    assert (job.state, job.ended_at, job.used_s(NOW)) == (State.CANCELLED, NOW + 500, 20)
    assert all(not node.jobs for node in cluster.nodes.values())


@pytest.mark.parametrize(
    ("line", "user", "message"),
    [
        ("suspend 10", "ada", NOT_ALLOWED),
        ("suspend 10", "ben", NOT_ALLOWED),
        ("resume 10", "olga", DISABLED),
        ("suspend 11", "olga", "Job is pending execution for job 11\n"),
    ],
)
def test_what_cannot_be_suspended_is_refused(
    cluster: Cluster, run: Run, line: str, user: str, message: str
):
    submit(cluster, run, "--comment sim:runtime=100")
    submit(cluster, run, "--hold")
    cluster.advance(NOW + 25)

    answer = run(f"scontrol {line}", user=user)

    assert (answer.status, answer.stderr) == (1, message)


def test_an_operator_may_cancel_the_jobs_of_others(cluster: Cluster, run: Run):
    job = submit(cluster, run, "--hold")

    answer = run("scancel 10", user="olga")

    assert (answer, job.state, job.cancelled_by) == (Answer(), State.CANCELLED, 2003)


def test_a_job_whose_node_does_not_boot_fails(cluster: Cluster, run: Run):
    cluster.fail_boot("gpu01", for_s=300)
    job = submit(cluster, run, "-w gpu01 --no-requeue --comment sim:runtime=10")

    cluster.advance(NOW + 30)
    meanwhile = squeue(run, "State StateCompact")
    cluster.advance(NOW + 66)

    assert meanwhile == "CONFIGURING|CF|\n"
    assert ending(job) == (State.BOOT_FAIL, "JobLaunchFailure", NOW + 65, (0, 1), (1, 0))
    assert (cluster.nodes["gpu01"].status, cluster.nodes["gpu01"].note) == (
        "DOWN",
        "ResumeTimeout reached",
    )


def test_a_job_whose_node_does_not_boot_is_tried_again(cluster: Cluster, run: Run):
    cluster.fail_boot("gpu01", for_s=30)
    submit(cluster, run, "-w gpu01 --comment sim:runtime=10")

    cluster.advance(NOW + 400)

    assert [(row.state, row.restarts) for row in cluster.truth.values()] == [
        (State.BOOT_FAIL, 0),
        (State.COMPLETED, 1),
    ]


def test_a_node_in_use_has_booted(cluster: Cluster, run: Run):
    submit(cluster, run, "-w gpu01 --comment sim:runtime=100")
    cluster.advance(NOW + 25)

    assert cluster.fail_boot("gpu01") is False
