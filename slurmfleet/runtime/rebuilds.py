"""Asks the projector to rebuild tables, and reads how it goes."""

from pydantic import ValidationError

from slurmfleet.bus.errors import BusError, BusTimeoutError, KeyNotFoundError, NoResponderError
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.commands import Reply
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.rebuilds import (
    REPORT_KEY,
    SERVICE,
    VERB,
    RebuildReport,
    RebuildRequest,
)
from slurmfleet.contracts.streams import WORK
from slurmfleet.contracts.subjects import admin_subject
from slurmfleet.runtime.commands import bus_problems, bus_unavailable


async def begin_rebuild(bus: Bus, request: RebuildRequest, *, limit_s: float) -> RebuildReport:
    """Ask for a rebuild; it goes on after the answer.

    Raises:
        ProblemError: No projector answers, or one is rebuilding already.
    """
    body = request.model_dump_json().encode()
    try:
        with bus_problems():
            answer = await bus.request(admin_subject(SERVICE, VERB), body, limit_s=limit_s)
    except (NoResponderError, BusTimeoutError) as exc:
        raise ProblemError(
            ProblemCode.NOT_FOUND,
            "No projector answers at the moment.",
            remedy="Start it; `slurmfleet status` shows what runs.",
        ) from exc
    return _unwrapped(answer.body)


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


def _unwrapped(body: bytes) -> RebuildReport:
    try:
        return Reply[RebuildReport].model_validate_json(body).unwrap()
    except ValidationError as exc:
        raise ProblemError(
            ProblemCode.INTERNAL,
            "The projector gave an answer of another version.",
            remedy="Run the same version of the projector and of the API.",
        ) from exc
