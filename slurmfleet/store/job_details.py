"""What a job waits for and asked for, to JSON in the database and back; pure.

Defaults are left out, so that a job that asked for nothing special costs two bytes. What a newer
version wrote and this one does not know is left out as well.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar

from slurmfleet.contracts.job_parts import (
    NO_REQUEST,
    Dependency,
    DependencyKind,
    DependencyState,
    GpuRequest,
    GpuScope,
    JobRequest,
)
from slurmfleet.contracts.remembering import remembers_short_texts

Word = TypeVar("Word", bound=StrEnum)

_DEPENDENCY = Dependency(kind=DependencyKind.UNKNOWN)
_GPUS = GpuRequest(count=0, per=GpuScope.JOB)
_REPLACEMENT = "\ufffd"
"""For NUL, which PostgreSQL's jsonb cannot hold."""

_MOST_REMEMBERED = 100
"""Dependencies of one job; more of them are seldom the same."""

_KEPT = frozenset({"kind", "per", "count"})
"""Always written, for whoever looks at the rows with SQL."""


def dependencies_json(dependencies: tuple[Dependency, ...]) -> str:
    """Give the text of a JSON array, one object for each."""
    is_short = len(dependencies) <= _MOST_REMEMBERED
    return (_remembered_dependencies if is_short else _dependencies_text)(dependencies)


def request_json(request: JobRequest) -> str:
    """Give the text of a JSON object; times as seconds since 1970."""
    return (_remembered_request if request.is_short else _request_text)(request)


def _dependencies_text(dependencies: tuple[Dependency, ...]) -> str:
    return _text([_told(one, _DEPENDENCY) for one in dependencies])


def _request_text(request: JobRequest) -> str:
    told = _told(request, NO_REQUEST)
    if request.gpus:
        told["gpus"] = [_told(one, _GPUS) for one in request.gpus]
    if request.deadline_at is not None:
        told["deadline_at"] = request.deadline_at.timestamp()
    return _text(told)


_remembered_dependencies = lru_cache(maxsize=4096)(_dependencies_text)
_remembered_request = lru_cache(maxsize=4096)(_request_text)


def read_dependencies(stored: Sequence[Mapping[str, Any]]) -> tuple[Dependency, ...]:
    """Give the dependencies of a stored array."""
    return tuple(_dependency(one) for one in stored)


def _dependency(stored: Mapping[str, Any]) -> Dependency:
    told = _known(stored, Dependency)
    told["kind"] = _word(DependencyKind, stored.get("kind"), DependencyKind.UNKNOWN)
    told["state"] = _word(DependencyState, stored.get("state"), DependencyState.UNKNOWN)
    return Dependency(**told)


def read_request(stored: Mapping[str, Any]) -> JobRequest:
    """Give the request of a stored object."""
    if not stored:
        return NO_REQUEST
    told = _known(stored, JobRequest)
    told["gpus"] = tuple(_gpus(one) for one in stored.get("gpus", ()))
    if deadline_s := stored.get("deadline_at"):
        told["deadline_at"] = datetime.fromtimestamp(deadline_s, tz=UTC)
    return JobRequest(**told)


@remembers_short_texts(4096)
def dependencies_of_text(stored: str) -> tuple[Dependency, ...]:
    """Give the dependencies of a stored array that was read as text."""
    return read_dependencies(json.loads(stored))


@remembers_short_texts(4096)
def request_of_text(stored: str) -> JobRequest:
    """Give the request of a stored object that was read as text."""
    return read_request(json.loads(stored))


@remembers_short_texts(4096)
def counts_of_text(stored: str) -> Mapping[str, int]:
    """Give the counts of a stored object that was read as text."""
    return MappingProxyType(json.loads(stored))


def _gpus(stored: Mapping[str, Any]) -> GpuRequest:
    told = _known(stored, GpuRequest)
    told["per"] = _word(GpuScope, stored.get("per"), GpuScope.JOB)
    return GpuRequest(**told)


def _told(value: Dependency | GpuRequest | JobRequest, default: object) -> dict[str, Any]:
    """Give the fields of a value that differ from those of another."""
    pairs = ((field.name, getattr(value, field.name)) for field in fields(value))
    return {
        name: one.replace("\0", _REPLACEMENT) if isinstance(one, str) else one
        for name, one in pairs
        if name in _KEPT or one != getattr(default, name)
    }


def _known(stored: Mapping[str, Any], kind: type) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: one for name, one in stored.items() if name in names}


def _word(kind: type[Word], stored: object, otherwise: Word) -> Word:
    return next((word for word in kind if word == stored), otherwise)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
