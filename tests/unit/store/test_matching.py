import pytest

from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.store.matching import any_of, containing, within_limit


def test_special_characters_stand_for_themselves():
    assert containing(r"50%_a\b") == r"%50\%\_a\\b%"


def test_nothing_wanted_lets_everything_through():
    assert (containing(""), any_of([], name="user")) == (None, None)


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_text_that_no_row_can_have_is_refused(text: str):
    with pytest.raises(ProblemError) as caught:
        containing(text)

    assert caught.value.code is ProblemCode.INVALID_PARAMETER


@pytest.mark.parametrize("limit", [0, -1, 1_001])
def test_a_limit_out_of_range_is_refused(limit: int):
    with pytest.raises(ProblemError, match=r"1 to 1000"):
        within_limit(limit)
