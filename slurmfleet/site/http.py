"""Requests to a site's HTTP services, within limits.

A request goes to the host that was configured and nowhere else: no redirect is followed and no
proxy of the environment is used. Certificates are always verified. All services of a process
share `Places`, so that no number of clusters makes more than a few requests at once.
"""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import NoReturn, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, JsonValue, ValidationError

from slurmfleet.site.errors import (
    SiteAnswerError,
    SiteAnswerTooLargeError,
    SiteBusyError,
    SiteDeniedError,
    SiteError,
    SiteRedirectError,
    SiteRefusedError,
    SiteTimeoutError,
)
from slurmfleet.site.service import Service
from slurmfleet.site.translate import DRIVER_ERRORS, request_error
from slurmfleet.timing.budget import Budget, BudgetExceededError
from slurmfleet.timing.clock import Clock

PLACES = 6
"""Requests under way at once in one process."""

CONNECT_LIMIT_S = 10.0
ANSWER_LIMIT_S = 30.0
BODY_LIMIT_BYTES = 32 * 1024 * 1024
ATTEMPTS = 3
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 20.0

_WORDS_BYTES = 2_048
_BUSY = frozenset({408, 425, 429, 502, 503, 504})
_DENIED = frozenset({401, 403, 407})

Params = Mapping[str, str | int | float | Sequence[str]]
Model = TypeVar("Model", bound=BaseModel)


class Places:
    """How many requests a process makes at once; who comes first is served first."""

    def __init__(self, count: int = PLACES) -> None:
        """Have `count` places."""
        self._free = asyncio.Semaphore(count)

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[None]:
        """Wait for a place and hold it."""
        async with self._free:
            yield


class SiteHttp:
    """One service; `open_site` makes and closes it."""

    def __init__(
        self, service: Service, client: httpx.AsyncClient, *, places: Places, clock: Clock
    ) -> None:
        """Use an HTTP client that somebody else closes."""
        self.service = service
        self._client = client
        self._places = places
        self._clock = clock
        self._pauses = random.Random()  # noqa: S311 spreads retries, keeps no secret

    async def get(
        self, *path: str, params: Params | None = None, limit_s: float = ANSWER_LIMIT_S
    ) -> JsonValue:
        """Read JSON from a path, given as its segments.

        Raises:
            SiteError: It cannot be had; what is retryable was tried three times.
        """
        return await self._ask("GET", path, limit_s=limit_s, params=params)

    async def post_json(
        self, *path: str, body: JsonValue, limit_s: float = ANSWER_LIMIT_S
    ) -> JsonValue:
        """Send JSON that changes nothing, as a search does, and read JSON.

        Raises:
            SiteError: As `get`.
        """
        return await self._ask("POST", path, limit_s=limit_s, body=body)

    async def post_form(
        self, *path: str, fields: Params, limit_s: float = ANSWER_LIMIT_S
    ) -> JsonValue:
        """Send a form that changes nothing, as a long query is, and read JSON.

        Raises:
            SiteError: As `get`.
        """
        return await self._ask("POST", path, limit_s=limit_s, form=fields)

    async def _ask(
        self,
        method: str,
        path: Sequence[str],
        *,
        limit_s: float,
        params: Params | None = None,
        body: JsonValue = None,
        form: Params | None = None,
    ) -> JsonValue:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if authorization := self.service.authorization():
            headers["Authorization"] = authorization
        request = self._client.build_request(
            method,
            "/".join([self.service.base_url, *(quote(one, safe="") for one in path)]),
            params=dict(params) if params else None,
            json=body,
            data=dict(form) if form else None,
            headers=headers,
        )
        attempt = 1
        while True:
            try:
                return decoded(await self._once(request, limit_s), self.service)
            except SiteError as exc:
                if not exc.retryable or attempt == ATTEMPTS:
                    raise
                pause_s = self._pause_s(exc, attempt)
            await self._clock.sleep(pause_s)
            attempt += 1

    def _pause_s(self, error: SiteError, attempt: int) -> float:
        asked_s = error.retry_after_s if isinstance(error, SiteBusyError) else None
        own_s = FIRST_PAUSE_S * 2 ** (attempt - 1) * self._pauses.uniform(0.75, 1.25)
        return min(max(own_s, asked_s or 0.0), LONGEST_PAUSE_S)

    async def _once(self, request: httpx.Request, limit_s: float) -> bytes:
        budget = Budget(operation=f"ask {self.service.id}", limit_s=limit_s)
        try:
            async with self._places.place(), budget.enforce():
                response = await self._client.send(request, stream=True)
                try:
                    if not response.is_success:
                        await self._refused(response)
                    return await self._body(response, BODY_LIMIT_BYTES)
                finally:
                    await response.aclose()
        except BudgetExceededError as exc:
            raise SiteTimeoutError(self.service.id, limit_s=limit_s) from exc
        except DRIVER_ERRORS as exc:
            raise request_error(exc, self.service, limit_s=limit_s) from exc

    async def _body(self, response: httpx.Response, limit_bytes: int) -> bytes:
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > limit_bytes:
                raise SiteAnswerTooLargeError(self.service.id, limit_bytes=limit_bytes)
        return bytes(body)

    async def _refused(self, response: httpx.Response) -> NoReturn:
        service, status = self.service.id, response.status_code
        if response.is_redirect or response.has_redirect_location:
            location: str = response.headers.get("location", "")
            raise SiteRedirectError(service, status=status, target=location.partition("?")[0][:200])
        words = await self._words(response)
        if status in _DENIED:
            raise SiteDeniedError(service, status=status, words=words)
        if status in _BUSY:
            after_s = self._retry_after_s(response.headers.get("retry-after", ""))
            raise SiteBusyError(service, status=status, words=words, retry_after_s=after_s)
        raise SiteRefusedError(service, status=status, words=words)

    async def _words(self, response: httpx.Response) -> str:
        """Give how a refusal begins, in one line."""
        begin = b""
        async for part in response.aiter_bytes():
            begin += part[:_WORDS_BYTES]
            if len(begin) >= _WORDS_BYTES:
                break
        return one_line(begin)

    def _retry_after_s(self, text: str) -> float | None:
        """Read a Retry-After header: seconds, or a date."""
        if text.isascii() and text.isdigit():
            return float(text[:9])
        try:
            return max(0.0, (parsedate_to_datetime(text) - self._clock.now()).total_seconds())
        except (ValueError, TypeError):
            return None


@asynccontextmanager
async def open_site(service: Service, *, places: Places, clock: Clock) -> AsyncGenerator[SiteHttp]:
    """Open the way to a service; nothing is asked yet.

    Raises:
        SiteConfigError: Its certificate authorities cannot be read.
    """
    async with httpx.AsyncClient(
        verify=service.tls(),
        follow_redirects=False,
        trust_env=False,
        timeout=httpx.Timeout(ANSWER_LIMIT_S, connect=CONNECT_LIMIT_S),
    ) as client:
        yield SiteHttp(service, client, places=places, clock=clock)


def decoded(body: bytes, service: Service) -> JsonValue:
    """Read JSON.

    Raises:
        SiteAnswerError: It is none, or holds numbers that JSON has not.
    """
    try:
        return json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as exc:
        raise SiteAnswerError(service.id, "it is not JSON", words=one_line(body)) from exc


def understood(document: JsonValue, model: type[Model], service: Service) -> Model:
    """Read a document.

    Raises:
        SiteAnswerError: It lacks what is needed.
    """
    try:
        return model.model_validate(document)
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SiteAnswerError(service.id, f"{where}: {first['msg']}") from exc


def one_line(body: bytes) -> str:
    """Give how a text begins, in one line without control characters."""
    text = body[:_WORDS_BYTES].decode("utf-8", "replace")
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
