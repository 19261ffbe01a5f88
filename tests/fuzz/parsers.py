"""Every parser of text from outside, as a callable on one text; the suites here share this table.

A public function of `slurmfleet.slurm` or `slurmfleet.filesystems` that takes text is a parser and
in the table by itself; what else it needs is made of the same text (`value_for`). A test fails when
nobody has said how, or when a module that reads text has no parser in the table.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from enum import Enum
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from slurmfleet.contracts import codec, job_codec
from slurmfleet.contracts.codec import UndecodableMessageError
from slurmfleet.contracts.job_codec import UndecodableJobError
from slurmfleet.filesystems.errors import MalformedUsageError
from slurmfleet.slurm.errors import SlurmParseError
from slurmfleet.slurm.frames import Frames, SectionOutput
from slurmfleet.slurm.records import PLAIN, Separators

ROOMS = ("slurm", "filesystems")
ERRORS: Mapping[str, type[Exception]] = {
    "slurm": SlurmParseError,
    "filesystems": MalformedUsageError,
}
TEXTS = {"text", "stdout", "body", "output", "frames", "line", "record", "gres"}
"""What a parser calls what it reads."""

COMMANDS = {"commands", "share_commands", "step_commands", "errors", "patience", "records"}
"""Modules that read nothing: they build what is asked."""

NONCE = "0123456789abcdef"
FIXTURES = Path(__file__).parents[1] / "fixtures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parser:
    """One parser of text."""

    name: str
    """As `slurm.squeue.parse_queue`."""

    call: Callable[[str], object]
    errors: tuple[type[Exception], ...]
    """What it may raise."""


def _section(text: str) -> SectionOutput:
    """Give a section's output with a text in every place."""
    raw = text.encode("utf-8", "replace")
    return SectionOutput(raw=raw, stderr=text, exit_status=len(text) % 3)


class _EverySection(dict[str, SectionOutput]):
    """Sections of any name, all with the same output."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._output = _section(text)

    def get(self, key: str, default: object = None) -> SectionOutput:
        del key, default
        return self._output


def value_for(hint: Any, text: str) -> object:  # noqa: ANN401, PLR0911 a table
    """Give a value of a type that holds a text wherever one can stand.

    Raises:
        TypeError: Nobody has said how to make one.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if NoneType in arguments:
        return value_for(next(one for one in arguments if one is not NoneType), text)
    if origin is UnionType:
        return value_for(arguments[0], text)
    if origin is tuple and Ellipsis not in arguments:
        return tuple(value_for(one, text) for one in arguments)
    if origin is Callable:
        return lambda *_: text
    if isinstance(origin, type) and issubclass(origin, Collection):
        return {} if issubclass(origin, Mapping) else ()
    kind = getattr(hint, "__supertype__", hint)
    if kind in SIMPLE:
        return SIMPLE[kind](text)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    if isinstance(kind, type) and (is_dataclass(kind) or hasattr(kind, "_fields")):
        hints = get_type_hints(kind)
        return kind(**{name: value_for(each, text) for name, each in hints.items()})
    raise TypeError(f"no value for {hint}")


SIMPLE: Mapping[object, Callable[[str], object]] = {
    str: lambda text: text,
    bytes: lambda text: text.encode("utf-8", "surrogatepass"),
    int: lambda _: 7,
    bool: lambda _: True,
    Separators: lambda _: PLAIN,
    SectionOutput: _section,
    Frames: lambda text: Frames(
        sections=_EverySection(text), remote_epoch_s=1_795_176_219, done=True
    ),
}

FIXED: Mapping[str, object] = {"first_key": "NodeName", "nonce": NONCE}
"""Parameters that are not text from outside."""


def modules() -> Iterator[tuple[str, ModuleType]]:
    """Give every module of the rooms that read text, with its name in the room."""
    for room in ROOMS:
        package = importlib.import_module(f"slurmfleet.{room}")
        for found in pkgutil.iter_modules(package.__path__):
            if found.name not in COMMANDS:
                yield (
                    f"{room}.{found.name}",
                    importlib.import_module(f"slurmfleet.{room}.{found.name}"),
                )


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Give every parser by its name."""
    for name, module in modules():
        for one, value in vars(module).items():
            function = inspect.unwrap(value) if callable(value) else None
            if not inspect.isfunction(function) or one.startswith("_"):
                continue
            if function.__module__ == module.__name__ and _reads_text(function):
                yield f"{name}.{one}", value


def _reads_text(function: Callable[..., Any]) -> bool:
    return not TEXTS.isdisjoint(inspect.signature(function).parameters)


def _called(function: Callable[..., Any]) -> Callable[[str], object]:
    """Give a parser as a function of one text: what else it needs is made of the text as well."""
    plain = inspect.unwrap(function)
    hints = get_type_hints(plain)
    needed = [
        name
        for name, one in inspect.signature(plain).parameters.items()
        if name in TEXTS or one.default is inspect.Parameter.empty
    ]

    def call(text: str) -> object:
        values = {name: FIXED.get(name) or value_for(hints[name], text) for name in needed}
        return function(**values)

    return call


def _parsers() -> Iterator[Parser]:
    for name, function in functions():
        room = name.partition(".")[0]
        yield Parser(name=name, call=_called(function), errors=(ERRORS[room],))
    yield Parser(
        name="contracts.codec.decode",
        call=_called(codec.decode),
        errors=(UndecodableMessageError,),
    )
    yield Parser(
        name="contracts.job_codec.job_from_bytes",
        call=_called(job_codec.job_from_bytes),
        errors=(UndecodableJobError,),
    )


PARSERS: Mapping[str, Parser] = {one.name: one for one in _parsers()}


def recordings() -> tuple[bytes, ...]:
    """Give what real programs printed, the shorter ones first."""
    files = [*FIXTURES.rglob("stdout"), *FIXTURES.rglob("stderr")]
    texts = {path.read_bytes() for path in files if path.stat().st_size}
    return tuple(sorted(texts, key=lambda text: (len(text), text)))


def tried(parser: Parser, text: str) -> object:
    """Let a parser read a text; None where it refuses it as it may.

    Raises:
        Exception: It failed as it must not.
    """
    try:
        return parser.call(text)
    except parser.errors:
        return None
