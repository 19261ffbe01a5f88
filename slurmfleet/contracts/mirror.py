"""Dataclasses to protobuf messages of the same shape and back, by their type hints.

A message mirrors a dataclass when each field of the one has a field of the same name in the
other. None is a field that is absent; a word that an enumeration does not know becomes UNKNOWN.
What is written by hand for jobs (`job_codec`) is faster; samples are few enough.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from google.protobuf.message import Message

from slurmfleet.contracts.moments import from_timestamp, to_timestamp

Value = TypeVar("Value")
_Converter = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _FieldPlan:
    """How one field travels."""

    name: str
    write: Callable[[Message, Any], None]
    read: _Converter
    """From the message to the field's value."""


def fill(message: Message, value: object) -> None:
    """Write a dataclass instance into its empty message."""
    for plan in _plans(type(value)):
        plan.write(message, getattr(value, plan.name))


def value_of(kind: type[Value], message: Message) -> Value:
    """Read a message as its dataclass."""
    return kind(**{plan.name: plan.read(message) for plan in _plans(kind)})


@cache
def _plans(kind: type) -> tuple[_FieldPlan, ...]:
    hints = get_type_hints(kind)
    return tuple(_plan(one.name, hints[one.name]) for one in fields(kind))


def _plan(name: str, hint: Any) -> _FieldPlan:  # noqa: ANN401 a type hint may be anything
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        return _repeated(name, arguments[0])
    if origin is not None and origin is not UnionType and issubclass(origin, Mapping):
        return _mapped(name)
    if NoneType in arguments:
        (inner,) = (one for one in arguments if one is not NoneType)
        return _optional(name, inner)
    return _single(name, hint)


def _single(name: str, hint: Any) -> _FieldPlan:  # noqa: ANN401
    if hint is datetime:
        return _FieldPlan(
            name=name,
            write=lambda message, value: getattr(message, name).CopyFrom(to_timestamp(value)),
            read=lambda message: from_timestamp(getattr(message, name)),
        )
    back = _reader(hint)
    return _FieldPlan(
        name=name,
        write=lambda message, value: setattr(message, name, value),
        read=lambda message: back(getattr(message, name)),
    )


def _optional(name: str, hint: Any) -> _FieldPlan:  # noqa: ANN401
    present = _single(name, hint)

    def write(message: Message, value: object) -> None:
        if value is not None:
            present.write(message, value)

    return _FieldPlan(
        name=name,
        write=write,
        read=lambda message: present.read(message) if message.HasField(name) else None,
    )


def _mapped(name: str) -> _FieldPlan:
    return _FieldPlan(
        name=name,
        write=lambda message, value: getattr(message, name).update(value),
        read=lambda message: dict(getattr(message, name)),
    )


def _repeated(name: str, hint: Any) -> _FieldPlan:  # noqa: ANN401
    if not is_dataclass(hint):
        back = _reader(hint)
        return _FieldPlan(
            name=name,
            write=lambda message, values: getattr(message, name).extend(values),
            read=lambda message: tuple(back(one) for one in getattr(message, name)),
        )

    def write(message: Message, values: tuple[object, ...]) -> None:
        for one in values:
            fill(getattr(message, name).add(), one)

    kind = cast("type[Any]", hint)
    return _FieldPlan(
        name=name,
        write=write,
        read=lambda message: tuple(value_of(kind, one) for one in getattr(message, name)),
    )


def _reader(hint: Any) -> _Converter:  # noqa: ANN401
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return lambda word: _word(hint, word)
    return lambda value: value


def _word(kind: type[StrEnum], word: str) -> StrEnum:
    try:
        return kind(word)
    except ValueError:
        return kind("unknown")
