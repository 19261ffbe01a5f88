from datetime import datetime

import pytest
from typer.exceptions import TyperException

from slurmfleet.cli.moments import moment_option
from slurmfleet.testing.clock import ManualClock


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("", ""),
        ("30m", "2026-01-01T11:30:00+00:00"),
        ("2h", "2026-01-01T10:00:00+00:00"),
        ("3D", "2025-12-29T12:00:00+00:00"),
        ("1w", "2025-12-25T12:00:00+00:00"),
        ("2026-01-01T09:30:00+02:00", "2026-01-01T09:30:00+02:00"),
    ],
)
def test_a_moment_may_be_an_age_or_iso_8601(text: str, iso: str):
    assert moment_option(text, option="--since", clock=ManualClock()) == iso


def test_a_moment_without_an_offset_is_local():
    given = moment_option("2026-11-20", option="--since", clock=ManualClock())

    assert datetime.fromisoformat(given) == datetime(2026, 11, 20).astimezone()


def test_nonsense_is_a_usage_error_that_shows_the_forms():
    with pytest.raises(TyperException, match="2h, 3d, 2026-11-20") as refused:
        moment_option("yesterday", option="--since", clock=ManualClock())

    assert refused.value.exit_code == 2
