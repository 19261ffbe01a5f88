"""From what httpx raises to our own errors.

`tests/unit/site/test_translate.py` lists every exception class of httpx and fails on one that has
no meaning here.
"""

import ssl
from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType

import httpx

from slurmfleet.site.errors import (
    SiteConfigError,
    SiteError,
    SiteTimeoutError,
    SiteTlsError,
    SiteUnreachableError,
)
from slurmfleet.site.service import Service

DRIVER_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError)
"""What a call of httpx may raise, for `except`."""


class _Meaning(Enum):
    AWAY = auto()
    """Nobody answers, or stopped answering: a server that goes away while it writes looks like
    one that writes nonsense."""

    LATE = auto()
    SETTINGS = auto()


MEANINGS: Mapping[type[Exception], _Meaning] = MappingProxyType(
    {
        httpx.HTTPError: _Meaning.AWAY,
        httpx.RequestError: _Meaning.AWAY,
        httpx.TransportError: _Meaning.AWAY,
        httpx.NetworkError: _Meaning.AWAY,
        httpx.ConnectError: _Meaning.AWAY,
        httpx.ReadError: _Meaning.AWAY,
        httpx.WriteError: _Meaning.AWAY,
        httpx.CloseError: _Meaning.AWAY,
        httpx.ProxyError: _Meaning.AWAY,
        httpx.ProtocolError: _Meaning.AWAY,
        httpx.RemoteProtocolError: _Meaning.AWAY,
        httpx.DecodingError: _Meaning.AWAY,
        httpx.StreamError: _Meaning.AWAY,
        httpx.ConnectTimeout: _Meaning.AWAY,
        httpx.PoolTimeout: _Meaning.AWAY,
        httpx.TimeoutException: _Meaning.LATE,
        httpx.ReadTimeout: _Meaning.LATE,
        httpx.WriteTimeout: _Meaning.LATE,
        httpx.InvalidURL: _Meaning.SETTINGS,
        httpx.UnsupportedProtocol: _Meaning.SETTINGS,
        httpx.LocalProtocolError: _Meaning.SETTINGS,
    }
)


def request_error(exc: Exception, service: Service, *, limit_s: float) -> SiteError:
    """Say what went wrong when no answer came."""
    detail = str(exc) or type(exc).__name__
    if _is_tls(exc):
        return SiteTlsError(service.id, detail)
    kind = next(one for one in type(exc).__mro__ if one in MEANINGS)
    match MEANINGS[kind]:
        case _Meaning.AWAY:
            return SiteUnreachableError(service.id, detail)
        case _Meaning.LATE:
            return SiteTimeoutError(service.id, limit_s=limit_s)
        case _Meaning.SETTINGS:
            return SiteConfigError(service.id, detail)


def _is_tls(exc: BaseException) -> bool:
    """Tell whether a certificate was refused; a TLS connection that broke is no such thing."""
    seen: BaseException | None = exc
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
