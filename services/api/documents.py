"""Registry documents in requests and answers: bodies, revisions as entity tags, conditions.

The entity tag of a document is its revision, strong: whoever sends it back as `If-Match` changes
what was read, or nothing.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Generic, cast

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic_core import to_json

from services.api.answers import JSON
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.registry.exchange import Documents
from slurmfleet.registry.importing import Action
from slurmfleet.registry.kinds import D
from slurmfleet.registry.registry import Entry

_REVISION = re.compile(r'"([0-9]{1,18})"')


class Stored(BaseModel, Generic[D]):
    """A document as the registry has it."""

    id: str = Field(description="What the path calls it.")
    document: D
    registry_revision: int = Field(description="Also its ETag; send it as If-Match.")


class StoredList(BaseModel, Generic[D]):
    """All documents of a kind."""

    items: tuple[Stored[D], ...]


class SettingView(BaseModel):
    """One thing that can be set for the whole group."""

    key: str
    value: JsonValue
    default: JsonValue
    description: str
    registry_revision: int | None = Field(description="Null while it has its default.")


class SettingList(BaseModel):
    """Everything that can be set."""

    items: tuple[SettingView, ...]


class SettingValue(BaseModel):
    """What to set."""

    model_config = ConfigDict(extra="forbid")

    value: JsonValue


class ConfigDump(BaseModel):
    """Every document, without fields that have their defaults and without simulated clusters."""

    documents: Documents


class ConfigImport(BaseModel):
    """Documents that the registry is to have; others stay as they are."""

    model_config = ConfigDict(extra="forbid")

    documents: Documents
    dry_run: bool = Field(
        default=False, strict=True, description="Say what would change, and change nothing."
    )
    replace: bool = Field(
        default=False,
        strict=True,
        description="Fields that a document does not name get their defaults.",
    )


class FieldView(BaseModel):
    """One field before and after."""

    field: str
    before: JsonValue
    after: JsonValue


class StepView(BaseModel):
    """What an import does with one document."""

    kind: str
    id: str
    action: Action
    changes: tuple[FieldView, ...]


class ImportReport(BaseModel):
    """What an import did, or would do."""

    dry_run: bool
    steps: tuple[StepView, ...]


def stored(entry: Entry[Any]) -> dict[str, object]:
    """Give a document as answers show it."""
    return {
        "id": entry.document_id,
        "document": entry.document,
        "registry_revision": entry.revision,
    }


def document_response(
    request: Request, entry: Entry[Any], *, status: HTTPStatus = HTTPStatus.OK
) -> Response:
    """Answer with one document and its revision; a GET that has it already gets 304."""
    headers = {"ETag": f'"{entry.revision}"', "Cache-Control": "no-cache"}
    if request.method == "GET" and request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(to_json(stored(entry)), status_code=status, headers=headers, media_type=JSON)


def expected_revision(request: Request) -> int | None:
    """Give the revision that `If-Match` names; None where any will do.

    Raises:
        ProblemError: INVALID_PARAMETER.
    """
    given = request.headers.get("if-match", "*").strip()
    if given == "*":
        return None
    found = _REVISION.fullmatch(given)
    if found is None:
        raise ProblemError(
            ProblemCode.INVALID_PARAMETER,
            f"The header If-Match is {given[:40]!r}, which is no ETag of a document.",
            remedy='Send the ETag that a GET gave, as in "7", quotes included.',
        )
    return int(found[1])


async def fields_of(request: Request) -> Mapping[str, object]:
    """Read a body that is one JSON object.

    Raises:
        ProblemError: INVALID_PARAMETER.
    """
    try:
        body: object = await request.json()
    except ValueError as exc:
        raise _no_object(f"it is no JSON: {exc}") from exc
    if not isinstance(body, dict):
        raise _no_object("it is JSON of another type")
    return cast("Mapping[str, object]", body)


def body_of(schema: str, summary: str = "") -> dict[str, Any]:
    """Give OpenAPI's description of a body that `fields_of` reads."""
    described = {"$ref": f"#/components/schemas/{schema}"} if not summary else {"type": "object"}
    content = {JSON: {"schema": described}}
    body: dict[str, Any] = {"required": True, "content": content}
    return {"requestBody": body | ({"description": summary} if summary else {})}


def _no_object(why: str) -> ProblemError:
    return ProblemError(
        ProblemCode.INVALID_PARAMETER,
        f"The body is not one JSON object: {why}.",
        remedy="Send an object with the fields of the document; /openapi.json names them.",
    )
