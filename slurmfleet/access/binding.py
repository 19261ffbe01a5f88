"""Whether an address may be served without a token, and whether a request carries it.

Loopback needs no token by default; any other binding refuses to start without one.
"""

import hmac
import ipaddress

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


def bearer_matches(authorization: str, token: str) -> bool:
    """Whether an Authorization header carries the token; compared in constant time."""
    scheme, _, given = authorization.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode(), token.encode()
    )
