"""Every document of the group: read, changed and watched in the registry's bucket.

Every change is a compare-and-set on the key's revision, so two people who change one document at
once do not overwrite each other unnoticed.
"""

from collections.abc import AsyncIterator, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic

import structlog

from slurmfleet.bus.errors import BusError, KeyNotFoundError, RevisionConflictError
from slurmfleet.bus.port import Bus, KvEntry, KvRemoved, SnapshotComplete
from slurmfleet.contracts.problems import ProblemCode, ProblemError, StaleRevisionError
from slurmfleet.contracts.streams import REGISTRY
from slurmfleet.registry.documents import decode_document, encode_document, parse_document
from slurmfleet.registry.kinds import KINDS, D, Kind, kind_of_key

log = structlog.get_logger(__name__)

_MOST_LISTED = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Generic[D]):
    """A document as the registry has it."""

    document_id: str
    document: D
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Generic[D]):
    """What the registry says of one document now."""

    kind: Kind[D]
    document_id: str
    document: D | None
    """None: it was removed, or cannot be read."""

    revision: int
    """0 where a removal was noticed only after a lost connection."""

    problem: str = ""
    """Why the document cannot be read; empty when it can, or was removed."""


class Registry:
    """All documents of the group."""

    def __init__(self, bus: Bus) -> None:
        """Work over a bus whose registry bucket is prepared."""
        self._bus = bus

    async def list(self, kind: Kind[D]) -> tuple[Entry[D], ...]:
        """Give all documents of a kind, sorted by key; one that cannot be read is logged."""
        with bus_problems():
            entries = await self._bus.kv_entries(REGISTRY.name, f"{kind.word}.")
        changes = (_read(kind, entry) for entry in entries)
        return tuple(
            Entry(document_id=one.document_id, document=one.document, revision=one.revision)
            for one in changes
            if one.document is not None
        )

    async def get(self, kind: Kind[D], document_id: str) -> Entry[D]:
        """Give a document and its revision.

        Raises:
            ProblemError: There is none, or INVALID_PARAMETER if it cannot be read.
        """
        try:
            with bus_problems():
                found = await self._bus.kv_get(REGISTRY.name, kind.key(document_id))
        except KeyNotFoundError as exc:
            raise await self._unknown(kind, document_id) from exc
        document = decode_document(kind, found.value)
        return Entry(document_id=document_id, document=document, revision=found.revision)

    async def add(self, kind: Kind[D], document: D) -> Entry[D]:
        """Add a document.

        Raises:
            ProblemError: There is one already.
        """
        name = kind.id_of(document)
        try:
            with bus_problems():
                revision = await self._bus.kv_create(
                    REGISTRY.name, kind.key(name), encode_document(document)
                )
        except RevisionConflictError as exc:
            raise ProblemError(
                kind.exists,
                f"There is a {kind.title} {name!r} already.",
                remedy="Update it, remove it first, or choose another name.",
            ) from exc
        log.info("registry document added", kind=kind.word, name=name, revision=revision)
        return Entry(document_id=name, document=document, revision=revision)

    async def replace(self, kind: Kind[D], document: D, *, revision: int | None) -> Entry[D]:
        """Write a document as a whole.

        Args:
            kind: What it is.
            document: What it is to be.
            revision: The revision that it replaces; None: there is none.

        Raises:
            StaleRevisionError: It has another revision, or is gone, or is there.
        """
        name = kind.id_of(document)
        key, value = kind.key(name), encode_document(document)
        try:
            with bus_problems():
                if revision is None:
                    written = await self._bus.kv_create(REGISTRY.name, key, value)
                else:
                    written = await self._bus.kv_update(
                        REGISTRY.name, key, value, revision=revision
                    )
        except RevisionConflictError as exc:
            raise await self._stale(kind, name, given=revision) from exc
        log.info("registry document changed", kind=kind.word, name=name, revision=written)
        return Entry(document_id=name, document=document, revision=written)

    async def update(
        self,
        kind: Kind[D],
        document_id: str,
        changes: Mapping[str, object],
        expected_revision: int | None = None,
    ) -> Entry[D]:
        """Change fields of a document; what is not named stays.

        Args:
            kind: What it is.
            document_id: Which one; it cannot be renamed.
            changes: New values by field; the result is validated as a whole.
            expected_revision: The revision that the caller has seen; None: any.

        Raises:
            ProblemError: There is none, INVALID_PARAMETER, or a StaleRevisionError.
        """
        found = await self.get(kind, document_id)
        if expected_revision not in (None, found.revision):
            raise StaleRevisionError(
                _named(kind, document_id), given=expected_revision, current=found.revision
            )
        _refuse_renaming(kind, found.document, changes)
        document = parse_document(
            kind, found.document.model_dump() | dict(changes), where=_named(kind, document_id)
        )
        return await self.replace(kind, document, revision=found.revision)

    async def remove(
        self, kind: Kind[D], document_id: str, expected_revision: int | None = None
    ) -> None:
        """Remove a document.

        Raises:
            ProblemError: There is none, or a StaleRevisionError.
        """
        key = kind.key(document_id)
        try:
            with bus_problems():
                found = await self._bus.kv_get(REGISTRY.name, key)
                revision = found.revision if expected_revision is None else expected_revision
                await self._bus.kv_delete(REGISTRY.name, key, revision=revision)
        except KeyNotFoundError as exc:
            raise await self._unknown(kind, document_id) from exc
        except RevisionConflictError as exc:
            raise await self._stale(kind, document_id, given=expected_revision) from exc
        log.info("registry document removed", kind=kind.word, name=document_id)

    async def watch(self, kinds: Sequence[Kind[Any]] = KINDS) -> AsyncIterator[Change[Any]]:
        """Give every document of these kinds, then each change, for ever.

        A lost connection is waited out; what changed meanwhile is told afterwards.
        """
        prefix = f"{kinds[0].word}." if len(kinds) == 1 else ""
        async for update in self._bus.kv_watch(REGISTRY.name, prefix):
            if isinstance(update, SnapshotComplete):
                continue
            kind = kind_of_key(update.key)
            if kind is None or kind not in kinds:
                continue
            yield _change(kind, update)

    async def _unknown(self, kind: Kind[Any], document_id: str) -> ProblemError:
        known = [one.document_id for one in await self.list(kind)]
        listed = ", ".join(known[:_MOST_LISTED]) + (", …" if len(known) > _MOST_LISTED else "")
        return ProblemError(
            kind.unknown,
            f"There is no {kind.title} {document_id!r}.",
            remedy=f"Known {kind.title}s: {listed}." if known else f"Add a {kind.title} first.",
        )

    async def _stale(
        self, kind: Kind[Any], document_id: str, *, given: int | None
    ) -> StaleRevisionError:
        try:
            with bus_problems():
                found = await self._bus.kv_get(REGISTRY.name, kind.key(document_id))
            current = found.revision
        except KeyNotFoundError:
            current = None
        return StaleRevisionError(_named(kind, document_id), given=given, current=current)


def _named(kind: Kind[Any], document_id: str) -> str:
    return f"{kind.title.capitalize()} {document_id!r}"


def _refuse_renaming(kind: Kind[D], found: D, changes: Mapping[str, object]) -> None:
    for field in kind.id_fields:
        if changes.get(field, getattr(found, field)) != getattr(found, field):
            raise ProblemError(
                ProblemCode.INVALID_PARAMETER,
                f"{field}: a {kind.title} cannot be renamed.",
                remedy="Add it under the new name, then remove the old one.",
            )


def _change(kind: Kind[Any], update: KvEntry | KvRemoved) -> Change[Any]:
    if isinstance(update, KvEntry):
        return _read(kind, update)
    name = kind.id_of_key(update.key)
    return Change(kind=kind, document_id=name, document=None, revision=update.revision)


def _read(kind: Kind[D], entry: KvEntry) -> Change[D]:
    """Read an entry; one that cannot be read is told, and spoils no other."""
    name = kind.id_of_key(entry.key)
    problem, document = "", None
    try:
        document = decode_document(kind, entry.value)
    except ProblemError as exc:
        problem = exc.detail
    if document is not None and kind.id_of(document) != name:
        problem = f"The document under {name!r} is that of {kind.id_of(document)!r}."
        document = None
    if problem:
        log.warning("registry document cannot be read", key=entry.key, problem=problem)
    return Change(
        kind=kind, document_id=name, document=document, revision=entry.revision, problem=problem
    )


@contextmanager
def bus_problems() -> Generator[None]:
    """Tell an unreachable bus as a problem; conflicts and missing keys go through."""
    try:
        yield
    except (KeyNotFoundError, RevisionConflictError):
        raise
    except BusError as exc:
        raise ProblemError(
            ProblemCode.BUS_UNAVAILABLE,
            f"The registry cannot be reached: {exc}.",
            remedy="Check that the bus runs (`slurmfleet status`) and try again.",
        ) from exc
