"""Text that came from outside, made safe to show: job names, reasons, comments, errors.

Whoever may submit a job chooses its name, so a name can hold terminal escapes, newlines that
forge a line of a table, or marks that turn the reading direction. Stores keep what Slurm said;
every face passes it through here on its way out.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from operator import attrgetter
from types import NoneType
from typing import cast

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
"""CSI sequences (colours, cursor), OSC sequences (titles, links) and two-character escapes."""

_BREAKS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""C0 and C1 controls, invisible and direction marks, lone surrogates, tag characters."""

ELLIPSIS = "…"
_AS_THEY_ARE = frozenset({NoneType, bool, int, datetime})


def clean_line(text: str, *, at_most_chars: int | None = None) -> str:
    """Give the text as one line without control or invisible characters.

    Args:
        text: Anything that came from outside.
        at_most_chars: Longer text is cut and ends in an ellipsis; None keeps all of it.
    """
    if not text.isprintable():
        text = _CONTROLS.sub("", _BREAKS.sub(" ", _ANSI.sub("", text)))
    if at_most_chars is not None and len(text) > at_most_chars:
        text = text[: at_most_chars - 1] + ELLIPSIS
    return text


def clean_text(text: str) -> str:
    """Give text of many lines without control or invisible characters.

    A line that was written over and over, as progress bars do with a carriage return, is what a
    terminal would show of it in the end.
    """
    if "\r" in text:
        text = "\n".join(_overwritten(line) for line in text.split("\n"))
    lines = _ANSI.sub("", text).split("\n")
    return "\n".join([line if line.isprintable() else _clean_tabbed(line) for line in lines])


def _overwritten(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2]


def _clean_tabbed(line: str) -> str:
    return "\t".join(_CONTROLS.sub("", part) for part in line.split("\t"))


def shown(value: object) -> object:
    """Give a value ready to be written as JSON, with every text in it cleaned.

    Dataclasses and mappings become dictionaries, tuples and lists become lists; numbers, times
    and enumerations stay what they are. Seconds keep three decimals.
    """
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if kind is str:
        return clean_line(cast("str", value))
    if kind is float:
        return round(cast("float", value), 3)
    return value.value if isinstance(value, Enum) else _shown_parts(value)


def _shown_parts(value: object) -> object:
    """Give what is made of other values; anything else stays what it is."""
    if isinstance(value, tuple | list):
        return [shown(one) for one in cast("Sequence[object]", value)]
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value)
        return {shown(key): shown(one) for key, one in pairs.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return shown_fields(value)
    return value


def shown_fields(value: object) -> dict[str, object]:
    """Give a dataclass instance as `shown` does, typed as the dictionary that it becomes.

    Lists of jobs pass through here, some 5,000 fields to an answer: the common kinds are decided
    without a call.
    """
    names, read = _reading(type(value))
    return {
        name: one
        if type(one) in _AS_THEY_ARE or (type(one) is str and one.isprintable())
        else shown(one)
        for name, one in zip(names, read(value), strict=True)
    }


@cache
def _reading(kind: type) -> tuple[tuple[str, ...], Callable[[object], tuple[object, ...]]]:
    """Give the names of a dataclass's fields, and what reads all of them at once."""
    names = tuple(field.name for field in fields(kind))
    if len(names) == 1:
        return names, lambda value: (getattr(value, names[0]),)
    return names, attrgetter(*names)
