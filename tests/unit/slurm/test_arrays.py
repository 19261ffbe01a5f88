import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.contracts.ids import JobId, job_id
from slurmfleet.contracts.jobs import JobState
from slurmfleet.slurm.arrays import (
    ArrayTasks,
    JobRef,
    parse_array_tasks,
    parse_job_ref,
    parse_raw_id,
    task_states,
)
from slurmfleet.slurm.errors import MalformedValueError

REFUSED_IDS = ["", "0", "_3", "15_", "15_[", "15_[]", "15+", "15.batch", "+1", "x", "99999999999"]


@pytest.mark.parametrize(
    ("text", "tasks"),
    [
        ("2-9%2", ArrayTasks(count=8, indices=(2, 3, 4, 5, 6, 7, 8, 9), at_once=2)),
        ("0-9:3", ArrayTasks(count=4, indices=(0, 3, 6, 9))),
        ("1,3,5-7%4", ArrayTasks(count=5, indices=(1, 3, 5, 6, 7), at_once=4)),
        ("7", ArrayTasks(count=1, indices=(7,))),
        ("0-999999999", ArrayTasks(count=10**9, indices=tuple(range(1_000)))),
        ("1,3,5,...", ArrayTasks(count=3, indices=(1, 3, 5), is_cut=True)),
        ("1,3,...%2", ArrayTasks(count=2, indices=(1, 3), at_once=2, is_cut=True)),
    ],
)
def test_array_tasks_are_counted(text: str, tasks: ArrayTasks):
    assert parse_array_tasks(text) == tasks


@pytest.mark.parametrize("text", ["", "9-2", "1-", "1,,2", "a", "1%", "1-5:0", "-1", "1:2"])
def test_what_names_no_tasks_is_refused(text: str):
    with pytest.raises(MalformedValueError):
        parse_array_tasks(text)


@given(st.integers(0, 5_000), st.integers(0, 5_000), st.integers(1, 50))
def test_a_step_counts_as_slurm_counts(first: int, length: int, step: int):
    wanted = range(first, first + length + 1, step)

    tasks = parse_array_tasks(f"{first}-{first + length}:{step}")

    assert tasks == ArrayTasks(count=len(wanted), indices=tuple(wanted)[:1_000])


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("4711", JobRef(job_id=JobId("4711"))),
        ("15_3", JobRef(job_id=JobId("15_3"), array_job_id=15, array_task_id=3)),
        ("15_0", JobRef(job_id=JobId("15_0"), array_job_id=15, array_task_id=0)),
        ("17+1", JobRef(job_id=JobId("17+1"), het_job_id=17, het_offset=1)),
        (
            "15_[2,4%2]",
            JobRef(
                job_id=JobId("15"),
                array_job_id=15,
                waiting=ArrayTasks(count=2, indices=(2, 4), at_once=2),
                waiting_text="2,4%2",
            ),
        ),
    ],
)
def test_job_id_is_taken_apart(text: str, ref: JobRef):
    assert parse_job_ref(text) == ref


@pytest.mark.parametrize("text", REFUSED_IDS)
def test_what_is_no_job_id_is_refused(text: str):
    with pytest.raises(MalformedValueError):
        parse_job_ref(text)


@given(st.from_regex(r"[0-9]{1,12}(_[0-9]{1,10}|\+[0-9]{1,5}|_\[[0-9]\])?", fullmatch=True))
def test_every_job_id_that_is_read_fits_the_fleets_grammar(text: str):
    try:
        ref = parse_job_ref(text)
    except MalformedValueError:
        return
    assert job_id(ref.job_id) == ref.job_id


def test_raw_id_is_read():
    assert parse_raw_id("4294967295") == 4_294_967_295


@pytest.mark.parametrize("text", [*REFUSED_IDS, "15_3", "17+1", "007"])
def test_what_is_no_raw_id_is_refused(text: str):
    with pytest.raises(MalformedValueError):
        parse_raw_id(text)


def test_only_a_whole_array_has_task_states():
    assert task_states(parse_job_ref("15_[2-9]"), JobState.PENDING) == {JobState.PENDING: 8}
    assert task_states(parse_job_ref("15_3"), JobState.PENDING) == {}


def test_more_tasks_than_any_array_has_are_refused():
    with pytest.raises(MalformedValueError):
        parse_array_tasks("0-999999999,0-999999999,0-999999999")
