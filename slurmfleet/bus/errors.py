"""What can go wrong on the bus.

BusError                       the base; `retryable` says whether the same call may succeed later
├── BusUnavailableError        no connection, or the server cannot serve JetStream just now
├── BusTimeoutError            no answer within the limit; whether it took effect is unknown
├── NoResponderError           nobody serves the subject of a request
├── HandlerFailedError         somebody serves it, and failed
├── BusAuthError               the server does not know the login, or forbids the subject
├── RevisionConflictError      the key has another revision than the caller believed
├── KeyNotFoundError           the key, or its bucket, does not exist
├── PublishRejectedError       no stream took the message: none has its subject, or it is full
│   └── MessageTooLargeError   the message is larger than the server takes
├── PartialPublishError        of many messages some were acknowledged and some were not
├── BusRefusedError            the driver or the server refuses the call as it is: a mistake of ours
├── BusClosedError             this bus was closed by its owner
└── LeaseLostError             the lease could not be renewed in time, or another holds it
"""

from collections.abc import Mapping
from typing import ClassVar, Generic, TypeVar

Ack = TypeVar("Ack")


class BusError(Exception):
    """Base of everything that the bus raises."""

    retryable: ClassVar[bool] = False

    def __init__(self, operation: str, detail: str) -> None:
        """Keep what was tried, "publish fleet.v1.alpha.job.ended", and what came of it."""
        super().__init__(f"{operation}: {detail}")
        self.operation = operation
        self.detail = detail


class BusUnavailableError(BusError):
    """There is no connection, or the server cannot serve JetStream just now."""

    retryable = True


class BusTimeoutError(BusError):
    """No answer came within the limit; whether the call took effect is unknown."""

    retryable = True


class NoResponderError(BusError):
    """Nobody serves the subject of a request."""

    retryable = True


class HandlerFailedError(BusError):
    """Somebody serves the subject of a request, and raised."""


class BusAuthError(BusError):
    """The server does not know the login, or forbids the subject."""


class RevisionConflictError(BusError):
    """The key has another revision than the caller believed."""


class KeyNotFoundError(BusError):
    """The key, or its bucket, does not exist."""


class PublishRejectedError(BusError):
    """No stream took the message: none has its subject, or it is full."""

    retryable = True


class MessageTooLargeError(PublishRejectedError):
    """The message is larger than the server takes."""

    retryable = False


class PartialPublishError(BusError, Generic[Ack]):
    """Of many messages some were acknowledged and some were not."""

    retryable = True

    def __init__(self, operation: str, acknowledged: Mapping[int, Ack], reason: BusError) -> None:
        """Keep the acknowledgements by position, and the first failure."""
        super().__init__(operation, f"{len(acknowledged)} were acknowledged, then {reason}")
        self.acknowledged = acknowledged
        self.reason = reason


class BusRefusedError(BusError):
    """The driver or the server refuses the call as it is: a mistake of ours."""


class BusClosedError(BusError):
    """This bus was closed by its owner."""


class LeaseLostError(BusError):
    """The lease could not be renewed in time, or another holds it."""
