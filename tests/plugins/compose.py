"""Reads docker-compose.yml as `docker compose` does, as far as ours needs it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"

_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?::(?P<kind>[?-])(?P<rest>[^}]*))?\}")


class MissingVariableError(Exception):
    """A variable without a default is not set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One `${NAME}` of the file."""

    name: str
    required: bool


def variables() -> frozenset[Variable]:
    """Give every variable that the file takes from the environment."""
    found = (match for match in _VARIABLE.finditer(_text()) if match["name"])
    return frozenset(Variable(name=one["name"], required=one["kind"] == "?") for one in found)


def compose(values: Mapping[str, str]) -> dict[str, Any]:
    """Give the file with its variables filled in and its anchors merged.

    Raises:
        MissingVariableError: `values` lacks one that has no default.
    """

    def fill(match: re.Match[str]) -> str:
        if not match["name"]:
            return "$"
        if value := values.get(match["name"], ""):
            return value
        if match["kind"] == "-":
            return match["rest"]
        raise MissingVariableError(f"{match['name']}: {match['rest']}")

    return cast("dict[str, Any]", _filled(yaml.safe_load(_text()), fill))


def _filled(value: object, fill: Callable[[re.Match[str]], str]) -> object:
    if isinstance(value, str):
        return _VARIABLE.sub(fill, value)
    if isinstance(value, dict):
        return {key: _filled(one, fill) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, fill) for one in value]
    return value


def _text() -> str:
    return FILE.read_text(encoding="utf-8")


SECRETS = {one.name: f"{one.name.lower()}-1" for one in variables() if one.required}
"""A value for everything that must be set."""
