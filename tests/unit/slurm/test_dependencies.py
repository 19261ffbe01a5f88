import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.contracts.job_parts import Dependency, DependencyKind, DependencyState
from slurmfleet.slurm.dependencies import parse_dependencies

AFTEROK = DependencyKind.AFTEROK
FAILED, UNFULFILLED = DependencyState.FAILED, DependencyState.UNFULFILLED
UNREADABLE = (Dependency(kind=DependencyKind.UNKNOWN),)


@pytest.mark.parametrize("text", ["", "(null)", "N/A"])
def test_no_dependency_is_none(text: str):
    assert parse_dependencies(text) == ()


def test_slurms_list_is_read_with_its_states():
    text = "afterok:16(unfulfilled),afternotok:17_3(failed),after:18_*+10(unfulfilled)"

    assert parse_dependencies(text) == (
        Dependency(kind=AFTEROK, job_id=16, state=UNFULFILLED),
        Dependency(kind=DependencyKind.AFTERNOTOK, job_id=17, array_task_id=3, state=FAILED),
        Dependency(
            kind=DependencyKind.AFTER,
            job_id=18,
            is_whole_array=True,
            delay_min=10,
            state=UNFULFILLED,
        ),
    )


def test_a_users_list_names_several_jobs_to_an_item():
    assert parse_dependencies("afterok:1:2_4:3, after:5+10:6+1") == (
        Dependency(kind=AFTEROK, job_id=1),
        Dependency(kind=AFTEROK, job_id=2, array_task_id=4),
        Dependency(kind=AFTEROK, job_id=3),
        Dependency(kind=DependencyKind.AFTER, job_id=5, delay_min=10),
        Dependency(kind=DependencyKind.AFTER, job_id=6, delay_min=1),
    )


def test_a_question_mark_says_that_one_is_enough():
    assert parse_dependencies("afterok:1(unfulfilled)?afterany:2(failed)") == (
        Dependency(kind=AFTEROK, job_id=1, any_suffices=True, state=UNFULFILLED),
        Dependency(kind=DependencyKind.AFTERANY, job_id=2, any_suffices=True, state=FAILED),
    )


@pytest.mark.parametrize(
    ("text", "kind", "job_id"),
    [
        ("singleton(unfulfilled)", DependencyKind.SINGLETON, None),
        ("singleton", DependencyKind.SINGLETON, None),
        ("aftercorr:7(unfulfilled)", DependencyKind.AFTERCORR, 7),
        ("afterburstbuffer:7(unfulfilled)", DependencyKind.AFTERBURSTBUFFER, 7),
        ("expand:7(unfulfilled)", DependencyKind.EXPAND, 7),
        ("AfterAny:7", DependencyKind.AFTERANY, 7),
        ("7", DependencyKind.AFTERANY, 7),
        ("afterlunch:7(unfulfilled)", DependencyKind.UNKNOWN, 7),
    ],
)
def test_every_kind_is_known(text: str, kind: DependencyKind, job_id: int | None):
    state = UNFULFILLED if "(" in text else DependencyState.UNKNOWN

    assert parse_dependencies(text) == (Dependency(kind=kind, job_id=job_id, state=state),)


def test_a_state_that_is_not_known_is_unknown():
    (one,) = parse_dependencies("afterok:16(pondering)")

    assert (one.kind, one.state) == (AFTEROK, DependencyState.UNKNOWN)


@pytest.mark.parametrize("text", ["afterok:x", "afterok:0", "afterok:7_x", "((", "afterok:7)"])
def test_what_cannot_be_read_is_of_no_known_kind(text: str):
    assert parse_dependencies(text) == UNREADABLE


@given(st.text())
def test_any_text_is_read(text: str):
    parse_dependencies(text)
