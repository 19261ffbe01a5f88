"""Answers as bytes: rows become JSON once, and unchanged ones need not travel again."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Generic, TypeVar

from fastapi import Request, Response
from pydantic_core import to_json

from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.text import shown, shown_fields
from slurmfleet.store.read.freshness import ClusterFreshness, Freshness
from slurmfleet.store.rows import JobView

Item = TypeVar("Item")
JSON = "application/json"
NOTHING_MORE: Mapping[str, object] = {}

_AGES = re.compile(rb'"age_s":(?:null|[0-9.eE+-]+)')
"""Ages as they stand in our JSON; inside a text the quotes would be escaped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemList(Generic[Item]):
    """One page of a list, and how old it is: as old as the oldest cluster asked."""

    items: tuple[Item, ...]
    next_cursor: str | None
    """Asks for the page after this one; null on the last."""

    observed_at: datetime | None
    age_s: float | None
    stale: bool
    clusters: Mapping[ClusterName, ClusterFreshness]
    """The same for each cluster asked, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage(ItemList[JobView]):
    """One page of the list of jobs."""

    searched_back_to: datetime | None
    """Set where a search for text stopped for lack of time: all jobs submitted since then were
    looked at, the page is short or empty, and next_cursor goes on from there."""


def list_response(
    request: Request,
    *,
    items: object,
    next_cursor: str | None,
    age: Freshness,
    more: Mapping[str, object] = NOTHING_MORE,
) -> Response:
    """Answer with a page of rows; `more` are fields of this kind of page alone."""
    freshness = shown_fields(age)
    body = {
        "items": shown(items),
        "next_cursor": next_cursor,
        **more,
        **{name: freshness[name] for name in ("observed_at", "age_s", "stale", "clusters")},
    }
    return json_response(request, body)


def object_response(request: Request, view: object) -> Response:
    """Answer with one row."""
    return json_response(request, shown(view))


def json_response(
    request: Request, body: object, *, status: HTTPStatus = HTTPStatus.OK
) -> Response:
    """Answer with JSON; a GET that already has just this gets 304.

    The tag is weak and leaves ages out: what was observed is the same while it grows older.
    """
    content = to_json(body)
    if request.method != "GET" or status is not HTTPStatus.OK:
        return Response(content, status_code=status, media_type=JSON)
    digest = hashlib.blake2b(_AGES.sub(b"", content), digest_size=16).hexdigest()
    headers = {"ETag": f'W/"{digest}"', "Cache-Control": "no-cache", "Vary": "Accept"}
    if _already_has(request, digest):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(content, headers=headers, media_type=JSON)


def _already_has(request: Request, digest: str) -> bool:
    given = request.headers.get("if-none-match", "")
    tags = {tag.strip().removeprefix("W/").strip('"') for tag in given.split(",")}
    return digest in tags or given.strip() == "*"
