"""What the client programs print, against what real ones were seen to print."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.simulator.calls import Answer
from services.simulator.cluster import Cluster
from services.simulator.commands import Faults, Health
from services.simulator.model import Request, Shape

NOW = 1_790_000_000
RECORDINGS = Path(__file__).parents[2] / "fixtures" / "slurm" / "24.11.5"
DETAIL = (
    "JobArrayID:\x1f,JobID:\x1f,ArrayJobID:\x1f,ArrayTaskID:\x1f,State:\x1f,Reason:\x1f,"
    "SubmitTime:\x1f,EligibleTime:\x1f,StartTime:\x1f,EndTime:\x1f,TimeLimit:\x1f,NumNodes:\x1f,"
    "NumCPUs:\x1f,tres-alloc:\x1f,RestartCnt:\x1f,exit_code:\x1f,NodeList:\x1f,Dependency:\x1f,"
    "STDOUT:\x1f,STDERR:\x1f,Command:\x1f,Comment:\x1f,Name:\x1e"
)

Run = Callable[..., Answer]


def recorded(case: str, stream: str = "stdout") -> str:
    return (RECORDINGS / case / stream).read_text(encoding="utf-8")


def test_squeue_prints_a_running_job_field_by_field(cluster: Cluster, run: Run):
    run("sbatch -N 2 --gres gpu:h100:2 -c 4 --mem 8G -t 60 -J 'a|b' -o %x.out --wrap true")
    cluster.advance(NOW + 10)

    answer = run(f"squeue -h -a -t all -O '{DETAIL}'", SLURM_TIME_FORMAT="%s")

    assert answer.stdout.removesuffix("\x1e\n").split("\x1f") == [
        *("10", "10", "10", "N/A", "RUNNING", "None", str(NOW), str(NOW + 5), str(NOW + 5)),
        *(str(NOW + 3605), "1:00:00", "2", "8"),
        "cpu=8,mem=16G,node=2,billing=8,gres/gpu=4,gres/gpu:h100=4",
        *("0", "0:0", "gpu[01-02]", "(null)", "/home/ada/%x.out", "(null)", "(null)", "(null)"),
        "a|b",
    ]


def test_squeue_prints_the_waiting_part_of_an_array(cluster: Cluster, run: Run):
    run("sbatch --array 0-9%2 --wrap true --comment sim:runtime=600")
    cluster.advance(NOW + 10)

    answer = run("squeue -h -t PD -O 'JobArrayID:|,JobID:|,ArrayTaskID:|,StartTime:|,Reason:'")

    assert answer.stdout == "10_[2-9%2]|10|2-9%2|N/A|JobArrayTaskLimit\n"


def test_squeue_shortens_long_lists_of_tasks_unless_told_otherwise(run: Run):
    tasks = ",".join(str(index) for index in range(0, 100, 2))
    run(f"sbatch --hold --array {tasks} --wrap true")

    short = run("squeue -h -O ArrayTaskID:").stdout
    full = run("squeue -h -O ArrayTaskID:", SLURM_BITSTR_LEN="0").stdout

    assert (len(short), short[-4:], full) == (65, "...\n", f"{tasks}\n")


def test_squeue_prints_nothing_for_an_unknown_field_as_recorded(run: Run):
    run("sbatch --hold --wrap true")

    answer = run("squeue -h -O 'JobID:|,NoSuchField:|,State:'")

    assert (answer.stdout, answer.stderr, answer.status) == (
        "10||PENDING\n",
        recorded("queue-unknown-field", "stderr"),
        0,
    )


def test_squeue_prints_its_table_as_recorded(cluster: Cluster, run: Run):
    run("sbatch --gres gpu:1 --wrap true --comment sim:runtime=600")
    cluster.advance(NOW + 10)

    assert run("squeue").stdout == (
        "             JOBID PARTITION     NAME     USER ST       TIME  NODES NODELIST(REASON)\n"
        "                10       gpu     wrap      ada  R       0:05      1 gpu01\n"
    )


def test_squeue_filters_by_user_account_and_state(cluster: Cluster, run: Run):
    run("sbatch --wrap true --comment sim:runtime=600")
    run("sbatch -A speech --hold --wrap true")
    run("sbatch --hold --wrap true", user="ben")
    cluster.advance(NOW + 10)

    listed = {
        options: run(f"squeue -h {options} -O JobID:").stdout.split()
        for options in ("-u ada", "-u ada,ben", "--me", "-A vision,speech", "-t PD", "-j 10,99")
    }

    assert listed == {
        "-u ada": ["11", "10"],
        "-u ada,ben": ["11", "12", "10"],
        "--me": ["11", "10"],
        "-A vision,speech": ["11", "12"],
        "-t PD": ["11", "12"],
        "-j 10,99": ["10"],
    }


def test_one_unknown_id_is_an_error_as_recorded(run: Run):
    answer = run("squeue -j 99999999")

    assert (answer.status, answer.stderr) == (1, recorded("queue-unknown-id", "stderr"))


def test_sacct_prints_a_finished_job(cluster: Cluster, run: Run):
    run("sbatch --gres gpu:1 -t 5 --wrap 'exit 3' -J 'say \"x\"' --comment sim:runtime=30,exit=3")
    cluster.advance(NOW + 100)

    answer = run(
        "sacct -X -n -P --delimiter=\x1f -j 10 -o JobID,JobIDRaw,User,State,ExitCode,Submit,"
        "Eligible,Start,End,ElapsedRaw,TimelimitRaw,NNodes,NCPUS,ReqTRES,AllocTRES,NodeList,"
        "Reason,Restarts,JobName",
        SLURM_TIME_FORMAT="%s",
    )

    assert answer.stdout.removesuffix("\n").split("\x1f") == [
        *("10", "10", "ada", "FAILED", "3:0", str(NOW), str(NOW + 5), str(NOW + 5)),
        *(str(NOW + 35), "30", "5", "1", "1"),
        "billing=1,cpu=1,gres/gpu=1,mem=4G,node=1",
        "billing=1,cpu=1,gres/gpu:h100=1,gres/gpu=1,mem=4G,node=1",
        *("gpu01", "None", "0", "say `x`"),
    ]


def test_sacct_says_none_for_the_start_of_a_job_that_never_ran(cluster: Cluster, run: Run):
    run("sbatch --hold --wrap true")
    run("scancel 10")
    cluster.advance(NOW)

    answer = run("sacct -X -n -P -j 10 -o State,Start,NCPUS,NodeList,AllocTRES,Eligible")

    assert answer.stdout == "CANCELLED by 2001|None|0|None assigned||Unknown\n"


def test_sacct_shows_earlier_runs_only_when_asked(cluster: Cluster, run: Run):
    run("sbatch --wrap true --comment sim:runtime=600")
    cluster.advance(NOW + 10)
    run("scontrol requeue 10")
    cluster.advance(NOW + 20)

    newest = run("sacct -X -n -P -j 10 -o State,Restarts").stdout
    every = run("sacct -X -n -P -D -j 10 -o State,Restarts").stdout

    assert (newest, every) == ("PENDING|1\n", "REQUEUED|0\nPENDING|1\n")


def test_sacct_refuses_an_unknown_field(run: Run):
    answer = run("sacct -o JobID,Nope")

    assert (answer.status, answer.stdout, answer.stderr) == (
        1,
        "",
        'sacct: error: Invalid field requested: "Nope"\n',
    )


@pytest.mark.parametrize("case", ["queue-controller-down", "accounting-database-down"])
def test_an_outage_looks_as_recorded(run: Run, case: str):
    program = "squeue" if case.startswith("queue") else "sacct"
    faults = Faults(controller=Health.DOWN, accounting=Health.DOWN)

    answer = run(program, faults=faults)

    expected = recorded(case, "stderr").replace("6419", "6819")
    assert (answer.status, answer.stdout, answer.stderr) == (1, "", expected)


def test_accounting_answers_while_the_controller_is_down(cluster: Cluster, run: Run):
    run("sbatch --wrap true --comment sim:runtime=600")
    cluster.advance(NOW + 10)

    answer = run("sacct -a -X -n -P -o JobID,State", faults=Faults(controller=Health.DOWN))

    assert (answer.status, answer.stdout) == (0, "10|RUNNING\n")


def test_a_controller_that_hangs_costs_patience(run: Run):
    answer = run("squeue", faults=Faults(controller=Health.HANG))

    assert (answer.wait_s, answer.stderr) == (
        10.2,
        "slurm_load_jobs error: Socket timed out on send/recv operation\n",
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-p nosuch", "Invalid partition name specified"),
        ("-A nosuch", "Invalid account or account/partition combination specified"),
        ("-q nosuch", "Invalid qos specification"),
        ("--gres gpu:v100:1", "Requested node configuration is not available"),
        ("--gres gpu:99", "Requested node configuration is not available"),
        ("--mem 9999G", "Requested node configuration is not available"),
        ("-d whenever:1", "Job dependency problem"),
    ],
)
def test_sbatch_refuses_as_slurm_does(run: Run, line: str, message: str):
    answer = run(f"sbatch {line} --wrap true")

    assert (answer.status, answer.stderr) == (
        1,
        f"sbatch: error: Batch job submission failed: {message}\n",
    )


def test_sbatch_reads_directives_and_the_command_line_wins(cluster: Cluster, run: Run):
    script = (
        "#!/bin/bash\n#SBATCH -J inside -t 1-2:30\n#SBATCH --array=0-3%2\necho\n#SBATCH -q no\n"
    )

    asked = run("sbatch -J outside job.sh")
    answer = run("sbatch -J outside job.sh", script=script)

    request = cluster.jobs[10].request
    assert (asked.wants_script, answer.stdout) == ("job.sh", "Submitted batch job 10\n")
    assert (request.name, request.time_limit_s, request.tasks, request.task_limit) == (
        "outside",
        95_400,
        (0, 1, 2, 3),
        2,
    )


def test_nobody_cancels_the_jobs_of_others(run: Run):
    run("sbatch --hold --wrap true")

    answer = run("scancel 10", user="ben")

    assert (answer.status, answer.stderr) == (
        210,
        "scancel: error: Kill job error on job id 10: Access/permission denied\n",
    )


def test_an_unknown_id_is_cancelled_in_silence(run: Run):
    assert run("scancel 99999999") == Answer()


def test_sinfo_groups_nodes_by_state(cluster: Cluster, run: Run):
    run("sbatch -w gpu01 --gres gpu:1 --wrap true --comment sim:runtime=600")
    cluster.advance(NOW + 10)
    cluster.drain_node("gpu01", note="fan")

    assert run("sinfo -h").stdout == (
        "gpu*         up    2:00:00      1   drng gpu01\n"
        "gpu*         up    2:00:00      1   idle gpu02\n"
        "cpu          up   infinite      1   idle cpu01\n"
    )


@pytest.mark.parametrize(("noun", "case"), [("node", "nodes"), ("partition", "partitions")])
def test_scontrol_writes_keys_that_slurm_writes(run: Run, noun: str, case: str):
    def keys(text: str) -> set[str]:
        return {word.partition("=")[0] for word in text.split() if "=" in word}

    answer = run(f"scontrol -o show {noun}")

    assert keys(answer.stdout) <= keys(recorded(case))


def test_scontrol_show_job_has_the_path_of_the_log(cluster: Cluster, run: Run):
    run("sbatch -J train -o logs/%x-%j.out --wrap true --comment sim:runtime=600")
    cluster.advance(NOW + 10)

    assert "   StdOut=/home/ada/logs/train-10.out\n" in run("scontrol show job 10").stdout


def test_shares_add_up(cluster: Cluster, run: Run):
    run("sbatch -c 4 --wrap true --comment sim:runtime=100")
    cluster.advance(NOW + 200)

    lines = [line.split("|") for line in run("sshare -a -l -P -n").stdout.splitlines()]

    assert {(line[0].strip(), line[1]): line[4] for line in lines if line[4] != "0"} == {
        ("root", ""): "400",
        ("nlp", ""): "400",
        ("nlp", "ada"): "400",
    }
    assert {len(line) for line in lines} == {len(recorded("shares").split("\n")[0].split("|"))}


def test_ten_thousand_jobs_are_listed_in_well_under_a_second(cluster: Cluster, run: Run):
    request = Request(name="x", user="ada", account="nlp", partition="gpu", shape=Shape(gpus=1))
    for _ in range(10_000):
        cluster.submit(request)
    cluster.advance(NOW + 60)

    began_s = time.process_time()
    answer = run(f"squeue -h -a -t all -O '{DETAIL}'")
    spent_s = time.process_time() - began_s

    assert answer.stdout.count("\x1e\n") == 10_000
    assert spent_s < 0.8
