"""JSON Schemas of answers, without the words that only repeat a field's name."""

from typing import Any, cast

from pydantic import TypeAdapter

Schema = dict[str, Any]


def schema_of(kind: type) -> Schema:
    """Give the schema of an answer's dataclass; a client's model reads it with every session."""
    return cast("Schema", _bare(TypeAdapter(kind).json_schema(mode="serialization")))


def _bare(part: object) -> object:
    if isinstance(part, dict):
        inner = cast("dict[str, object]", part)
        return {
            name: _bare(value)
            for name, value in inner.items()
            if not (name in {"title", "description"} and isinstance(value, str))
        }
    if isinstance(part, list):
        return [_bare(one) for one in cast("list[object]", part)]
    return part
