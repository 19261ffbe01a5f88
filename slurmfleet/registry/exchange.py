"""Documents as a mapping of lists, as REST carries the whole configuration."""

from collections.abc import Mapping, Sequence
from typing import cast

from pydantic import JsonValue

from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.registry.config_file import Given
from slurmfleet.registry.documents import parse_document
from slurmfleet.registry.kinds import KINDS

Documents = dict[str, list[dict[str, JsonValue]]]
"""Documents by the word of their kind; in each the fields that were given."""


def as_documents(given: Sequence[Given], *, only_given_fields: bool) -> Documents:
    """Write documents.

    Args:
        given: Which.
        only_given_fields: Leave out what nobody gave; else what has its default.
    """
    found: Documents = {}
    for one in given:
        fields = one.document.model_dump(
            mode="json", exclude_unset=only_given_fields, exclude_defaults=not only_given_fields
        )
        found.setdefault(one.kind.word, []).append(cast("dict[str, JsonValue]", fields))
    return found


def from_documents(documents: Mapping[str, Sequence[Mapping[str, JsonValue]]]) -> tuple[Given, ...]:
    """Read documents.

    Raises:
        ProblemError: INVALID_PARAMETER; one of them is wrong, or there twice.
    """
    kinds = {kind.word: kind for kind in KINDS}
    if unknown := documents.keys() - kinds.keys():
        raise ProblemError(
            ProblemCode.INVALID_PARAMETER,
            f"There are no documents of the kind {min(unknown)[:64]!r}.",
            remedy=f"Kinds are: {', '.join(kinds)}.",
        )
    found: dict[tuple[str, str], Given] = {}
    for word, listed in documents.items():
        kind = kinds[word]
        for number, fields in enumerate(listed, start=1):
            document = parse_document(kind, fields, where=f"{kind.title.capitalize()} {number}")
            one = Given(kind=kind, document=document)
            if (word, one.document_id) in found:
                raise ProblemError(
                    ProblemCode.INVALID_PARAMETER,
                    f"The {kind.title} {one.document_id!r} is given twice.",
                    remedy="Give each document once.",
                )
            found[(word, one.document_id)] = one
    return tuple(found.values())
