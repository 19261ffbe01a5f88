"""Moments as people write them: "2h", "3d", "2026-11-20", "2026-11-20T09:30"."""

import re
from datetime import datetime, timedelta

import typer

from slurmfleet.timing.clock import Clock

_AGO = re.compile(r"(\d{1,6})\s*([mhdw])")
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def moment_option(text: str, *, option: str, clock: Clock) -> str:
    """Read an option that names a moment; empty stays empty.

    Returns:
        ISO 8601 with an offset, as the API wants it.

    Raises:
        BadParameter: It is none of the forms above.
    """
    if not text:
        return ""
    if match := _AGO.fullmatch(text.strip().lower()):
        return (clock.now() - int(match[1]) * _UNITS[match[2]]).isoformat()
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as exc:
        raise typer.BadParameter(
            f"{text!r} is no moment; write 2h, 3d, 2026-11-20 or 2026-11-20T09:30.",
            param_hint=option,
        ) from exc
    return (moment if moment.tzinfo else moment.astimezone()).isoformat()
