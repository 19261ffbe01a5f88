"""The words that file systems' programs share."""

import pytest

from slurmfleet.filesystems.errors import MalformedUsageError
from slurmfleet.filesystems.usage import LARGEST, bytes_of, count_of, grace_s

DAY_S = 86_400


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("0k", 0),
        ("734003200", 734_003_200 * 1024),
        ("526.5M", 552_075_264),
        ("5.915G", 6_351_182_889),
        ("13.57T", 14_920_372_788_921),
        ("1P", 2**50),
        ("9007199254740991", LARGEST - 1023),
    ],
)
def test_amounts_are_exact_bytes(text: str, size: int):
    assert bytes_of(text) == size


@pytest.mark.parametrize(
    "text", ["", "-", "[12]", "12*", "1e9", "-5", "+5", "٣", "1_000", "9" * 5_000, "8E", "1.5.5G"]
)
def test_what_is_no_amount_is_refused(text: str):
    with pytest.raises(MalformedUsageError):
        bytes_of(text)


@pytest.mark.parametrize("text", ["", "12k", "-1", "٣", "1.5", "9" * 19, "9" * 5_000])
def test_what_is_no_number_of_files_is_refused(text: str):
    with pytest.raises(MalformedUsageError):
        count_of(text)


@pytest.mark.parametrize(
    ("text", "left_s"),
    [
        ("-", None),
        ("", None),
        ("none", 0),
        ("expired", 0),
        ("6d23h59m58s", 7 * DAY_S - 2),
        ("1w2d3h4m5s", 9 * DAY_S + 3 * 3_600 + 245),
        ("0s", 0),
        ("5d1s", 5 * DAY_S + 1),
        ("6days", 6 * DAY_S),
        ("23:59", DAY_S - 60),
        ("6 days", 6 * DAY_S),
        ("1 hour", 3_600),
        ("12 minutes", 720),
    ],
)
def test_grace_times_of_every_program_are_read(text: str, left_s: int | None):
    assert grace_s(text) == left_s


@pytest.mark.parametrize("text", ["soon", "6 fortnights", "1s1d", "9" * 30 + "s", "٣ days"])
def test_what_is_no_grace_time_is_refused(text: str):
    with pytest.raises(MalformedUsageError):
        grace_s(text)
