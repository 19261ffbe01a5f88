"""Asks a collector or the projector over the bus; what goes wrong is a problem with its mend."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from slurmfleet.bus.errors import (
    BusAuthError,
    BusError,
    BusTimeoutError,
    HandlerFailedError,
    NoResponderError,
)
from slurmfleet.bus.port import Bus
from slurmfleet.contracts.commands import Reply, Verb
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.subjects import PROJECTOR, admin_subject, command_subject

Result = TypeVar("Result", bound=BaseModel)


async def ask_collector(
    bus: Bus,
    cluster: ClusterName,
    verb: Verb,
    result: type[Result],
    *,
    limit_s: float,
    request: BaseModel | None = None,
) -> Result:
    """Send a command to a cluster's collector and give its result.

    Args:
        bus: Where to ask.
        cluster: Whose collector.
        verb: What it shall do.
        result: What it answers.
        limit_s: How long the answer may take.
        request: What the verb needs to be told; None for nothing.

    Raises:
        ProblemError: The collector is not there, did not answer in time, or answered with one.
    """
    body = request.model_dump_json().encode() if request is not None else b"{}"
    try:
        with bus_problems():
            reply = await bus.request(command_subject(cluster, verb), body, limit_s=limit_s)
    except NoResponderError as exc:
        raise ProblemError(
            ProblemCode.COLLECTOR_UNREACHABLE,
            f"No collector looks after {cluster} at the moment.",
            remedy="Start it, or wait until it has noticed the cluster; see `slurmfleet status`.",
        ) from exc
    except BusTimeoutError as exc:
        raise ProblemError(
            ProblemCode.COLLECTOR_UNREACHABLE,
            f"The collector of {cluster} did not answer within {limit_s:g} s.",
            remedy="Try again; if it stays so, its log says what it waits for.",
        ) from exc
    return _read(reply.body, result, f"the collector of {cluster}")


async def ask_projector(
    bus: Bus, verb: str, request: BaseModel, result: type[Result], *, limit_s: float
) -> Result:
    """Send a command to the projector and give its result.

    Raises:
        ProblemError: No projector is there, or it answered with one.
    """
    body = request.model_dump_json().encode()
    try:
        with bus_problems():
            answer = await bus.request(admin_subject(PROJECTOR, verb), body, limit_s=limit_s)
    except (NoResponderError, BusTimeoutError) as exc:
        raise ProblemError(
            ProblemCode.PROJECTOR_UNREACHABLE,
            "No projector answers at the moment.",
            remedy="Start it; `slurmfleet status` shows what runs.",
        ) from exc
    return _read(answer.body, result, "the projector")


@contextmanager
def bus_problems() -> Generator[None]:
    """Turn the bus's errors into problems; silence and the lack of a responder pass through.

    Raises:
        ProblemError: The bus is away, or a handler failed.
    """
    try:
        yield
    except (NoResponderError, BusTimeoutError):
        raise
    except HandlerFailedError as exc:
        raise ProblemError(
            ProblemCode.INTERNAL,
            "The service that was asked failed over the command.",
            remedy="Its log has the line 'handler failed' with the reason.",
        ) from exc
    except BusAuthError as exc:
        raise ProblemError(
            ProblemCode.BUS_UNAVAILABLE,
            f"The message bus refuses this service: {exc.detail}.",
            remedy="Check its SLURMFLEET_BUS_USER, and what `slurmfleet bus rights` gives it.",
        ) from exc
    except BusError as exc:
        raise bus_unavailable() from exc


def require_bus(bus: Bus) -> None:
    """Refuse at once what would only wait for the bus.

    Raises:
        ProblemError: There is no connection at the moment.
    """
    if not bus.is_connected:
        raise bus_unavailable()


def bus_unavailable() -> ProblemError:
    """Give the problem of a bus that cannot be reached."""
    return ProblemError(
        ProblemCode.BUS_UNAVAILABLE,
        "The message bus does not answer; reading goes on, changes and commands do not.",
        remedy="Try again in a few seconds; `slurmfleet status` shows how it is.",
    )


def _read(body: bytes, result: type[Result], who: str) -> Result:
    try:
        reply = Reply[result].model_validate_json(body)
    except ValidationError as exc:
        raise ProblemError(
            ProblemCode.INTERNAL,
            f"{who[0].upper()}{who[1:]} gave an answer of another version.",
            remedy=f"Run the same version of {who} and of the service that asks.",
        ) from exc
    return reply.unwrap()
