"""Where jobs write: expectations are the names of files that real Slurm made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.slurm.paths import NO_PATH, JobFiles, JobPath, PathFacts, job_files, job_path

PLAIN = PathFacts(
    raw_id=14,
    array_job_id=None,
    array_task_id=None,
    name="na me",
    user="alice",
    work_dir="/home/alice/pt",
    batch_host="std101.alpha.example.org",
    slurm=(24, 11),
)
TASK = PLAIN._replace(raw_id=5, array_job_id=5, array_task_id=14)
ARRAY = PLAIN._replace(raw_id=None, array_job_id=5, batch_host="")
WAITING = PLAIN._replace(batch_host="")


@pytest.mark.parametrize(
    ("pattern", "facts", "made"),
    [
        (
            "f-%J-%s-%n-%t-%N-%u-%x-%b-%5j-%12j-%A-%a-%q-%%j.out",
            PLAIN,
            "f-14-batch-0-0-std101-alice-na me-4-00014-0000000014-14-4294967294-%q-%j.out",
        ),
        ("w%0j-%00005j-%15j-%1j-%5u.out", PLAIN, "w14-00014-0000000014-14-alice.out"),
        ("x%5%y%-%", PLAIN, "x5%y%-%"),
        (r"lit\%j.out", PLAIN, "lit%j.out"),
        (r"a\\b%j.out", PLAIN, r"a\b%j.out"),
        (r"a\\b%j.out", PLAIN._replace(slurm=(26, 5)), "ab%j.out"),
        (r"lit\%j.out", PLAIN._replace(slurm=None), "lit%j.out"),
        ("d/%j.out", PLAIN, "d/14.out"),
        ("x/y z-%x.out", PLAIN, "x/y z-na me.out"),
        ("arr-%A-%a-%b-%j-%4a-%J.out", TASK, "arr-5-14-4-5-0014-5.out"),
        ("arr-%A-%a-%b-%j", TASK._replace(slurm=(24, 5)), "arr-5-14-%b-5"),
        ("slurm-%A_%a.out", TASK, "slurm-5_14.out"),
    ],
)
def test_patterns_give_the_file_that_slurmd_opens(pattern: str, facts: PathFacts, made: str):
    assert job_path(pattern, facts) == JobPath(path=f"/home/alice/pt/{made}")
    assert job_path(f"/abs/{pattern}", facts) == JobPath(path=f"/abs/{made}")


@pytest.mark.parametrize(
    ("pattern", "facts", "shown"),
    [
        ("log-%j-%N.out", WAITING, "log-14-%N.out"),
        ("hold-%A-%j-%3a-%x.out", ARRAY, "hold-5-%j-%3a-na me.out"),
        (r"a\\b%j.out", PLAIN._replace(slurm=(25, 11)), r"a\\b%j.out"),
        ("m-%b-%j", PLAIN._replace(slurm=None), "m-%b-14"),
    ],
)
def test_what_is_not_known_yet_stays_and_is_marked(pattern: str, facts: PathFacts, shown: str):
    assert job_path(pattern, facts) == JobPath(path=f"/home/alice/pt/{shown}", is_expanded=False)


def files(stdout: str, stderr: str, facts: PathFacts, *, is_batch: bool | None = True) -> JobFiles:
    return job_files(stdout=stdout, stderr=stderr, stdin="", facts=facts, is_batch=is_batch)


def in_pt(stdout: str, stderr: str = "", *unexpanded: str) -> JobFiles:
    return JobFiles(
        stdout_path=f"/home/alice/pt/{stdout}",
        stderr_path=f"/home/alice/pt/{stderr or stdout}",
        stdin_path="",
        unexpanded_paths=unexpanded,
    )


def test_errors_go_to_the_output_where_no_other_file_is_named():
    assert files("train-%j.out", "(null)", PLAIN) == in_pt("train-14.out")
    assert files("train-%j.out", "e/%j", PLAIN) == in_pt("train-14.out", "e/14")


def test_the_input_is_a_file_as_the_others():
    read = job_files(stdout="o", stderr="", stdin="in-%N", facts=WAITING, is_batch=True)

    assert (read.stdin_path, read.unexpanded_paths) == ("/home/alice/pt/in-%N", ("stdin_path",))


def test_a_batch_job_without_a_named_file_has_slurms_default():
    assert files("(null)", "(null)", PLAIN) == in_pt("slurm-14.out")
    assert files("", "", TASK) == in_pt("slurm-5_14.out")


def test_only_the_first_component_of_a_het_job_writes():
    assert files("/l/%j.out", "", PLAIN, is_batch=False) == JobFiles("", "", "", ())


@pytest.mark.parametrize("is_batch", [False, None])
def test_a_job_without_a_script_has_no_files(is_batch: bool | None):  # noqa: FBT001 a case
    assert files("(null)", "(null)", PLAIN, is_batch=is_batch) == JobFiles("", "", "", ())


def test_the_default_name_that_22_05_gives_an_array_task_is_put_right():
    wrong = "/home/alice/pt/slurm-17.out"

    assert files(wrong, wrong, TASK._replace(raw_id=17)) == in_pt("slurm-5_14.out")


def test_the_files_of_a_whole_array_stay_open():
    shown = files("/home/alice/pt/slurm-5.out", "", ARRAY)

    assert shown == in_pt("slurm-5_%a.out", "", "stderr_path", "stdout_path")


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("/home/alice/pt/slurm-14.out", PLAIN),
        ("/elsewhere/slurm-5.out", TASK),
        ("/home/alice/pt/slurm-6.out", TASK),
    ],
)
def test_other_names_are_believed(text: str, facts: PathFacts):
    assert files(text, text, facts).stdout_path == text


@given(st.text())
def test_any_text_gives_a_path(text: str):
    for facts in (PLAIN, TASK, ARRAY, WAITING):
        path = job_path(text, facts)
        assert path == NO_PATH or path.path.startswith("/")
