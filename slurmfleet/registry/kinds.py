"""Which kinds of documents the registry holds, and under which keys."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from slurmfleet.contracts.documents import (
    Account,
    PathBase,
    ProcessFilter,
    Project,
    Setting,
    TeamMember,
    short_id,
)
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.contracts.registry import ClusterConfig

D = TypeVar("D", bound=BaseModel)

_PLAIN = re.compile(r"[A-Za-z0-9_-]")
_ESCAPED = re.compile(rb"=([0-9A-F]{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[D]):
    """One kind of document."""

    word: str
    """Begins its keys, and names its tables in a TOML file."""

    title: str
    """In sentences: "Team member 'ada'"."""

    model: type[D]
    id_of: Callable[[D], str]
    """What tells documents of the kind apart."""

    id_fields: tuple[str, ...]
    """The fields that make the id; they cannot be changed."""

    unknown: ProblemCode = ProblemCode.NOT_FOUND
    exists: ProblemCode = ProblemCode.ALREADY_EXISTS

    def key(self, document_id: str) -> str:
        """Give the key of a document: what a key may not hold is written as `=2E`."""
        return document_key(self.word, document_id)

    def id_of_key(self, key: str) -> str:
        """Give the id that a key of this kind stands for."""
        raw = key.removeprefix(f"{self.word}.").encode()
        plain = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), raw)
        return plain.decode(errors="replace")


CLUSTER = Kind(
    word="cluster",
    title="cluster",
    model=ClusterConfig,
    id_of=lambda one: one.name,
    id_fields=("name",),
    unknown=ProblemCode.UNKNOWN_CLUSTER,
    exists=ProblemCode.CLUSTER_EXISTS,
)
TEAM = Kind(
    word="team",
    title="team member",
    model=TeamMember,
    id_of=lambda one: one.login,
    id_fields=("login",),
)
ACCOUNT = Kind(
    word="account",
    title="account",
    model=Account,
    id_of=lambda one: one.name,
    id_fields=("name",),
)
PATH = Kind(
    word="path",
    title="path",
    model=PathBase,
    id_of=lambda one: short_id(one.kind, one.path),
    id_fields=("kind", "path"),
)
FILTER = Kind(
    word="filter",
    title="filter",
    model=ProcessFilter,
    id_of=lambda one: short_id(one.mode, one.pattern),
    id_fields=("mode", "pattern"),
)
PROJECT = Kind(
    word="project",
    title="project",
    model=Project,
    id_of=lambda one: one.name,
    id_fields=("name",),
)
SETTING = Kind(
    word="setting",
    title="setting",
    model=Setting,
    id_of=lambda one: one.key,
    id_fields=("key",),
)
KINDS: tuple[Kind[Any], ...] = (CLUSTER, TEAM, ACCOUNT, PATH, FILTER, PROJECT, SETTING)


def document_key(word: str, document_id: str) -> str:
    """Give the key of a document, of a kind that may be another version's."""
    escaped = "".join(
        char
        if _PLAIN.fullmatch(char)
        else "".join(f"={byte:02X}" for byte in char.encode(errors="replace"))
        for char in document_id
    )
    return f"{word}.{escaped}"


def kind_of_key(key: str) -> Kind[Any] | None:
    """Give the kind that a key belongs to; None for one of another version."""
    word = key.partition(".")[0]
    return next((kind for kind in KINDS if kind.word == word), None)
