import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.slurm.commands import Section
from slurmfleet.slurm.errors import UnsafeArgumentError
from slurmfleet.slurm.frames import Frames, SectionOutput, composite, parse_frames

NONCE = "0123456789abcdef"
MARK = f"\n%%{NONCE} ".encode()


def framed(name: str, stdout: bytes, stderr: bytes = b"", status: int = 0) -> bytes:
    return b"".join(
        (
            MARK + f"BEGIN {name}\n".encode() + stdout,
            MARK + f"ERRORS {name}\n".encode() + stderr,
            MARK + f"END {status}\n".encode(),
        )
    )


NOW = MARK + b"NOW 1795176219\n"
DONE = MARK + b"DONE\n"


def test_sections_are_told_apart_and_noise_around_them_is_ignored():
    text = b"Welcome!\nno newline at the end" + NOW
    text += framed("queue", b"1|cpu|\n") + framed("detail", b"", b"Invalid user: x", 1)
    text += DONE + b"logout\n"

    assert parse_frames(text, NONCE) == Frames(
        sections={
            "queue": SectionOutput(raw=b"1|cpu|\n", stderr="", exit_status=0),
            "detail": SectionOutput(raw=b"", stderr="Invalid user: x", exit_status=1),
        },
        remote_epoch_s=1_795_176_219,
        done=True,
    )


@pytest.mark.parametrize("kept", range(1, 60))
def test_a_section_whose_end_is_cut_is_incomplete(kept: int):
    whole = framed("queue", b"1|cpu|\n")
    assert kept < len(whole)

    frames = parse_frames(NOW + whole[:kept], NONCE)

    assert not frames.done
    assert all(not output.complete for output in frames.sections.values())


def test_only_the_cut_section_is_lost():
    text = NOW + framed("queue", b"a\n") + framed("detail", b"b\n")[:-5]

    frames = parse_frames(text, NONCE)

    assert frames == Frames(
        sections={
            "queue": SectionOutput(raw=b"a\n", stderr="", exit_status=0),
            "detail": SectionOutput(raw=b"b\n", stderr="", exit_status=None),
        },
        remote_epoch_s=1_795_176_219,
        done=False,
    )


def test_a_section_that_another_interrupts_is_incomplete():
    text = MARK + b"BEGIN queue\nx" + framed("detail", b"y")

    assert parse_frames(text, NONCE).sections == {
        "queue": SectionOutput(raw=b"x", stderr="", exit_status=None),
        "detail": SectionOutput(raw=b"y", stderr="", exit_status=0),
    }


def test_marks_out_of_order_end_nothing():
    text = (
        MARK + b"END 0\n" + MARK + b"BEGIN queue\nx" + MARK + b"ERRORS detail\n" + MARK + b"END 0\n"
    )

    assert parse_frames(text, NONCE).sections == {
        "queue": SectionOutput(raw=b"x", stderr="", exit_status=None)
    }


def test_a_clock_or_status_that_is_no_number_is_not_told():
    text = MARK + b"NOW soon\n" + framed("queue", b"").replace(b"END 0", b"END zero")

    assert parse_frames(text, NONCE) == Frames(
        sections={"queue": SectionOutput(raw=b"", stderr="", exit_status=None)},
        remote_epoch_s=None,
        done=False,
    )


def test_bytes_that_are_no_utf8_are_replaced():
    frames = parse_frames(framed("queue", b"na\xefve \xe6\xbc\xa2"), NONCE)

    assert frames.sections["queue"].stdout == "na�ve 漢"


@given(st.binary(), st.binary())
def test_output_that_does_not_know_the_nonce_forges_nothing(stdout: bytes, noise: bytes):
    forged = framed("forged", b"x").replace(NONCE.encode(), b"f" * 16)

    frames = parse_frames(noise + NOW + framed("queue", stdout + forged) + DONE + noise, NONCE)

    wanted = SectionOutput(raw=stdout + forged, stderr="", exit_status=0)
    assert frames == Frames(
        sections={"queue": wanted},
        remote_epoch_s=1_795_176_219,
        done=True,
    )


@given(st.binary())
def test_garbage_gives_no_sections(garbage: bytes):
    assert parse_frames(garbage, NONCE) == Frames(sections={}, remote_epoch_s=None, done=False)


def section(name: str = "queue", *argv: str) -> Section:
    return Section(name=name, argv=argv or ("true",), limit_s=1.5)


def test_arguments_are_quoted():
    script = composite([section("queue", "squeue", "-u", "a'b; $(id)")], NONCE)

    assert """section queue 1.5 squeue -u 'a'"'"'b; $(id)'""" in script.splitlines()


def test_environment_is_exported_and_ours_wins():
    script = composite([section()], NONCE, {"PATH": "/opt/a b:/bin", "LC_ALL": "de_DE"})

    exports = [line for line in script.splitlines() if line.startswith("export ")]
    assert exports == [
        "export PATH='/opt/a b:/bin'",
        "export LC_ALL=C",
        "export SLURM_TIME_FORMAT=%s",
        "export SLURM_BITSTR_LEN=0",
    ]


@pytest.mark.parametrize(
    ("sections", "nonce", "env"),
    [
        ([section("Queue")], NONCE, {}),
        ([section("a b")], NONCE, {}),
        ([section(), section()], NONCE, {}),
        ([section()], "short", {}),
        ([section()], NONCE, {"A;B": ""}),
        ([section()], NONCE, {"PATH": "a\0b"}),
    ],
)
def test_what_does_not_fit_its_grammar_is_refused(
    sections: list[Section], nonce: str, env: dict[str, str]
):
    with pytest.raises(UnsafeArgumentError):
        composite(sections, nonce, env)


def test_a_nonce_that_is_none_reads_nothing():
    with pytest.raises(UnsafeArgumentError):
        parse_frames(b"", ".*")


def test_a_number_that_is_too_long_is_not_told():
    text = MARK + b"NOW " + b"9" * 5_000 + b"\n"
    text += framed("queue", b"").replace(b"END 0", b"END " + b"9" * 5_000)

    assert parse_frames(text, NONCE) == Frames(
        sections={"queue": SectionOutput(raw=b"", stderr="", exit_status=None)},
        remote_epoch_s=None,
        done=False,
    )
