"""Changes of the registry that readers see when the answer is given.

The registry is on the bus, readers ask the store, and the projector carries one to the other
within milliseconds; whoever adds a cluster and then lists clusters must find it.
"""

from collections.abc import Awaitable, Callable, Sequence

from services.api.gateway import Gateway
from slurmfleet.contracts.commands import HostKeyReport
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import ClusterConfig

_LOOK_EVERY_S = 0.05


async def settled(gateway: Gateway, name: ClusterName, *, revision: int | None) -> bool:
    """Wait until readers see a cluster at a revision, or see it gone.

    Args:
        gateway: Where to look.
        name: The cluster.
        revision: What was written; None after a removal.

    Returns:
        False when they did not within the limit; the change itself is stored all the same.
    """

    async def seen() -> bool:
        try:
            view = await gateway.reader.cluster(name)
        except ProblemError as problem:
            return revision is None and problem.code is ProblemCode.UNKNOWN_CLUSTER
        return revision is not None and view.registry_revision >= revision

    return await _becomes_true(gateway, seen)


async def _becomes_true(gateway: Gateway, look: Callable[[], Awaitable[bool]]) -> bool:
    deadline_s = gateway.clock.monotonic_s() + gateway.settings.settle_limit_s
    while not await look():
        if gateway.clock.monotonic_s() >= deadline_s:
            return False
        await gateway.clock.sleep(_LOOK_EVERY_S)
    return True


def trusted_lines(
    config: ClusterConfig, scan: HostKeyReport, fingerprints: Sequence[str]
) -> tuple[str, ...]:
    """Give the host keys to record: those named, and those recorded that are still shown.

    Raises:
        ProblemError: The login node does not show one of the fingerprints.
    """
    by_fingerprint = {key.fingerprint: key for key in scan.keys}
    absent = [one for one in fingerprints if one not in by_fingerprint]
    if absent:
        raise ProblemError(
            ProblemCode.HOST_KEY_UNKNOWN,
            f"{config.host} does not show a key with the fingerprint {absent[0][:100]!r}.",
            remedy=f"It shows {', '.join(by_fingerprint) or 'none'}. Compare with what its admin"
            " publishes before you trust one.",
        )
    wanted = set(fingerprints)
    return tuple(key.line for key in scan.keys if key.trusted or key.fingerprint in wanted)
