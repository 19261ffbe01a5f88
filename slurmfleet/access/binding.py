"""Whether an address may be served without a token, and whether a request carries it.

Loopback needs no token by default; any other binding refuses to start without one.
"""

import hmac
import ipaddress
from urllib.parse import urlsplit

from slurmfleet.runtime.errors import ProcessError


class UnsafeBindingError(ProcessError):
    """The address is reachable from elsewhere and no token protects it."""

    def __init__(self, host: str, *, setting: str) -> None:
        """Name the address and the setting that holds the token."""
        super().__init__(
            f"Refusing to listen on {host} without a token: anyone who reaches it could read "
            f"your jobs and change your clusters. Set {setting}, or listen on 127.0.0.1."
        )
        self.host = host


class UnsafeIssuerError(ProcessError):
    """An outside issuer of tokens is configured in a way that would trust the wrong ones."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address; a name other than localhost is not."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_token_beyond_loopback(host: str, token: str, *, setting: str) -> None:
    """Refuse to serve beyond loopback without a token.

    Raises:
        UnsafeBindingError: The address is not loopback and the token is empty.
    """
    if not token and not is_loopback(host):
        raise UnsafeBindingError(host, setting=setting)


def require_safe_issuer(issuer: str, resource: str, *, prefix: str, jwks_url: str = "") -> None:
    """Refuse an issuer whose tokens could be forged, or meant for somebody else.

    Args:
        issuer: Its URL; empty: there is none.
        resource: Ours, for which tokens have to be.
        prefix: Of the settings, for the message.
        jwks_url: Where its keys are, if that is configured.

    Raises:
        UnsafeIssuerError: It is not reached by https, or nothing says what tokens must be for.
    """
    if not issuer:
        return
    if not resource:
        raise UnsafeIssuerError(
            f"Refusing tokens of {issuer} without knowing for whom they must be: set "
            f"{prefix}RESOURCE to the URL of this server as clients reach it."
        )
    for url in filter(None, (issuer, jwks_url)):
        require_safe_url(url)


def require_safe_url(url: str) -> None:
    """Refuse a place from which keys would be read that anybody on the way could change.

    Raises:
        UnsafeIssuerError: It is not reached by https, nor is it on this machine.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise UnsafeIssuerError(
            f"Refusing {url} as an issuer's: over http anybody on the way could sign tokens. "
            "Give it with https."
        )


def bearer_matches(authorization: str, token: str) -> bool:
    """Whether an Authorization header carries the token; compared in constant time."""
    scheme, _, given = authorization.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode(), token.encode()
    )
