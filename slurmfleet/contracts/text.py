"""Text that came from outside, made safe to show: job names, reasons, comments, errors.

Whoever may submit a job chooses its name, so a name can hold terminal escapes, newlines that
forge a line of a table, or marks that turn the reading direction. Stores keep what Slurm said;
every face passes it through here on its way out.
"""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
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


def shown(value: object) -> object:
    """Give a value ready to be written as JSON, with every text in it cleaned.

    Dataclasses and mappings become dictionaries, tuples and lists become lists; numbers, times
    and enumerations stay what they are. Seconds keep three decimals.
    """
    if type(value) is str:
        return value if value.isprintable() else clean_line(value)
    if type(value) is float:
        return round(value, 3)
    if isinstance(value, tuple | list):
        return [shown(one) for one in cast("tuple[object, ...] | list[object]", value)]
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value)
        return {shown(key): shown(one) for key, one in pairs.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {name: shown(getattr(value, name)) for name in _field_names(type(value))}
    return value


def shown_fields(value: object) -> dict[str, object]:
    """Give a dataclass instance as `shown` does, typed as the dictionary that it becomes."""
    return cast("dict[str, object]", shown(value))


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
