"""The first clusters, from a `slurmfleet.toml`.

The file only fills an empty place: what the registry already has is never touched by it.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import structlog

from slurmfleet.bus.port import Bus
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.registry.documents import parse_cluster

log = structlog.get_logger(__name__)

TABLE = "cluster"


def read_bootstrap(file: Path) -> tuple[ClusterConfig, ...]:
    """Read the `[[cluster]]` tables of a file, in their order.

    Raises:
        ProblemError: NOT_FOUND; INVALID_PARAMETER if it is no TOML, or a table is wrong.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as exc:
        raise ProblemError(
            ProblemCode.NOT_FOUND,
            f"{file} cannot be read: {exc.strerror}.",
            remedy="Check the path and its permissions.",
        ) from exc
    except UnicodeDecodeError as exc:
        raise _not_toml(file, "it is not UTF-8 text") from exc
    return parse_bootstrap(text, file)


def parse_bootstrap(text: str, file: Path) -> tuple[ClusterConfig, ...]:
    """Read the `[[cluster]]` tables of a text; `file` is for the errors.

    Raises:
        ProblemError: INVALID_PARAMETER; it says where.
    """
    try:
        document: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise _not_toml(file, str(exc)) from exc
    tables = document.pop(TABLE, [])
    if document:
        raise _wrong(file, f"has unknown entries: {', '.join(sorted(document))}")
    if not isinstance(tables, list):
        raise _wrong(file, f"has one [{TABLE}] where [[{TABLE}]] is meant")
    configs: dict[ClusterName, ClusterConfig] = {}
    for number, table in enumerate(cast("list[object]", tables), start=1):
        if not isinstance(table, dict):
            raise _wrong(file, f"has a {TABLE} that is no table")
        fields = cast("dict[str, object]", table)
        config = parse_cluster(fields, where=f"{file}, {TABLE} {number}")
        if config.name in configs:
            raise _wrong(file, f"names the cluster {config.name!r} twice")
        configs[config.name] = config
    return tuple(configs.values())


async def apply_bootstrap(bus: Bus, configs: Sequence[ClusterConfig]) -> tuple[ClusterName, ...]:
    """Add the clusters that the registry does not have; give the names of those added."""
    registry = ClusterRegistry(bus)
    added: list[ClusterName] = []
    for config in configs:
        try:
            await registry.add_cluster(config)
        except ProblemError as exc:
            if exc.code is not ProblemCode.CLUSTER_EXISTS:
                raise
        else:
            added.append(config.name)
    log.info("registry bootstrapped", added=len(added), already_there=len(configs) - len(added))
    return tuple(added)


def _not_toml(file: Path, reason: str) -> ProblemError:
    return ProblemError(
        ProblemCode.INVALID_PARAMETER,
        f"{file} is not valid TOML: {reason}.",
        remedy="Correct the line named and try again.",
    )


def _wrong(file: Path, what: str) -> ProblemError:
    return ProblemError(
        ProblemCode.INVALID_PARAMETER,
        f"{file} {what}.",
        remedy=f"Write one [[{TABLE}]] table per cluster, each with its own name, and no more.",
    )
