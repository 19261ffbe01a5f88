"""The whole configuration as one TOML text, in and out.

Each kind of document is an array of tables, `[[cluster]]`, `[[project]]`, and settings are one
table. What has its default is not written. Errors name the file, the line and the field.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import tomli_w
from pydantic import BaseModel

from slurmfleet.contracts.documents import Setting
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.registry.documents import parse_document
from slurmfleet.registry.kinds import KINDS, SETTING, Kind

SETTINGS_TABLE = "settings"
_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*([A-Za-z0-9_-]+)[ \t]*\]\]", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One document that a file names."""

    kind: Kind[Any]
    document: BaseModel

    @property
    def document_id(self) -> str:
        """Give what tells it from others of its kind."""
        return self.kind.id_of(self.document)


def read_config(file: Path) -> tuple[Given, ...]:
    """Read every document of a file.

    Raises:
        ProblemError: NOT_FOUND; INVALID_PARAMETER if it is no TOML, or a document is wrong.
    """
    return parse_config(read_text(file), file)


def read_text(file: Path) -> str:
    """Read a file of text.

    Raises:
        ProblemError: NOT_FOUND; INVALID_PARAMETER if it is no UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8")
    except OSError as exc:
        raise ProblemError(
            ProblemCode.NOT_FOUND,
            f"{file} cannot be read: {exc.strerror}.",
            remedy="Check the path and its permissions.",
        ) from exc
    except UnicodeDecodeError as exc:
        raise _not_toml(file, "it is not UTF-8 text") from exc


def parse_config(text: str, file: Path) -> tuple[Given, ...]:
    """Read every document of a text; `file` is for the errors.

    Raises:
        ProblemError: INVALID_PARAMETER; it says where.
    """
    try:
        tables: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise _not_toml(file, str(exc)) from exc
    unknown = tables.keys() - {kind.word for kind in KINDS if kind is not SETTING}
    if unknown := unknown - {SETTINGS_TABLE}:
        raise _wrong(file, f"has unknown entries: {', '.join(sorted(unknown))}")
    found: list[Given] = []
    for kind in KINDS:
        if kind is SETTING:
            found += _settings(tables.get(SETTINGS_TABLE, {}), file)
        else:
            found += _documents(kind, tables.get(kind.word, []), file, text)
    return tuple(found)


def render_config(given: Sequence[Given]) -> str:
    """Write documents as TOML that `parse_config` reads as the same documents."""
    parts = [
        _table(kind.word, one.document)
        for kind in KINDS
        if kind is not SETTING
        for one in given
        if one.kind is kind
    ]
    settings = [cast("Setting", one.document) for one in given if one.kind is SETTING]
    if settings:
        table = {one.key: one.value for one in settings}
        parts.append(f"[{SETTINGS_TABLE}]\n{_lines(table)}{_tables_in(SETTINGS_TABLE, table)}")
    return "\n".join(parts)


def _table(word: str, document: BaseModel) -> str:
    fields = document.model_dump(mode="json", exclude_defaults=True)
    return f"[[{word}]]\n{_lines(fields)}{_tables_in(word, fields)}"


def _lines(fields: Mapping[str, object]) -> str:
    """Write the values of a table that are no tables themselves."""
    return tomli_w.dumps({key: one for key, one in fields.items() if not isinstance(one, dict)})


def _tables_in(word: str, fields: Mapping[str, object]) -> str:
    """Write the tables of a table; their headers name it, and TOML takes the last of its name."""
    inner = {
        key: cast("dict[str, object]", one) for key, one in fields.items() if isinstance(one, dict)
    }
    return "\n" + tomli_w.dumps({word: inner}) if inner else ""


def _settings(table: object, file: Path) -> list[Given]:
    if not isinstance(table, dict):
        raise _wrong(file, f"has a {SETTINGS_TABLE} that is no table")
    return [
        Given(
            kind=SETTING,
            document=parse_document(
                SETTING, {"key": key, "value": value}, where=f"{file}, {SETTINGS_TABLE}.{key}"
            ),
        )
        for key, value in cast("dict[str, object]", table).items()
    ]


def _documents(kind: Kind[Any], tables: object, file: Path, text: str) -> list[Given]:
    if not isinstance(tables, list):
        raise _wrong(file, f"has one [{kind.word}] where [[{kind.word}]] is meant")
    listed = cast("list[object]", tables)
    lines = _lines_of(kind.word, text, count=len(listed))
    found: dict[str, Given] = {}
    for number, table in enumerate(listed, start=1):
        if not isinstance(table, dict):
            raise _wrong(file, f"has a {kind.word} that is no table")
        line = f", line {lines[number - 1]}" if lines else ""
        where = f"{file}{line}, {kind.word} {number}"
        fields = cast("Mapping[str, object]", table)
        given = Given(kind=kind, document=parse_document(kind, fields, where=where))
        if given.document_id in found:
            raise _wrong(f"{file}{line}", f"names the {kind.title} {_called(given)} twice")
        found[given.document_id] = given
    return list(found.values())


def _called(given: Given) -> str:
    fields = given.document.model_dump(mode="json", include=set(given.kind.id_fields))
    return " ".join(repr(value) for value in fields.values())


def _lines_of(word: str, text: str, *, count: int) -> Sequence[int]:
    """Find the line of each table's header; none where the text writes them another way."""
    starts = [match.start() for match in _HEADER.finditer(text) if match[1] == word]
    if len(starts) != count:
        return ()
    return [text.count("\n", 0, start) + 1 for start in starts]


def _not_toml(file: Path, reason: str) -> ProblemError:
    return ProblemError(
        ProblemCode.INVALID_PARAMETER,
        f"{file} is not valid TOML: {reason}.",
        remedy="Correct the line named and try again.",
    )


def _wrong(file: Path | str, what: str) -> ProblemError:
    words = ", ".join(f"[[{kind.word}]]" for kind in KINDS if kind is not SETTING)
    return ProblemError(
        ProblemCode.INVALID_PARAMETER,
        f"{file} {what}.",
        remedy=f"Write one table per document, {words}, each with its own name, one"
        f" [{SETTINGS_TABLE}], and no more.",
    )
