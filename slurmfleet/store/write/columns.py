"""Columns of a batch as PostgreSQL array literals.

A batch goes to `unnest` as one array per column. psycopg's own list dumper writes 34k rows of 44
columns a second, which is too near to the budget of the whole ingest (measured on 2 cores).

Source: PostgreSQL 18, 8.15.6, "Array Input and Output Syntax".
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

Key = TypeVar("Key", bound=str)

_REPLACEMENT = "\ufffd"


def text_array(values: Iterable[str]) -> str:
    """Give a `text[]` literal; NUL, which no PostgreSQL text can hold, becomes U+FFFD."""
    told = list(values)
    if not told:
        return "{}"
    joined = '","'.join(told)
    if "\\" in joined or joined.count('"') != 2 * (len(told) - 1):
        joined = '","'.join([_escaped(value) for value in told])
    return '{"' + storable(joined) + '"}'


def number_array(values: Sequence[float | None]) -> str:
    """Give the literal of an array of numbers or booleans; None is NULL.

    JSON's list is the same but for its brackets, and is written in C: null, true, NaN and Infinity
    are words of PostgreSQL too.
    """
    return "{" + json.dumps(values)[1:-1] + "}"


def time_array(values: Iterable[datetime | None]) -> str:
    """Give a `timestamptz[]` literal; None is NULL."""
    return "{" + ",".join(["NULL" if value is None else _moment(value) for value in values]) + "}"


def json_array(values: Iterable[Mapping[Key, int]]) -> str:
    """Give the literal of an array of JSON objects, as text."""
    return text_array([_json(value) if value else "{}" for value in values])


def storable(text: str) -> str:
    """Give the text as PostgreSQL can hold it: NUL becomes U+FFFD."""
    return text.replace("\x00", _REPLACEMENT)


def _json(value: Mapping[Key, int]) -> str:
    cleaned = {storable(key): count for key, count in value.items()}
    return json.dumps(cleaned, ensure_ascii=False, sort_keys=True)


@lru_cache(maxsize=16_384)
def _moment(value: datetime) -> str:
    """Write a moment in UTC; those of one look, or of one job's facts, are many times the same."""
    return value.astimezone(UTC).isoformat()


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
