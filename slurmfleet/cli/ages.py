"""How long ago, in as few letters as a person needs."""

from datetime import datetime

MINUTE_S = 60
HOUR_S = 3_600
DAY_S = 86_400


def duration_text(seconds: float) -> str:
    """Give a duration with two units at most: "45 s", "12 min", "3 h 20 min", "2 d 4 h"."""
    whole = max(0, int(seconds))
    if whole < MINUTE_S:
        return f"{whole} s"
    if whole < HOUR_S:
        return f"{whole // MINUTE_S} min"
    if whole < DAY_S:
        return _pair(whole // HOUR_S, "h", whole % HOUR_S // MINUTE_S, "min")
    return _pair(whole // DAY_S, "d", whole % DAY_S // HOUR_S, "h")


def age_text(age_s: float | None, *, stale: bool = False) -> str:
    """Give the age of what is shown: "12 s ago", "8 min ago, stale", "never"."""
    if age_s is None:
        return "never"
    ago = f"{duration_text(age_s)} ago"
    return f"{ago}, stale" if stale else ago


def moment_text(moment: datetime | None) -> str:
    """Give a moment in the reader's own time zone, to the second; empty for None."""
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _pair(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit} {small} {small_unit}" if small else f"{large} {large_unit}"
