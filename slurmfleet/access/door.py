"""Lets requests in: from an Authorization header to who asks."""

from slurmfleet.access.binding import bearer_matches
from slurmfleet.access.issuer import Issuer
from slurmfleet.access.limits import RateLimits
from slurmfleet.access.principal import (
    Principal,
    bearer_principal,
    local_principal,
    token_principal,
)
from slurmfleet.access.tokens import TOKEN_MARK, TokenBook, not_the_right_one
from slurmfleet.contracts.agents import CLI_AGENT
from slurmfleet.contracts.audit import Via
from slurmfleet.timing.clock import Clock


class Door:
    """One service's way of knowing who asks."""

    def __init__(
        self,
        *,
        via: Via,
        setting_token: str,
        book: TokenBook,
        clock: Clock,
        issuer: Issuer | None = None,
    ) -> None:
        """Keep what tokens are compared with.

        Args:
            via: What the service is, for the audit.
            setting_token: The token of the service's settings; it may do everything. Empty: whoever
                sends none is let in as local, since the service listens on loopback only.
            book: The group's tokens.
            clock: For limits and expiry.
            issuer: Whose tokens count as well; where there is one, nobody comes in without any.
        """
        self._issuer = issuer
        self._via = via
        self._setting_token = setting_token
        self._book = book
        self._clock = clock
        self._limits = RateLimits(clock)

    def enter(self, authorization: str, user_agent: str = "") -> Principal:
        """Give who asks; a token that is sent always counts, even where none is needed.

        Raises:
            ProblemError: UNAUTHENTICATED, RATE_LIMITED, or BUS_UNAVAILABLE while the group's
                tokens are not known.
        """
        via = Via.CLI if user_agent.startswith(CLI_AGENT) else self._via
        if not authorization:
            if self._setting_token or self._issuer is not None:
                raise not_the_right_one()
            return local_principal(via)
        if self._setting_token and bearer_matches(authorization, self._setting_token):
            return bearer_principal(via)
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise not_the_right_one()
        token = token.strip()
        if self._issuer is not None and not token.startswith(TOKEN_MARK):
            return self._issuer.enter(token, via)
        record = self._book.find(token, now=self._clock.now())
        self._limits.take(record.token_id, per_minute=record.requests_per_minute)
        return token_principal(record, via)

    def still(self, principal: Principal) -> None:
        """Refuse somebody who was let in before and would not be now; for what lasts long.

        Raises:
            ProblemError: UNAUTHENTICATED.
        """
        if principal.until is not None:
            if self._clock.now() >= principal.until:
                raise not_the_right_one()
        elif principal.token_id:
            self._book.check(principal.token_id, now=self._clock.now())
