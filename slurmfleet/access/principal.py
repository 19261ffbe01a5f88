"""Who asks: what a request may do, carried beside it from the door to whoever decides.

The door sets it; nobody else does. What runs without a door, or forgets it, may do nothing.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from slurmfleet.contracts.access import TOOLSETS_OF, ActorKind, Role, TokenRecord, Toolset
from slurmfleet.contracts.audit import Via
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.problems import ProblemCode, ProblemError


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody and what they may do."""

    name: str
    kind: ActorKind
    role: Role
    via: Via
    toolsets: frozenset[Toolset]
    clusters: frozenset[ClusterName] = frozenset()
    """Empty: all of them."""

    users: frozenset[str] = frozenset()
    """Of whose jobs; empty: everybody's."""

    token_id: str = ""
    until: datetime | None = None
    """When a token of an outside issuer expires; the group's own are asked for by their id."""

    actions_per_day: int | None = None
    """None: as many as they like."""

    def require(self, toolset: Toolset) -> None:
        """Refuse what belongs to a toolset that is not theirs.

        Raises:
            ProblemError: FORBIDDEN.
        """
        if toolset in self.toolsets:
            return
        needed = next(role for role in Role if toolset in TOOLSETS_OF[role])
        held = ", ".join(sorted(self.toolsets)) or "nothing"
        raise ProblemError(
            ProblemCode.FORBIDDEN,
            f"This needs the toolset {toolset}, and the token of {self.name} is for {held}.",
            remedy=f"Ask for a token with the role {needed}, or for one with that toolset.",
        )

    def require_whole(self) -> None:
        """Refuse somebody whose token is narrowed what concerns the whole group.

        Otherwise a token of one cluster would give itself another one of all.

        Raises:
            ProblemError: FORBIDDEN.
        """
        if self.clusters or self.users or self.toolsets != TOOLSETS_OF[self.role]:
            raise ProblemError(
                ProblemCode.FORBIDDEN,
                f"The token of {self.name} is narrowed, and this concerns the whole group.",
                remedy="Ask for it with an admin's token that nothing narrows down.",
            )

    def require_cluster(self, cluster: ClusterName) -> None:
        """Refuse a cluster that is not theirs, whether there is one of that name or not.

        Raises:
            ProblemError: FORBIDDEN.
        """
        if self.clusters and cluster not in self.clusters:
            named = ", ".join(sorted(self.clusters))
            raise ProblemError(
                ProblemCode.FORBIDDEN,
                f"The token of {self.name} is not for the cluster {cluster}.",
                remedy=f"It is for: {named}.",
            )

    def may_see(self, user: str) -> bool:
        """Whether jobs of a user are theirs to see and to act on."""
        return not self.users or user in self.users

    def narrowed_clusters(self, asked: tuple[ClusterName, ...]) -> tuple[ClusterName, ...]:
        """Give the clusters to ask for.

        Raises:
            ProblemError: FORBIDDEN; one was asked for that is not theirs.
        """
        for cluster in asked:
            self.require_cluster(cluster)
        return asked or tuple(sorted(self.clusters))

    def narrowed_users(self, asked: tuple[str, ...]) -> tuple[str, ...]:
        """Give the users to ask for.

        Raises:
            ProblemError: FORBIDDEN; one was asked for whose jobs are not theirs.
        """
        for user in asked:
            if not self.may_see(user):
                raise ProblemError(
                    ProblemCode.FORBIDDEN,
                    f"The token of {self.name} is not for jobs of that user.",
                    remedy=f"It is for jobs of: {', '.join(sorted(self.users))}.",
                )
        return asked or tuple(sorted(self.users))


def local_principal(via: Via) -> Principal:
    """Give whoever sits at this machine, where no token is needed."""
    return Principal(
        name="local",
        kind=ActorKind.PERSON,
        role=Role.ADMIN,
        via=via,
        toolsets=TOOLSETS_OF[Role.ADMIN],
    )


def bearer_principal(via: Via) -> Principal:
    """Give whoever carries the token of the service's settings."""
    return Principal(
        name="settings-token",
        kind=ActorKind.SERVICE,
        role=Role.ADMIN,
        via=via,
        toolsets=TOOLSETS_OF[Role.ADMIN],
    )


def token_principal(record: TokenRecord, via: Via) -> Principal:
    """Give whoever carries a token of the group."""
    allowed = TOOLSETS_OF[record.role]
    return Principal(
        name=record.name,
        kind=record.kind,
        role=record.role,
        via=via,
        toolsets=allowed & frozenset(record.toolsets) if record.toolsets else allowed,
        clusters=frozenset(ClusterName(one) for one in record.clusters),
        users=frozenset(record.users),
        token_id=record.token_id,
        actions_per_day=record.actions_per_day,
    )


_current: ContextVar[Principal | None] = ContextVar("slurmfleet_principal", default=None)


def current_principal() -> Principal:
    """Give who asks.

    Raises:
        ProblemError: UNAUTHENTICATED; no door let anybody in.
    """
    principal = _current.get()
    if principal is None:
        raise ProblemError(
            ProblemCode.UNAUTHENTICATED,
            "Nobody is known to ask.",
            remedy="This is a mistake of slurmfleet: a request came in beside its door.",
        )
    return principal


@contextmanager
def acting_as(principal: Principal) -> Generator[None]:
    """Have the body, and what it starts, ask as somebody."""
    before = _current.set(principal)
    try:
        yield
    finally:
        _current.reset(before)
