"""Many documents at once: what would change, and changing it.

Everything is read and judged before anything is written. The bus has no transaction over several
keys, so each document is written against the revision that the plan saw; a change of somebody else
in between stops the rest, and the same import again does what is left.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, JsonValue

from slurmfleet.contracts.problems import ProblemCode, ProblemError, StaleRevisionError
from slurmfleet.registry.config_file import Given
from slurmfleet.registry.documents import parse_document
from slurmfleet.registry.kinds import KINDS, Kind
from slurmfleet.registry.registry import Entry, Registry


class Action(StrEnum):
    """What an import does with one document."""

    ADD = "add"
    CHANGE = "change"
    KEEP = "keep"
    """It is there as the import wants it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field before and after; None before where the document is new."""

    field: str
    before: JsonValue
    after: JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What an import does with one document."""

    kind: Kind[Any]
    document: BaseModel
    action: Action
    revision: int | None
    """The revision that it is written against; None: there is none yet."""

    changes: tuple[FieldChange, ...]

    @property
    def document_id(self) -> str:
        """Give what tells the document from others of its kind."""
        return self.kind.id_of(self.document)


async def everything(registry: Registry) -> tuple[Given, ...]:
    """Give every document that can be read; simulated clusters are of no use elsewhere."""
    found: list[Given] = []
    for kind in KINDS:
        found += [
            Given(kind=kind, document=entry.document)
            for entry in await registry.list(kind)
            if not getattr(entry.document, "simulated", False)
        ]
    return tuple(found)


async def plan_import(
    registry: Registry, given: Iterable[Given], *, replace: bool = False
) -> tuple[Step, ...]:
    """Say what an import would do; nothing is written.

    Args:
        registry: What there is.
        given: What is wanted; a field that a document does not name stays as it is.
        replace: Such a field gets its default instead.

    Raises:
        ProblemError: A document would be wrong together with what there is.
    """
    there: dict[str, dict[str, Entry[Any]]] = {}
    steps: list[Step] = []
    for one in given:
        if one.kind.word not in there:
            entries = await registry.list(one.kind)
            there[one.kind.word] = {entry.document_id: entry for entry in entries}
        found = there[one.kind.word].get(one.document_id)
        steps.append(_added(one) if found is None else _changed(one, found, replace=replace))
    return tuple(steps)


async def apply_import(registry: Registry, steps: Sequence[Step]) -> None:
    """Do what a plan says.

    Raises:
        ProblemError: REVISION_CONFLICT: somebody else changed one of the documents meanwhile; it
            says how many were written before.
    """
    wanted = [step for step in steps if step.action is not Action.KEEP]
    for done, step in enumerate(wanted):
        try:
            await registry.replace(step.kind, step.document, revision=step.revision)
        except StaleRevisionError as exc:
            raise ProblemError(
                ProblemCode.REVISION_CONFLICT,
                f"{exc.detail} {done} of {len(wanted)} documents were written before.",
                remedy="Import again: what was written is kept, and the rest is compared anew.",
            ) from exc


def _added(one: Given) -> Step:
    after = one.document.model_dump(mode="json", exclude_defaults=True)
    changes = tuple(
        FieldChange(field=field, before=None, after=value) for field, value in after.items()
    )
    return Step(
        kind=one.kind, document=one.document, action=Action.ADD, revision=None, changes=changes
    )


def _changed(one: Given, found: Entry[Any], *, replace: bool) -> Step:
    document = one.document
    if not replace:
        fields = found.document.model_dump() | one.document.model_dump(exclude_unset=True)
        where = f"{one.kind.title.capitalize()} {one.document_id!r}"
        document = parse_document(one.kind, fields, where=where)
    before = found.document.model_dump(mode="json")
    after = document.model_dump(mode="json")
    changes = tuple(
        FieldChange(field=field, before=before[field], after=value)
        for field, value in after.items()
        if before[field] != value
    )
    return Step(
        kind=one.kind,
        document=document,
        action=Action.CHANGE if changes else Action.KEEP,
        revision=found.revision,
        changes=changes,
    )
