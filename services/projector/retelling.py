"""Tells dead letters again on request: only the projector may put facts of others on the bus."""

import asyncio
from dataclasses import dataclass

from services.projector.asked import answered
from slurmfleet.bus.errors import KeyNotFoundError
from slurmfleet.bus.port import Bus
from slurmfleet.bus.port import Reply as BusReply
from slurmfleet.contracts.dead_letters import RETRY, Retry, ToldAgain, told_again
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.streams import DEAD_LETTERS, STREAMS
from slurmfleet.contracts.subjects import PROJECTOR, MalformedSubjectError, admin_subject
from slurmfleet.runtime.dead_letters import dead_letter_problems
from slurmfleet.telemetry.logs import logger

_STREAM = DEAD_LETTERS.name


@dataclass(frozen=True, slots=True)
class Retelling:
    """Waits to be asked, for ever."""

    bus: Bus

    async def run(self) -> None:
        """Serve for ever."""
        await self.bus.prepare(streams=STREAMS)
        async with self.bus.serve(admin_subject(PROJECTOR, RETRY), self.handle, queue=PROJECTOR):
            await asyncio.Event().wait()

    async def handle(self, message: Message) -> BusReply:
        """Tell a letter again, or say why not."""
        return await answered(message, Retry, self.retry)

    async def retry(self, request: Retry) -> ToldAgain:
        """Tell a dead letter again on its first subject; then take it out.

        The stream of facts has it on disk before it leaves the dead letters, so a crash in between
        leaves both, never neither; what was told twice the store knows by the ids of the facts.

        Raises:
            ProblemError: There is none of this number, it may not be told, or the bus is away.
        """
        sequence = request.sequence
        with dead_letter_problems(sequence):
            stored = await self.bus.read_stored(_STREAM, sequence)
            try:
                again = told_again(sequence, stored.message)
            except MalformedSubjectError as exc:
                raise ProblemError(
                    ProblemCode.INVALID_PARAMETER,
                    f"Dead letter {sequence} was told on a subject that carries no facts.",
                    remedy=f"Drop it: `slurmfleet events dead drop {sequence}`.",
                ) from exc
            taken = await self.bus.publish(again)
            await self._delete(sequence)
        logger().info("dead letter told again", sequence=sequence, subject=again.subject)
        return ToldAgain(sequence=sequence, fact_sequence=taken.sequence)

    async def _delete(self, sequence: int) -> None:
        try:
            await self.bus.delete_stored(_STREAM, sequence)
        except KeyNotFoundError:
            return  # somebody else told it again at the same moment
