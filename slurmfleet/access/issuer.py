"""Tokens of an outside issuer: whose keys sign them, whom they name, how far those may go.

The issuer knows the people; slurmfleet is a resource server beside it and keeps no passwords. A
token counts if the issuer has signed it, for this server, and it has not expired. How far it
reaches is its scope: one role of ours, the highest that it names; without one it reaches nothing.

Source: RFC 9728 (metadata of protected resources), RFC 9068 (JWTs as access tokens), RFC 8725
(which algorithms are taken), MCP specification, "Authorization".
"""

import asyncio
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import jwt
from pydantic import JsonValue

from slurmfleet.access.binding import require_safe_url
from slurmfleet.access.limits import RateLimits
from slurmfleet.access.principal import Principal
from slurmfleet.access.tokens import not_the_right_one
from slurmfleet.contracts.access import (
    ACTIONS_PER_DAY,
    REQUESTS_PER_MINUTE,
    TOOLSETS_OF,
    ActorKind,
    Role,
    actor_name,
)
from slurmfleet.contracts.audit import Via
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import SiteService
from slurmfleet.site.errors import SiteError
from slurmfleet.site.http import Places, open_site
from slurmfleet.site.service import service_of
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

WELL_KNOWN = "/.well-known/oauth-protected-resource"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Public keys alone: with a shared secret whoever reads the keys could sign."""

KEYS_EVERY_S = 600.0
KEYS_AGAIN_S = 5.0
"""Between two readings that unknown keys ask for: anybody can send a token with one."""

_LEEWAY = timedelta(seconds=30)
_MOST_TOKEN_CHARS = 16_384
_DISCOVERY = ("openid-configuration", "oauth-authorization-server")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerConfig:
    """Who issues tokens, and for what."""

    issuer: str
    """Its URL, just as it stands in its tokens."""

    resource: str
    """Our URL as clients reach it, `https://deck.example/mcp`: the audience of tokens."""

    jwks_url: str = ""
    """Where its keys are; empty: where its metadata say."""

    name_claim: str = "preferred_username"
    """What people are called in the audit; without it, the subject."""

    @property
    def metadata_url(self) -> str:
        """Give where our metadata are, which a refusal names."""
        parts = urlsplit(self.resource)
        return f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path.rstrip('/')}"

    @property
    def metadata(self) -> dict[str, JsonValue]:
        """Say where tokens for us come from."""
        return {
            "resource": self.resource,
            "authorization_servers": [self.issuer],
            "scopes_supported": [scope_of(role) for role in Role],
            "bearer_methods_supported": ["header"],
            "resource_name": "slurmfleet",
        }

    @property
    def metadata_paths(self) -> frozenset[str]:
        """Give the paths under which clients look for them."""
        return frozenset({WELL_KNOWN, urlsplit(self.metadata_url).path})


def scope_of(role: Role) -> str:
    """Give the scope that stands for a role."""
    return f"slurmfleet:{role}"


class Issuer:
    """One issuer, whose keys `follow` keeps up to date."""

    def __init__(self, config: IssuerConfig, *, clock: Clock) -> None:
        """Begin without keys."""
        self.config = config
        self._clock = clock
        self._limits = RateLimits(clock)
        self._keys: dict[str, jwt.PyJWK] | None = None
        self._wanted = asyncio.Event()

    async def follow(self) -> None:
        """Read the keys, again and again; what was read last stays while they cannot be read.

        Raises:
            SiteError: They cannot be read.
        """
        while True:
            self._wanted.clear()
            self.take_keys(await self._read())
            await self._clock.sleep(KEYS_AGAIN_S)
            try:
                async with asyncio.timeout(KEYS_EVERY_S - KEYS_AGAIN_S):
                    await self._wanted.wait()
            except TimeoutError:
                continue

    def take_keys(self, document: JsonValue) -> None:
        """Take the issuer's keys; those that we could not use are passed over."""
        listed = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(listed, list):
            logger().warning("the issuer gave no set of keys; those known stay")
            return
        found: dict[str, jwt.PyJWK] = {}
        for one in listed:
            try:
                key = jwt.PyJWK.from_dict(one if isinstance(one, dict) else {})
            except (jwt.PyJWTError, KeyError, ValueError, TypeError) as exc:
                logger().warning("a key of the issuer cannot be used", error=str(exc)[:200])
                continue
            if key.algorithm_name in ALGORITHMS:
                found[key.key_id or ""] = key
        self._keys = found

    def enter(self, token: str, via: Via) -> Principal:
        """Give whom a token names.

        Raises:
            ProblemError: UNAUTHENTICATED; FORBIDDEN where it has no scope of ours; RATE_LIMITED;
                or ISSUER_UNAVAILABLE while the keys are not known.
        """
        claims, until = self._claims(token)
        role = _role(claims)
        public = hashlib.sha256(f"{claims['iss']}\0{claims['sub']}".encode()).hexdigest()[:16]
        self._limits.take(public, per_minute=REQUESTS_PER_MINUTE)
        is_program = claims["sub"] == claims.get("client_id", claims.get("azp"))
        return Principal(
            name=_name(claims, self.config.name_claim, public),
            kind=ActorKind.SERVICE if is_program else ActorKind.PERSON,
            role=role,
            via=via,
            toolsets=TOOLSETS_OF[role],
            token_id=public,
            actions_per_day=ACTIONS_PER_DAY,
            until=until,
        )

    def _claims(self, token: str) -> tuple[Mapping[str, Any], datetime]:
        """Give what a token says, and when it expires."""
        if self._keys is None:
            raise ProblemError(
                ProblemCode.ISSUER_UNAVAILABLE,
                "The keys of the tokens' issuer have not been read yet.",
                remedy="Try again in a few seconds; the log of this service says what is wrong.",
            )
        if len(token) > _MOST_TOKEN_CHARS:
            raise not_the_right_one()
        try:
            named = jwt.get_unverified_header(token).get("kid", "")
            key = self._keys.get(named) or (self._only_key() if not named else None)
            if key is None:
                self._wanted.set()  # it may be a new one
                raise not_the_right_one()
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self.config.resource,
                issuer=self.config.issuer,
                options={"require": ["exp", "iss", "aud", "sub"], "verify_exp": False},
                leeway=_LEEWAY,
            )
            until = datetime.fromtimestamp(claims["exp"], UTC)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as exc:
            raise not_the_right_one() from exc
        expired = until + _LEEWAY < self._clock.now()
        if expired or not isinstance(claims["sub"], str):
            raise not_the_right_one()
        return claims, until

    def _only_key(self) -> jwt.PyJWK | None:
        keys = list((self._keys or {}).values())
        return keys[0] if len(keys) == 1 else None

    async def _read(self) -> JsonValue:
        places = Places(1)
        url = self.config.jwks_url or await self._discovered(places)
        return await _fetched(url, (), places, self._clock)

    async def _discovered(self, places: Places) -> str:
        """Find where the keys are by the issuer's own metadata."""
        for position, name in enumerate(_DISCOVERY, start=1):
            try:
                path = (".well-known", name)
                told = await _fetched(self.config.issuer, path, places, self._clock)
            except SiteError:
                if position == len(_DISCOVERY):
                    raise
                continue
            if not isinstance(told, dict) or told.get("issuer") != self.config.issuer:
                continue  # whoever answers there is somebody else
            if isinstance(url := told.get("jwks_uri"), str):
                require_safe_url(url)
                return url
        raise ProblemError(
            ProblemCode.ISSUER_UNAVAILABLE,
            f"{self.config.issuer} does not say where its keys are.",
            remedy="Name them: SLURMFLEET_MCP_OAUTH_JWKS_URL.",
        )


async def _fetched(url: str, path: tuple[str, ...], places: Places, clock: Clock) -> JsonValue:
    service = service_of("the group", "issuer of tokens", SiteService(url=url))
    async with open_site(service, places=places, clock=clock) as site:
        return await site.get(*path)


def _role(claims: Mapping[str, Any]) -> Role:
    """Give the highest role that the scope names.

    Raises:
        ProblemError: FORBIDDEN; it names none.
    """
    told = claims.get("scope", claims.get("scp", ""))
    scopes = told.split() if isinstance(told, str) else list(map(str, told or ()))
    held = [role for role in Role if scope_of(role) in scopes]
    if not held:
        raise ProblemError(
            ProblemCode.FORBIDDEN,
            "The token has no scope of slurmfleet.",
            remedy=f"Ask the issuer for one of {', '.join(scope_of(role) for role in Role)}.",
        )
    return held[-1]


def _name(claims: Mapping[str, Any], claim: str, public: str) -> str:
    """Give what somebody is called, if it is a name at all."""
    for told in (claims.get(claim), claims["sub"]):
        with suppress(ProblemError):
            if isinstance(told, str):
                return actor_name(told)
    return f"oauth-{public}"
