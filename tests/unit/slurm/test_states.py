import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.contracts.jobs import JobState
from slurmfleet.slurm.errors import MalformedValueError
from slurmfleet.slurm.states import parse_state

OURS = {JobState.VANISHED, JobState.REQUEUED}


@pytest.mark.parametrize("state", [state for state in JobState if state not in OURS])
def test_base_state_stands_for_itself(state: JobState):
    assert parse_state(str(state)) == (state, ())


@pytest.mark.parametrize(
    ("text", "state", "flags"),
    [
        ("CANCELLED by 2001", JobState.CANCELLED, ()),
        ("CANCELLED+", JobState.CANCELLED, ()),
        ("OUT_OF_ME+", JobState.OUT_OF_MEMORY, ()),
        ("COMPLETI+", JobState.RUNNING, ("COMPLETING",)),
        ("COMP+", JobState.UNKNOWN, ("COMP",)),
        ("COMPLETING", JobState.RUNNING, ("COMPLETING",)),
        ("CONFIGURING", JobState.RUNNING, ("CONFIGURING",)),
        ("RESIZING", JobState.RUNNING, ("RESIZING",)),
        ("SIGNALING", JobState.RUNNING, ("SIGNALING",)),
        ("STAGE_OUT", JobState.RUNNING, ("STAGE_OUT",)),
        ("STOPPED", JobState.RUNNING, ("STOPPED",)),
        ("REQUEUED", JobState.PENDING, ("REQUEUED",)),
        ("REQUEUE_FED", JobState.PENDING, ("REQUEUE_FED",)),
        ("REQUEUE_HOLD", JobState.PENDING, ("REQUEUE_HOLD",)),
        ("RESV_DEL_HOLD", JobState.PENDING, ("RESV_DEL_HOLD",)),
        ("SPECIAL_EXIT", JobState.PENDING, ("SPECIAL_EXIT",)),
        ("REVOKED", JobState.UNKNOWN, ("REVOKED",)),
        ("RUNNING+COMPLETING", JobState.RUNNING, ("COMPLETING",)),
        ("CANCELLED,COMPLETING", JobState.CANCELLED, ("COMPLETING",)),
        ("PENDING+SPECIAL_EXIT+REQUEUED", JobState.PENDING, ("REQUEUED", "SPECIAL_EXIT")),
        ("REQUEUED+COMPLETING", JobState.RUNNING, ("COMPLETING", "REQUEUED")),
        ("REQUEUED+STOPPED", JobState.UNKNOWN, ("REQUEUED", "STOPPED")),
        ("COMPLETININVALID", JobState.UNKNOWN, ("COMPLETININVALID",)),
        ("VANISHED", JobState.UNKNOWN, ("VANISHED",)),
    ],
)
def test_flags_stand_beside_the_base_state(text: str, state: JobState, flags: tuple[str, ...]):
    assert parse_state(text) == (state, flags)


@pytest.mark.parametrize("text", ["", "+", "running", "RUNNING ", "1", "A+|"])
def test_what_is_no_state_is_refused(text: str):
    with pytest.raises(MalformedValueError):
        parse_state(text)


@given(st.from_regex(r"[A-Z][A-Z_]{0,20}", fullmatch=True))
def test_no_word_of_another_version_ends_a_job(word: str):
    state, flags = parse_state(word)

    assert not (state.is_terminal and flags)
    assert state.is_terminal == (word in JobState.__members__ and JobState(word).is_terminal)
