"""Every exception of the driver, and what it is on our side of the door.

Source: nats-py 2.16, modules nats.errors and nats.js.errors; error codes of the JetStream API as
in nats-server 2.15, server/errors.json.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

import nats.errors as driver
from nats.js import errors as js

from slurmfleet.bus.errors import (
    BusAuthError,
    BusError,
    BusRefusedError,
    BusTimeoutError,
    BusUnavailableError,
    KeyNotFoundError,
    MessageTooLargeError,
    NoResponderError,
    PublishRejectedError,
    RevisionConflictError,
)

DRIVER_ERRORS: Mapping[type[BaseException], type[BusError]] = {
    driver.TimeoutError: BusTimeoutError,
    driver.NoRespondersError: NoResponderError,
    driver.StaleConnectionError: BusUnavailableError,
    driver.OutboundBufferLimitError: BusUnavailableError,
    driver.UnexpectedEOF: BusUnavailableError,
    driver.FlushTimeoutError: BusTimeoutError,
    driver.ConnectionClosedError: BusUnavailableError,
    driver.SecureConnRequiredError: BusAuthError,
    driver.SecureConnWantedError: BusAuthError,
    driver.SecureConnFailedError: BusAuthError,
    driver.BadSubscriptionError: BusRefusedError,
    driver.BadSubjectError: BusRefusedError,
    driver.BadHeaderError: BusRefusedError,
    driver.SlowConsumerError: BusUnavailableError,
    driver.BadTimeoutError: BusRefusedError,
    driver.AuthorizationError: BusAuthError,
    driver.NoServersError: BusUnavailableError,
    driver.JsonParseError: BusUnavailableError,
    driver.MaxPayloadError: MessageTooLargeError,
    driver.DrainTimeoutError: BusTimeoutError,
    driver.ConnectionDrainingError: BusUnavailableError,
    driver.ConnectionReconnectingError: BusUnavailableError,
    driver.InvalidUserCredentialsError: BusAuthError,
    driver.InvalidCallbackTypeError: BusRefusedError,
    driver.ProtocolError: BusUnavailableError,
    driver.ServerNotInPoolError: BusUnavailableError,
    driver.NotJSMessageError: BusRefusedError,
    driver.MsgAlreadyAckdError: BusRefusedError,
    js.Error: BusRefusedError,
    js.APIError: BusRefusedError,
    js.ServiceUnavailableError: BusUnavailableError,
    js.ServerError: BusUnavailableError,
    js.NotFoundError: KeyNotFoundError,
    js.BadRequestError: BusRefusedError,
    js.ConsumerInvalidResetError: BusRefusedError,
    js.NoStreamResponseError: PublishRejectedError,
    js.TooManyStalledMsgsError: BusTimeoutError,
    js.FetchTimeoutError: BusTimeoutError,
    js.ConsumerSequenceMismatchError: BusUnavailableError,
    js.BucketNotFoundError: KeyNotFoundError,
    js.BadBucketError: BusRefusedError,
    js.KeyValueError: BusRefusedError,
    js.KeyDeletedError: KeyNotFoundError,
    js.KeyNotFoundError: KeyNotFoundError,
    js.KeyWrongLastSequenceError: RevisionConflictError,
    js.NoKeysError: KeyNotFoundError,
    js.KeyHistoryTooLargeError: BusRefusedError,
    js.InvalidKeyError: BusRefusedError,
    js.InvalidBucketNameError: BusRefusedError,
    js.InvalidObjectNameError: BusRefusedError,
    js.BadObjectMetaError: BusRefusedError,
    js.LinkIsABucketError: BusRefusedError,
    js.DigestMismatchError: BusRefusedError,
    js.ObjectNotFoundError: KeyNotFoundError,
    js.ObjectDeletedError: KeyNotFoundError,
    js.ObjectAlreadyExists: RevisionConflictError,
    js.KeyValueLimitMarkerTTLNotSupportedError: BusRefusedError,
}

_REFUSED = "permissions violation"
_AUTH_WORDS = ("authorization violation", "authentication", _REFUSED, "user nkey")

_API_ERRORS: Mapping[int, type[BusError]] = {
    10008: BusUnavailableError,  # JetStream system temporarily unavailable
    10014: KeyNotFoundError,  # consumer not found
    10023: PublishRejectedError,  # insufficient resources
    10037: KeyNotFoundError,  # no message found
    10043: KeyNotFoundError,  # sequence not found
    10039: BusUnavailableError,  # JetStream not enabled for account
    10047: PublishRejectedError,  # insufficient storage resources available
    10054: MessageTooLargeError,  # message size exceeds maximum allowed
    10059: KeyNotFoundError,  # stream not found
    10071: RevisionConflictError,  # wrong last sequence
    10076: BusUnavailableError,  # JetStream not enabled
    10077: PublishRejectedError,  # maximum messages, bytes or messages per subject exceeded
    10164: RevisionConflictError,  # wrong last sequence (the same, without the number)
}


def translate(exc: Exception, operation: str) -> BusError:
    """Give our error for what the driver raised."""
    detail = str(exc) or type(exc).__name__
    for kind in type(exc).__mro__:
        if known := DRIVER_ERRORS.get(kind):
            return known(operation, detail)
    if isinstance(exc, driver.Error) and any(word in detail.lower() for word in _AUTH_WORDS):
        return BusAuthError(operation, detail)
    return BusUnavailableError(operation, detail)


def is_refusal(exc: Exception) -> bool:
    """Tell whether the server forbade one act, and the connection goes on."""
    return isinstance(exc, driver.Error) and _REFUSED in str(exc).lower()


@contextmanager
def translated(operation: str) -> Generator[None]:
    """Raise our errors for the driver's, and for a connection that breaks."""
    try:
        yield
    except (driver.Error, OSError) as exc:
        raise translate(exc, operation) from exc


def api_error(operation: str, *, code: int, err_code: int, description: str) -> BusError:
    """Give our error for an error body of the JetStream API."""
    kind = _API_ERRORS.get(err_code)
    if kind is None:
        kind = BusUnavailableError if code in (500, 503) else BusRefusedError
    return kind(operation, f"{description} ({err_code})")
