"""Cluster documents: JSON in and out, with errors that name the field and what mends it."""

from collections.abc import Mapping

from pydantic import ValidationError

from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import ClusterConfig

_MAX_NAMED = 5


def parse_cluster(fields: Mapping[str, object], *, where: str = "The cluster") -> ClusterConfig:
    """Read a cluster's configuration.

    Args:
        fields: By name; lists may stand for tuples.
        where: What is read, to begin the error with: "slurmfleet.toml, cluster 2".

    Raises:
        ProblemError: INVALID_PARAMETER; it names every field that is wrong, or
            INVALID_CLUSTER_NAME.
    """
    try:
        return ClusterConfig.model_validate(fields)
    except ValidationError as exc:
        raise invalid(exc, where=where) from exc


def decode_cluster(value: bytes) -> ClusterConfig:
    """Read a stored document.

    Raises:
        ProblemError: INVALID_PARAMETER; another version wrote it, or someone by hand.
    """
    try:
        return ClusterConfig.model_validate_json(value)
    except ValidationError as exc:
        raise invalid(exc, where="The stored document") from exc


def encode_cluster(config: ClusterConfig) -> bytes:
    """Write a document as it is stored."""
    return config.model_dump_json().encode()


def invalid(exc: ValidationError, *, where: str) -> ProblemError:
    """Say which fields are wrong and how to mend them."""
    wrong = [
        f"{'.'.join(str(part) for part in one['loc']) or 'document'}: {_reason(one['msg'])}"
        for one in exc.errors(include_url=False, include_context=False, include_input=False)
    ]
    known = ", ".join(sorted(ClusterConfig.model_fields))
    unknown = any(one["type"] == "extra_forbidden" for one in exc.errors())
    return ProblemError(
        ProblemCode.INVALID_PARAMETER,
        f"{where} is not valid: {'; '.join(wrong[:_MAX_NAMED])}.",
        remedy=f"Known fields: {known}." if unknown else "Correct the fields named and try again.",
    )


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ").rstrip(".")
