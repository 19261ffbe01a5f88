"""The grammar of dependencies and what is left of one."""

from collections.abc import Sequence

import pytest

from services.simulator.dependencies import Verdict, judge, parse
from services.simulator.model import Job, Request, State

REQUEST = Request(name="x", user="ada", account="nlp", partition="gpu")


def job(raw_id: int, state: State) -> Job:
    return Job(raw_id=raw_id, request=REQUEST, submitted_at=0, state=state)


KNOWN = {
    1: job(1, State.COMPLETED),
    2: job(2, State.FAILED),
    3: job(3, State.RUNNING),
    4: job(4, State.PENDING),
}


def find(number: int, _task: int | None) -> Sequence[Job]:
    return [KNOWN[number]] if number in KNOWN else []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("afterok:1", Verdict()),
        ("afterok:99", Verdict()),
        ("afterok:2", Verdict(waiting=True, never=True, text="afterok:2(failed)")),
        ("afterok:3", Verdict(waiting=True, text="afterok:3(unfulfilled)")),
        ("afterany:2", Verdict()),
        ("afternotok:2", Verdict()),
        ("afternotok:1", Verdict(waiting=True, never=True, text="afternotok:1(failed)")),
        ("after:3", Verdict()),
        ("after:4", Verdict(waiting=True, text="after:4(unfulfilled)")),
        (
            "afterok:1:3,afterany:4",
            Verdict(waiting=True, text="afterok:3(unfulfilled),afterany:4(unfulfilled)"),
        ),
        ("afterok:2?afterok:1", Verdict()),
        (
            "afterok:2?afterok:3",
            Verdict(waiting=True, text="afterok:2(failed)?afterok:3(unfulfilled)"),
        ),
    ],
)
def test_a_dependency_is_judged_by_the_jobs_it_names(text: str, expected: Verdict):
    assert judge(text, find, twins=lambda: False) == expected


def test_singleton_waits_for_an_earlier_twin():
    assert judge("singleton", find, twins=lambda: True) == Verdict(
        waiting=True, text="singleton(unfulfilled)"
    )


@pytest.mark.parametrize("text", ["whenever:1", "afterok", "afterok:x", "singleton:1"])
def test_what_is_no_dependency_is_refused(text: str):
    with pytest.raises(ValueError, match=text):
        parse(text)
