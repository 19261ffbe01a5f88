"""Records of `Key=value` words: what a value may hold, and what a bad line costs."""

from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.slurm.assignments import listed, read_records, words_of


def test_a_value_with_spaces_gives_its_first_word():
    words = words_of("NodeName=n1 OS=Linux 6.1.0 #1 SMP @0  State=IDLE Reason=fan [root@17956]")

    assert words["OS"] == "Linux"
    assert words["State"] == "IDLE"
    assert words["Reason"] == "fan"


def test_free_text_behind_a_field_cannot_pass_for_it():
    words = words_of("NodeName=n1 State=DOWN Reason=see NodeName=n2 State=IDLE Gres=gpu:99")

    assert (words["NodeName"], words["State"]) == ("n1", "DOWN")


def test_a_value_may_hold_an_equal_sign():
    assert words_of("TRESBillingWeights=CPU=1.0,GRES/gpu=16 AllocTRES=cpu=4,mem=1G") == {
        "TRESBillingWeights": "CPU=1.0,GRES/gpu=16",
        "AllocTRES": "cpu=4,mem=1G",
    }


def test_an_empty_value_is_empty():
    assert words_of("AllocTRES= CapWatts=n/a")["AllocTRES"] == ""


def test_a_line_that_begins_otherwise_is_a_bad_row_and_costs_itself_alone():
    read = read_records("NodeName=a\nof two lines\nNodeName=b\n", "NodeName", words_of)

    assert [row["NodeName"] for row in read.rows] == ["a", "b"]
    assert [row.line for row in read.bad] == ["of two lines"]


def test_the_sentence_that_there_are_none_is_no_bad_row():
    read = read_records("No reservations in the system\n", "ReservationName", words_of)

    assert (read.rows, read.bad) == ((), ())


def test_lists_without_names_are_empty():
    assert [listed(text) for text in ("", "(null)", "N/A", "NONE")] == [()] * 4
    assert listed("ml,physics,") == ("ml", "physics")


@given(st.text(alphabet="NodeName= \n\tx\x00é", max_size=80))
def test_any_text_is_read(text: str):
    read = read_records(text, "NodeName", words_of)

    assert len(read.rows) + len(read.bad) <= text.count("\n") + 1
