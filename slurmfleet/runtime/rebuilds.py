"""Asks the projector to rebuild tables, and reads how it goes."""

from pydantic import ValidationError

from slurmfleet.bus.errors import BusError, KeyNotFoundError
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.rebuilds import (
    REPORT_KEY,
    VERB,
    RebuildReport,
    RebuildRequest,
)
from slurmfleet.contracts.streams import WORK
from slurmfleet.runtime.commands import ask_projector, bus_unavailable


async def begin_rebuild(bus: Bus, request: RebuildRequest, *, limit_s: float) -> RebuildReport:
    """Ask for a rebuild; it goes on after the answer.

    Raises:
        ProblemError: No projector answers, or one is rebuilding already.
    """
    return await ask_projector(bus, VERB, request, RebuildReport, limit_s=limit_s)


async def read_rebuild(bus: Bus) -> RebuildReport:
    """Give how the newest rebuild goes, or went.

    Raises:
        ProblemError: There was none of late, or the bus is away.
    """
    try:
        entry = await bus.kv_get(WORK.name, REPORT_KEY)
        return RebuildReport.model_validate_json(entry.value)
    except (KeyNotFoundError, ValidationError) as exc:
        raise ProblemError(
            ProblemCode.NOT_FOUND,
            "Nothing was rebuilt of late.",
            remedy="`slurmfleet rebuild --projection jobs` begins one.",
        ) from exc
    except BusError as exc:
        raise bus_unavailable() from exc
