"""The first documents, from a `slurmfleet.toml`.

The file only fills what is empty: what the registry already has is never touched by it.
"""

from collections.abc import Sequence

import structlog

from slurmfleet.bus.port import Bus
from slurmfleet.contracts.problems import ProblemError
from slurmfleet.registry.config_file import Given
from slurmfleet.registry.registry import Registry

log = structlog.get_logger(__name__)


async def apply_bootstrap(bus: Bus, given: Sequence[Given]) -> tuple[Given, ...]:
    """Add the documents that the registry does not have; give those added."""
    registry = Registry(bus)
    added: list[Given] = []
    for one in given:
        try:
            await registry.add(one.kind, one.document)
        except ProblemError as exc:
            if exc.code is not one.kind.exists:
                raise
        else:
            added.append(one)
    log.info("registry bootstrapped", added=len(added), already_there=len(given) - len(added))
    return tuple(added)
