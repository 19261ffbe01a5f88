"""Every exception of httpx has a meaning of ours."""

import ssl

import httpx
import pytest

from slurmfleet.contracts.registry import SiteService
from slurmfleet.site.errors import (
    SiteConfigError,
    SiteError,
    SiteTimeoutError,
    SiteTlsError,
    SiteUnreachableError,
)
from slurmfleet.site.service import service_of
from slurmfleet.site.translate import DRIVER_ERRORS, MEANINGS, request_error

SERVICE = service_of("alpha", "opensearch", SiteService(url="https://search.example.org"))

NEVER_REACHES_US = {
    "HTTPStatusError": "raised by raise_for_status, which nobody here calls",
    "TooManyRedirects": "no redirect is followed",
    "CookieConflict": "nobody here looks a cookie up",
    "StreamConsumed": "a body is read once",
    "StreamClosed": "a body is read before it is closed",
    "ResponseNotRead": "a body is read in parts",
    "RequestNotRead": "nobody reads a request",
}


def driver_exceptions() -> set[type[BaseException]]:
    return {
        value
        for name in httpx.__all__
        if isinstance(value := getattr(httpx, name), type) and issubclass(value, Exception)
    }


def test_every_driver_exception_is_mapped_by_itself():
    unmapped = {
        one.__name__
        for one in driver_exceptions()
        if one not in MEANINGS and one.__name__ not in NEVER_REACHES_US
    }

    assert unmapped == set()


def test_every_mapped_exception_is_caught():
    assert [one for one in MEANINGS if not issubclass(one, DRIVER_ERRORS)] == []


def certificate_refused() -> Exception:
    error = httpx.ConnectError("certificate verify failed")
    error.__cause__ = ssl.SSLCertVerificationError(1, "certificate verify failed")
    return error


@pytest.mark.parametrize(
    ("raised", "meaning"),
    [
        (httpx.ConnectError("refused"), SiteUnreachableError),
        (httpx.ConnectTimeout(""), SiteUnreachableError),
        (httpx.ReadTimeout(""), SiteTimeoutError),
        (httpx.RemoteProtocolError("gone"), SiteUnreachableError),
        (httpx.InvalidURL("odd"), SiteConfigError),
        (certificate_refused(), SiteTlsError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_meaning(raised: Exception, meaning: type[SiteError]):
    assert type(request_error(raised, SERVICE, limit_s=3)) is meaning
