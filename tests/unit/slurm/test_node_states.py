"""Node states of every version and spelling, and what they mean for somebody who wants the node."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.slurm.errors import MalformedValueError
from slurmfleet.slurm.node_states import Bar, NodeBase, parse_node_state

STATES = {
    "IDLE": (NodeBase.IDLE, Bar.NONE),
    "MIXED": (NodeBase.MIXED, Bar.NONE),
    "ALLOCATED": (NodeBase.ALLOCATED, Bar.NONE),
    "ALLOCATED+COMPLETING": (NodeBase.ALLOCATED, Bar.NONE),
    "IDLE+COMPLETING": (NodeBase.IDLE, Bar.NONE),
    "IDLE+CLOUD": (NodeBase.IDLE, Bar.NONE),
    "IDLE+DYNAMIC_NORM": (NodeBase.IDLE, Bar.NONE),
    "IDLE+CLOUD+POWERED_DOWN": (NodeBase.IDLE, Bar.POWER),
    "IDLE+POWERING_DOWN": (NodeBase.IDLE, Bar.POWER),
    "IDLE+POWER_DOWN": (NodeBase.IDLE, Bar.POWER),
    "ALLOCATED+CLOUD+NOT_RESPONDING+POWERING_UP": (NodeBase.ALLOCATED, Bar.DOWN),
    "MIXED+PLANNED": (NodeBase.MIXED, Bar.PLANNED),
    "IDLE+PLANNED": (NodeBase.IDLE, Bar.PLANNED),
    "IDLE+RESERVED": (NodeBase.IDLE, Bar.RESERVED),
    "IDLE+MAINTENANCE+RESERVED": (NodeBase.IDLE, Bar.RESERVED),
    "MIXED+RESERVED+PLANNED": (NodeBase.MIXED, Bar.RESERVED),
    "IDLE+DRAIN": (NodeBase.IDLE, Bar.DRAIN),
    "MIXED+DRAIN": (NodeBase.MIXED, Bar.DRAIN),
    "IDLE+DRAIN+RESERVED": (NodeBase.IDLE, Bar.DRAIN),
    "IDLE+FAIL": (NodeBase.IDLE, Bar.DRAIN),
    "IDLE+DRAIN+UNDRAIN": (NodeBase.IDLE, Bar.DRAIN),
    "IDLE+POWER_DRAIN": (NodeBase.IDLE, Bar.DRAIN),
    "DOWN": (NodeBase.IDLE, Bar.DOWN),
    "DOWN+DRAIN+NOT_RESPONDING": (NodeBase.IDLE, Bar.DOWN),
    "IDLE+INVALID_REG": (NodeBase.IDLE, Bar.DOWN),
    "IDLE+NOT_RESPONDING": (NodeBase.IDLE, Bar.DOWN),
    "UNKNOWN": (NodeBase.IDLE, Bar.DOWN),
    "UNKNOWN+NOT_RESPONDING": (NodeBase.IDLE, Bar.DOWN),
    "ERROR": (NodeBase.IDLE, Bar.DOWN),
    "FUTURE": (NodeBase.IDLE, Bar.DOWN),
    "IDLE+REBOOT_ISSUED": (NodeBase.IDLE, Bar.POWER),
    "IDLE+REBOOT_REQUESTED": (NodeBase.IDLE, Bar.POWER),
    "MIXED+REBOOT_REQUESTED": (NodeBase.MIXED, Bar.NONE),
    "IDLE+BLOCKED": (NodeBase.IDLE, Bar.TAKEN),
    "IDLE+PERFCTRS": (NodeBase.IDLE, Bar.TAKEN),
    "IDLE+EXTERNAL": (NodeBase.IDLE, Bar.NONE),
    "MIXED+SOMETHING_NEW": (NodeBase.MIXED, Bar.UNKNOWN),
    # 20.11: marks behind the base, words for several.
    "IDLE*": (NodeBase.IDLE, Bar.DOWN),
    "DOWN*+DRAIN": (NodeBase.IDLE, Bar.DOWN),
    "IDLE~": (NodeBase.IDLE, Bar.POWER),
    "IDLE#+CLOUD": (NodeBase.IDLE, Bar.POWER),
    "IDLE+CLOUD+POWER": (NodeBase.IDLE, Bar.POWER),
    "MIXED$": (NodeBase.MIXED, Bar.RESERVED),
    "MAINT": (NodeBase.IDLE, Bar.RESERVED),
    "MAINT*": (NodeBase.IDLE, Bar.DOWN),
    "REBOOT": (NodeBase.IDLE, Bar.POWER),
    "REBOOT^": (NodeBase.IDLE, Bar.POWER),
    "INVAL": (NodeBase.IDLE, Bar.DOWN),
    # sinfo.
    "mixed-": (NodeBase.MIXED, Bar.PLANNED),
    "mixed@": (NodeBase.MIXED, Bar.NONE),
    "drained": (NodeBase.IDLE, Bar.DRAIN),
    "draining*": (NodeBase.MIXED, Bar.DOWN),
    "draining": (NodeBase.MIXED, Bar.DRAIN),
    "failing": (NodeBase.MIXED, Bar.DRAIN),
    "reserved": (NodeBase.IDLE, Bar.RESERVED),
    "planned": (NodeBase.IDLE, Bar.PLANNED),
    "completing": (NodeBase.MIXED, Bar.NONE),
    "allocated+": (NodeBase.ALLOCATED, Bar.NONE),
}


@pytest.mark.parametrize(("text", "meaning"), STATES.items())
def test_a_state_has_its_consequence(text: str, meaning: tuple[NodeBase, Bar]):
    state = parse_node_state(text)

    assert (state.base, state.bar) == meaning


def test_marks_are_spelt_out_in_the_words():
    assert parse_node_state("DOWN*+DRAIN").words == ("DOWN", "NOT_RESPONDING", "DRAIN")
    assert parse_node_state("allocated+").words == ("ALLOCATED", "COMPLETING")
    assert parse_node_state("MAINT").words == ("IDLE", "MAINTENANCE")


@pytest.mark.parametrize("text", ["IDLE+COMPLETING", "MIXED", "ALLOCATED+DRAIN", "draining"])
def test_a_node_with_jobs_is_busy(text: str):
    assert parse_node_state(text).is_busy


@pytest.mark.parametrize("text", ["", "+", "   +"])
def test_a_state_without_a_word_is_refused(text: str):
    with pytest.raises(MalformedValueError):
        parse_node_state(text.strip())


@given(st.lists(st.sampled_from(["DRAIN", "DOWN", "FAIL", "NOT_RESPONDING", "POWERED_DOWN"])))
def test_no_flag_makes_a_node_that_is_out_of_service_usable(flags: list[str]):
    state = parse_node_state("+".join(["IDLE", "RESUME", "CLOUD", *flags]))

    assert (state.bar >= Bar.POWER) == bool(flags)
