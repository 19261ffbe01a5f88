"""What others ask of the projector over the bus: a request read, and an answer or a problem."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from slurmfleet.bus.port import Reply as BusReply
from slurmfleet.contracts.commands import Reply, problem_body
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.problems import ProblemCode, ProblemError

Request = TypeVar("Request", bound=BaseModel)
Result = TypeVar("Result", bound=BaseModel)


async def answered(
    message: Message, kind: type[Request], do: Callable[[Request], Awaitable[Result]]
) -> BusReply:
    """Do what a message asks for; what cannot be done is a problem with its mend."""
    reply: Reply[Result]
    try:
        reply = Reply(result=await do(_read(message, kind)))
    except ProblemError as exc:
        reply = Reply(problem=problem_body(exc))
    return BusReply(body=reply.model_dump_json(serialize_as_any=True).encode())


def _read(message: Message, kind: type[Request]) -> Request:
    try:
        return kind.model_validate_json(message.body)
    except ValidationError as exc:
        raise ProblemError(
            ProblemCode.INVALID_PARAMETER,
            "This is no request that the projector knows.",
            remedy="Use the `slurmfleet` of the projector's own version.",
        ) from exc
