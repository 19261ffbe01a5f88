"""The door lets no exception of the driver through unnamed."""

import inspect

import nats.aio.errors
import nats.errors
import nats.js.errors
import pytest

from slurmfleet.bus.errors import (
    BusAuthError,
    BusError,
    BusRefusedError,
    BusTimeoutError,
    BusUnavailableError,
    KeyNotFoundError,
    PublishRejectedError,
    RevisionConflictError,
)
from slurmfleet.bus.nats_errors import DRIVER_ERRORS, api_error, translate

OF_THE_DRIVER = sorted(
    (
        kind
        for module in (nats.errors, nats.js.errors)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception) and kind.__module__ == module.__name__
    ),
    key=lambda kind: f"{kind.__module__}.{kind.__name__}",
)


@pytest.mark.parametrize(
    "kind", OF_THE_DRIVER, ids=lambda kind: f"{kind.__module__}.{kind.__name__}"
)
def test_every_exception_of_the_driver_is_mapped(kind: type[Exception]):
    assert kind in DRIVER_ERRORS or kind is nats.errors.Error


def test_the_drivers_old_names_stand_for_mapped_ones():
    old = [
        kind
        for _, kind in inspect.getmembers(nats.aio.errors, inspect.isclass)
        if issubclass(kind, Exception) and kind is not nats.aio.errors.NatsError
    ]

    assert old
    assert [kind for kind in old if not set(kind.__mro__) & set(DRIVER_ERRORS)] == []


@pytest.mark.parametrize(
    ("raised", "ours"),
    [
        (nats.errors.TimeoutError(), BusTimeoutError),
        (nats.js.errors.KeyDeletedError(), KeyNotFoundError),
        (nats.js.errors.APIError(code=400), BusRefusedError),
        (nats.errors.Error("nats: 'Authorization Violation'"), BusAuthError),
        (nats.errors.Error("nats: 'Permissions Violation for Publish'"), BusAuthError),
        (nats.errors.Error("nats: empty response from server"), BusUnavailableError),
        (ConnectionResetError("reset"), BusUnavailableError),
    ],
)
def test_an_exception_becomes_ours(raised: Exception, ours: type[BusError]):
    error = translate(raised, "publish x")

    assert type(error) is ours
    assert error.operation == "publish x"
    assert str(error).startswith("publish x: ")


@pytest.mark.parametrize(
    ("code", "err_code", "ours"),
    [
        (404, 10059, KeyNotFoundError),
        (400, 10071, RevisionConflictError),
        (400, 10164, RevisionConflictError),
        (503, 10077, PublishRejectedError),
        (503, 10999, BusUnavailableError),
        (400, 10052, BusRefusedError),
    ],
)
def test_an_error_of_the_api_becomes_ours(code: int, err_code: int, ours: type[BusError]):
    error = api_error("STREAM.INFO.X", code=code, err_code=err_code, description="why")

    assert (type(error), str(error)) == (ours, f"STREAM.INFO.X: why ({err_code})")
