"""Samples for tests: one of each kind, with every field set to something."""

import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, TypeVar, cast

from slurmfleet.contracts.sample import Sample
from slurmfleet.contracts.samples import SAMPLE_KINDS
from slurmfleet.testing.moments import NOON

Kind = TypeVar("Kind")


def a_sample_of_each_kind() -> tuple[Sample, ...]:
    """Give one sample of every kind there is, complete."""
    return tuple(filled(kind) for kind in SAMPLE_KINDS)


def filled(kind: type[Kind], **changes: object) -> Kind:
    """Give an instance of a dataclass with a value in every field, the same at every call."""
    hints = typing.get_type_hints(kind)
    values = {
        one.name: _value(hints[one.name], one.name, place)
        for place, one in enumerate(fields(cast("Any", kind)), start=1)
    }
    made = kind(**values)
    return cast("Kind", replace(cast("Any", made), **changes))


def _value(hint: Any, name: str, place: int) -> object:  # noqa: ANN401 a type hint may be anything
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return (_value(arguments[0], name, place), _value(arguments[0], name, place + 1))
    if origin is not None and origin is not UnionType and issubclass(origin, Mapping):
        return {_value(arguments[0], name, place): place}
    if NoneType in arguments:
        (hint,) = (one for one in arguments if one is not NoneType)
    hint = getattr(hint, "__supertype__", hint)
    if is_dataclass(hint):
        return filled(cast("type[object]", hint))
    return _plain(hint, name, place)


def _plain(hint: type, name: str, place: int) -> object:
    if issubclass(hint, StrEnum):
        return next(iter(hint))
    if hint is datetime:
        return NOON + timedelta(seconds=place)
    if hint is bool:
        return True
    if hint is str:
        return "alpha" if name == "cluster" else f"{name} é{place}"
    return hint(place) + (0.5 if hint is float else 0)
