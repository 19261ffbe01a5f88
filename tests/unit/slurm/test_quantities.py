from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.slurm.errors import MalformedValueError
from slurmfleet.slurm.quantities import (
    ExitCode,
    needed_time,
    parse_amount,
    parse_count,
    parse_duration_s,
    parse_exit_code,
    parse_memory_mib,
    parse_minutes_s,
    parse_number,
    parse_priority,
    parse_time,
)

NOON = datetime(2026, 11, 20, 12, 3, 39, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1-02:03:04", 93_784),
        ("1-02:03", 93_780),
        ("2-12", 216_000),
        ("0-02:03", 7_380),
        ("04:00:00", 14_400),
        ("5:00", 300),
        ("0:00", 0),
        ("00:00.016", 0),
        ("365-00:00:00", 31_536_000),
        ("UNLIMITED", None),
        ("Partition_Limit", None),
        ("INVALID", None),
        ("NOT_SET", None),
        ("N/A", None),
        ("", None),
    ],
)
def test_duration_is_read(text: str, seconds: int | None):
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize(
    "text", ["5", "1:2:3:4", "-5:00", "5:0x", "soon", "\u0663:\u0660\u0660", " 5:00"]
)
def test_duration_that_is_none_is_refused_with_its_text(text: str):
    with pytest.raises(MalformedValueError) as caught:
        parse_duration_s(text)

    assert caught.value.line == text


@given(st.integers(0, 10**10))
def test_duration_comes_back_as_slurm_writes_it(seconds: int):
    days, rest = divmod(seconds, 86_400)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"

    assert parse_duration_s(f"{days}-{clock}") == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5", 300), ("0", 0), ("UNLIMITED", None), ("Partition_Limit", None), ("", None)],
)
def test_minutes_are_read(text: str, seconds: int | None):
    assert parse_minutes_s(text) == seconds


def test_minutes_that_are_none_are_refused():
    with pytest.raises(MalformedValueError):
        parse_minutes_s("5:00")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1795176219", NOON),
        ("2026-11-20T12:03:39Z", NOON),
        ("2026-11-20T13:03:39+0100", NOON),
        ("N/A", None),
        ("Unknown", None),
        ("None", None),
        ("NONE", None),
        ("0", None),
        ("4294967294", None),
        ("", None),
    ],
)
def test_time_is_read(text: str, moment: datetime | None):
    assert parse_time(text) == moment


@pytest.mark.parametrize(
    "text",
    ["2026-11-20T12:03:39", "2026-13-20T12:03:39Z", "999999999999", "12:03", "-5", "tomorrow"],
)
def test_time_without_zone_or_sense_is_refused(text: str):
    with pytest.raises(MalformedValueError):
        parse_time(text)


@given(st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_time_comes_back(moment: datetime):
    whole = moment.replace(microsecond=0)
    no_values = {0xFFFFFFFE, 0xFFFFFFFF}
    epoch_s = int(whole.timestamp())

    assert parse_time(str(epoch_s)) == (None if epoch_s in no_values else whole)


def test_needed_time_refuses_what_is_not_told():
    assert needed_time("1795176219") == NOON
    with pytest.raises(MalformedValueError):
        needed_time("Unknown")


@pytest.mark.parametrize(
    ("text", "mib"),
    [
        ("512M", 512),
        ("1.5G", 1_536),
        ("64G", 65_536),
        ("4000Mc", 4_000),
        ("4Gn", 4_096),
        ("2T", 2_097_152),
        ("1K", 1),
        ("1536K", 2),
        ("0", 0),
        ("1000", 1_000),
        ("N/A", None),
        ("", None),
    ],
)
def test_memory_is_read(text: str, mib: int | None):
    assert parse_memory_mib(text) == mib


@given(st.integers(0, 10**9), st.sampled_from(["", "c", "n"]))
def test_memory_of_whole_gib_is_exact(gib: int, scope: str):
    assert parse_memory_mib(f"{gib}G{scope}") == gib * 1024


@pytest.mark.parametrize("text", ["64X", "-1G", "G", "1..5G", "inf"])
def test_memory_that_is_none_is_refused(text: str):
    with pytest.raises(MalformedValueError):
        parse_memory_mib(text)


@pytest.mark.parametrize(
    ("text", "count"), [("7", 7), ("2K", 2_048), ("1.5K", 1_536), ("1-4", 1), ("", 0), ("N/A", 0)]
)
def test_count_is_read(text: str, count: int):
    assert parse_count(text) == count


def test_count_that_is_none_is_refused():
    with pytest.raises(MalformedValueError):
        parse_count("many")


@pytest.mark.parametrize(("text", "priority"), [("10204", 10_204), ("N/A", None)])
def test_priority_is_read(text: str, priority: int | None):
    assert parse_priority(text) == priority


def test_priority_that_is_none_is_refused():
    with pytest.raises(MalformedValueError):
        parse_priority("0.5")


@pytest.mark.parametrize(
    ("text", "code", "signal"),
    [
        ("3:0", 3, 0),
        ("0:125", 0, 125),
        ("0:11", 0, 11),
        ("768", 3, 0),
        ("256", 1, 0),
        ("11", 0, 11),
        ("139", 0, 11),
        ("0", 0, 0),
        ("4294967294", None, None),
        ("", None, None),
        ("N/A", None, None),
    ],
)
def test_exit_code_is_read_in_both_writings(text: str, code: int | None, signal: int | None):
    assert parse_exit_code(text) == ExitCode(code=code, signal=signal)


@given(st.integers(0, 255), st.integers(0, 126))
def test_wait_status_and_pair_mean_the_same(code: int, signal: int):
    assert parse_exit_code(str(code << 8 | signal)) == parse_exit_code(f"{code}:{signal}")


def test_exit_code_that_is_none_is_refused():
    with pytest.raises(MalformedValueError):
        parse_exit_code("1:0:0")


@given(st.text())
@pytest.mark.parametrize(
    "read", [parse_duration_s, parse_time, parse_memory_mib, parse_count, parse_exit_code]
)
def test_no_text_makes_a_reader_fail_in_another_way(read: Callable[[str], object], text: str):
    answer: object = None
    with suppress(MalformedValueError):
        answer = read(text)

    assert answer is None or read(text) == answer


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("-50", -50), ("2147483645", 2_147_483_645), ("N/A", None)]
)
def test_a_whole_number_is_read(text: str, number: int | None):
    assert parse_number(text) == number


@pytest.mark.parametrize("text", ["1.5", "--1", "5K", "\u0665"])
def test_a_whole_number_that_is_none_is_refused(text: str):
    with pytest.raises(MalformedValueError):
        parse_number(text)


@pytest.mark.parametrize("text", ["4294967294", "4294967295"])
def test_a_count_that_slurm_does_not_know_is_none(text: str):
    assert parse_count(text) == 0


@pytest.mark.parametrize("read", [parse_minutes_s, parse_time, parse_priority, parse_count])
@pytest.mark.parametrize("digits", [16, 19, 5_000, 100_000])
def test_more_digits_than_any_number_has_are_refused(read: Callable[[str], object], digits: int):
    with pytest.raises(MalformedValueError):
        read("9" * digits)


@pytest.mark.parametrize("text", ["2147483648", "2G", "1.5E", "9" * 18 + "E"])
def test_a_count_that_no_fact_can_hold_is_refused(text: str):
    with pytest.raises(MalformedValueError):
        parse_count(text)


@pytest.mark.parametrize("text", ["9" * 18 + "E", "9000000E", "9000000.5E"])
def test_memory_that_no_fact_can_hold_is_refused(text: str):
    with pytest.raises(MalformedValueError):
        parse_memory_mib(text)


def test_an_amount_may_be_larger_than_a_count():
    assert parse_amount("6000000000") == 6_000_000_000
