"""Samples to JSON in the database and back; pure.

What newer versions wrote and this one does not know is left out; what an older one did not write
has its default. JSON has neither infinity nor NaN: such a number is a string, which PostgreSQL's
own casts and this module read back.
"""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

from slurmfleet.contracts.sample import Sample
from slurmfleet.contracts.surveys import SurveyFinished

Kind = TypeVar("Kind", bound=Sample)

_REPLACEMENT = "\ufffd"
"""For NUL, which PostgreSQL's jsonb cannot hold."""

_COLUMNS = frozenset({"cluster", "source", "observed_at"})
"""Fields that have columns of their own beside the text."""


def told_json(sample: Sample) -> str:
    """Give the text of a JSON object with every field but cluster, source and moment.

    A survey has its source here: whoever answers a question, its outcome is one thing.
    """
    held = _COLUMNS - {"source"} if isinstance(sample, SurveyFinished) else _COLUMNS
    fields = _adapter(type(sample)).dump_python(sample, exclude=set(held))
    return json.dumps(cleaned(fields), ensure_ascii=False, default=_plain)


def told_sample(
    kind: type[Kind],
    told: Mapping[str, object],
    *,
    cluster: str,
    source: str,
    observed_at: datetime,
) -> Kind:
    """Give the sample that was stored."""
    columns = {"cluster": cluster, "source": source, "observed_at": observed_at}
    return _adapter(kind).validate_python({**columns, **told})


def rows_json(rows: list[dict[str, object]]) -> str:
    """Give the text of a JSON array of rows for `jsonb_to_recordset`."""
    return json.dumps([cleaned(row) for row in rows], ensure_ascii=False, default=_plain)


def cleaned(value: Any) -> Any:  # noqa: ANN401 whatever JSON may hold
    """Give a value as PostgreSQL's jsonb can hold it: without NUL, NaN and infinities."""
    match value:
        case str():
            return value.replace("\x00", _REPLACEMENT)
        case float() if not math.isfinite(value):
            return str(value)
        case Mapping():
            told = cast("Mapping[object, object]", value)
            return {cleaned(key): cleaned(one) for key, one in told.items()}
        case list() | tuple():
            return [cleaned(one) for one in cast("Sequence[object]", value)]
        case _:
            return value


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no value of a row")


@cache
def _adapter(kind: type[Kind]) -> TypeAdapter[Kind]:
    return TypeAdapter(kind)
