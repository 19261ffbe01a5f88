"""The REST API, seen from the command line.

Every failure leaves here as a CliError: nothing listens, no answer in time, a problem document,
or an answer that is not ours.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from slurmfleet.cli.errors import AnsweredError, FailedError, UnreachableError
from slurmfleet.cli.where import Door

READ_LIMIT_S = 15.0
COMMAND_LIMIT_S = 60.0
"""For what goes to a cluster and back: a connection test walks through every step."""

CONNECT_LIMIT_S = 3.0

Params = Mapping[str, str | int | Sequence[str]]
Answer = TypeVar("Answer", bound=BaseModel)

_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


class ApiClient:
    """One conversation with the API; `open_client` makes and closes it."""

    def __init__(self, door: Door, http: httpx.AsyncClient) -> None:
        """Use an HTTP client that somebody else closes."""
        self.door = door
        self.http = http

    async def get(self, path: str, params: Params | None = None) -> JsonValue:
        """Read a resource."""
        return await self._ask("GET", path, params=params)

    async def send(
        self,
        method: str,
        path: str,
        body: JsonValue = None,
        *,
        limit_s: float = COMMAND_LIMIT_S,
        if_revision: int | None = None,
    ) -> JsonValue:
        """Change something, or have a cluster asked; `if_revision` is what was read before."""
        headers = {} if if_revision is None else {"If-Match": f'"{if_revision}"'}
        return await self._ask(method, path, body=body, limit_s=limit_s, headers=headers)

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: JsonValue = None,
        limit_s: float = READ_LIMIT_S,
        headers: Mapping[str, str] | None = None,
    ) -> JsonValue:
        try:
            response = await self.http.request(
                method,
                path,
                params=query_of(params or {}),
                json=body,
                headers=headers,
                timeout=httpx.Timeout(limit_s, connect=CONNECT_LIMIT_S),
            )
        except httpx.TransportError as exc:
            raise transport_failed(exc, self.door) from exc
        if not response.is_success:
            raise problem_of(response.status_code, response.content, self.door)
        return decoded(response.content, self.door) if response.content else None


@asynccontextmanager
async def open_client(door: Door) -> AsyncGenerator[ApiClient]:
    """Open a conversation with the API."""
    try:
        http = httpx.AsyncClient(
            base_url=door.url,
            headers={"Accept": "application/json", **door.headers},
            trust_env=False,
        )
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as exc:
        raise _no_url(door) from exc
    async with http:
        yield ApiClient(door, http)


def segment(text: str) -> str:
    """Give text as one segment of a path."""
    return quote(text, safe="")


def understood(document: JsonValue, model: type[Answer]) -> Answer:
    """Read an answer.

    Raises:
        FailedError: It lacks what this version of the command line needs.
    """
    try:
        return model.model_validate(document)
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise FailedError(
            f"The API's answer is not what this command expects: {where}: {first['msg']}.",
            remedy="Use the same version of the command line and of the API.",
        ) from exc


def transport_failed(error: httpx.TransportError, door: Door) -> UnreachableError | FailedError:
    """Translate what httpx raises when no answer came."""
    if isinstance(error, httpx.UnsupportedProtocol):
        return _no_url(door)
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return UnreachableError(
            f"Nothing answers at {door.url} (address from {door.found_by}).",
            remedy="Start it with `slurmfleet up`, or name another address with --url.",
        )
    if isinstance(error, httpx.TimeoutException):
        return UnreachableError(
            f"{door.url} did not answer in time.",
            remedy="`slurmfleet doctor` says which part is slow.",
        )
    return UnreachableError(
        f"The connection to {door.url} broke: {type(error).__name__}.",
        remedy="Try again; `slurmfleet doctor` checks the stack.",
    )


def problem_of(status: int, content: bytes, door: Door) -> AnsweredError | UnreachableError:
    """Translate an error answer, a problem document or something of a program in between."""
    try:
        document = _JSON.validate_json(content)
    except ValidationError:
        document = None
    if not isinstance(document, dict) or "code" not in document:
        return UnreachableError(
            f"{door.url} answered {status}, and not as slurmfleet's API does.",
            remedy="Another program may listen there; name the API's address with --url.",
        )
    return AnsweredError(
        str(document.get("detail") or document.get("title") or f"HTTP status {status}"),
        code=str(document["code"]),
        remedy=str(document.get("remedy") or ""),
        status=status,
    )


def decoded(content: bytes, door: Door) -> JsonValue:
    """Read JSON.

    Raises:
        UnreachableError: It is none, so it is not our API that answered.
    """
    try:
        return _JSON.validate_json(content)
    except ValidationError as exc:
        raise UnreachableError(
            f"{door.url} answers, and not as slurmfleet's API does.",
            remedy="Another program may listen there; name the API's address with --url.",
        ) from exc


def _no_url(door: Door) -> FailedError:
    return FailedError(
        f"{door.url!r} (from {door.found_by}) is not an address of an API.",
        remedy="Write it as http://host:port.",
    )


def query_of(params: Params) -> dict[str, str]:
    """Give a query: lists with commas, what is empty left out."""
    return {
        key: value if isinstance(value, str) else _joined(value)
        for key, value in params.items()
        if value not in ("", (), [])
    }


def _joined(value: int | Sequence[str]) -> str:
    return str(value) if isinstance(value, int) else ",".join(value)
