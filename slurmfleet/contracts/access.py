"""Who may do what: roles, toolsets, and the tokens that carry them.

A role says how far somebody may go at most; a token narrows that down to toolsets, clusters and
users of jobs. What a token does not name it is not narrowed by.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

from slurmfleet.contracts.ids import cluster_name
from slurmfleet.contracts.problems import ProblemCode, ProblemError

REQUESTS_PER_MINUTE = 600
"""Of a token that was given no other limit: ten a second, far above what people and agents need."""

ACTIONS_PER_DAY = 1_000
"""As above. What would be refused beyond it is rather a loop than work."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
_TOKEN_ID = re.compile(r"[a-z0-9]{8,16}")


class Role(StrEnum):
    """How far somebody may go at most; each may do what those before it may."""

    VIEWER = "viewer"
    """Read everything."""
    OPERATOR = "operator"
    """Act on jobs and clusters as well."""
    ADMIN = "admin"
    """Change the configuration, give and take tokens, and read the audit as well."""


class Toolset(StrEnum):
    """What belongs together; the unit in which rights are given."""

    OBSERVE = "observe"
    OPERATE = "operate"
    RUNS = "runs"
    KERNELS = "kernels"
    LOGBOOK = "logbook"
    ADMIN = "admin"


_VIEWER = frozenset({Toolset.OBSERVE})
_OPERATOR = _VIEWER | {Toolset.OPERATE, Toolset.RUNS, Toolset.KERNELS, Toolset.LOGBOOK}

TOOLSETS_OF: Mapping[Role, frozenset[Toolset]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.ADMIN: _OPERATOR | {Toolset.ADMIN},
}
"""What each role may use."""


class ActorKind(StrEnum):
    """Who stands behind a name."""

    PERSON = "person"
    AGENT = "agent"
    SERVICE = "service"


def actor_name(text: str) -> str:
    """Check the name of an actor or a token.

    Raises:
        ProblemError: It is none.
    """
    if not _NAME.fullmatch(text):
        raise ProblemError(
            ProblemCode.INVALID_PARAMETER,
            f"{text[:80]!r} is no name of a token.",
            remedy="Use up to 64 letters, digits and . _ @ + -; the first one a letter or a digit.",
        )
    return text


def token_id(text: str) -> str:
    """Check the public id of a token.

    Raises:
        ProblemError: It is none.
    """
    if not _TOKEN_ID.fullmatch(text):
        raise ProblemError(
            ProblemCode.INVALID_PARAMETER,
            f"{text[:40]!r} is no id of a token.",
            remedy="`slurmfleet token list` shows the ids.",
        )
    return text


def _checked(check: Callable[[str], str]) -> AfterValidator:
    """Have pydantic tell what a check of ours finds."""

    def validate(text: str) -> str:
        try:
            return check(text)
        except ProblemError as exc:
            raise ValueError(exc.detail) from exc

    return AfterValidator(validate)


Name = Annotated[str, _checked(actor_name)]
NameOfCluster = Annotated[str, _checked(cluster_name)]
NameOfUser = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.@-]{0,63}$")]


class Grant(BaseModel):
    """What somebody gets: a role and what narrows it down."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="Who uses the token; stands in the audit.")
    kind: ActorKind = Field(default=ActorKind.AGENT, description="person, agent or service.")
    role: Role = Field(default=Role.VIEWER, description="viewer, operator or admin.")
    toolsets: tuple[Toolset, ...] = Field(
        default=(), description="Only these of what the role may use; empty: all of them."
    )
    clusters: tuple[NameOfCluster, ...] = Field(
        default=(), max_length=1_000, description="Only these clusters; empty: all."
    )
    users: tuple[NameOfUser, ...] = Field(
        default=(), max_length=1_000, description="Only jobs of these users; empty: everybody's."
    )
    requests_per_minute: int = Field(
        default=REQUESTS_PER_MINUTE, ge=1, le=1_000_000, description="More are refused."
    )
    actions_per_day: int = Field(
        default=ACTIONS_PER_DAY,
        ge=0,
        le=1_000_000,
        description="Changes of clusters, jobs and configuration within a UTC day.",
    )


class TokenRecord(Grant):
    """A token as the group keeps it; its secret is nowhere, only the hash of it."""

    token_id: str = Field(description="Public; the part of the token before its secret.")
    secret_sha256: str = Field(description="Of the whole token, in hexadecimal.", repr=False)
    created_at: AwareDatetime
    created_by: str
    expires_at: AwareDatetime | None = Field(description="null: never.")
    revoked_at: AwareDatetime | None = Field(default=None, description="null: it was not.")
    revoked_by: str = ""
