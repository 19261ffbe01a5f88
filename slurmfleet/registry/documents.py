"""Documents as JSON in and out, with errors that name the field and what mends it."""

from collections.abc import Mapping

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.registry.kinds import CLUSTER, D, Kind

_MAX_NAMED = 5


def parse_document(kind: Kind[D], fields: Mapping[str, object], *, where: str) -> D:
    """Read a document from its fields.

    Args:
        kind: What it is.
        fields: By name; as JSON or TOML give them, or as a model does.
        where: What is read, to begin the error with: "slurmfleet.toml, line 3, project 2".

    Raises:
        ProblemError: INVALID_PARAMETER; it names every field that is wrong, or
            INVALID_CLUSTER_NAME.
    """
    try:
        return kind.model.model_validate_json(to_json(fields))
    except ValidationError as exc:
        raise invalid(exc, where=where, model=kind.model) from exc


def decode_document(kind: Kind[D], value: bytes) -> D:
    """Read a stored document.

    Raises:
        ProblemError: INVALID_PARAMETER; another version wrote it, or someone by hand.
    """
    try:
        return kind.model.model_validate_json(value)
    except ValidationError as exc:
        raise invalid(exc, where="The stored document", model=kind.model) from exc


def encode_document(document: BaseModel) -> bytes:
    """Write a document as it is stored."""
    return document.model_dump_json().encode()


def parse_cluster(fields: Mapping[str, object], *, where: str = "The cluster") -> ClusterConfig:
    """Read a cluster's configuration; see `parse_document`."""
    return parse_document(CLUSTER, fields, where=where)


def invalid(exc: ValidationError, *, where: str, model: type[BaseModel]) -> ProblemError:
    """Say which fields are wrong and how to mend them."""
    wrong = [
        f"{'.'.join(str(part) for part in one['loc']) or 'document'}: {_reason(one['msg'])}"
        for one in exc.errors(include_url=False, include_context=False, include_input=False)
    ]
    known = ", ".join(sorted(model.model_fields))
    unknown = any(one["type"] == "extra_forbidden" for one in exc.errors())
    return ProblemError(
        ProblemCode.INVALID_PARAMETER,
        f"{where} is not valid: {'; '.join(wrong[:_MAX_NAMED])}.",
        remedy=f"Known fields: {known}." if unknown else "Correct the fields named and try again.",
    )


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ").rstrip(".")
