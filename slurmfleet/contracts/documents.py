"""Registry documents of the group: its people, accounts, paths, filters, projects and settings.

Clusters are in `registry.py`. A document is strict: a number is never taken for a text, and a field
that is not known is refused. Secrets have no place in any of them.
"""

import re
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import to_json

from slurmfleet.contracts.ids import cluster_name
from slurmfleet.contracts.problems import ProblemError

Text = Annotated[str, StringConstraints(max_length=1_024, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""One line of text without control characters."""

NonEmptyText = Annotated[
    str, StringConstraints(min_length=1, max_length=1_024, pattern=r"^[^\x00-\x1f\x7f]*$")
]


def _shaped(pattern: str, what: str) -> tuple[AfterValidator, WithJsonSchema]:
    """Hold a text to a pattern, and say what it should be instead of showing the pattern."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(f"{value[:64]!r} is not {what}")
        return value

    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": f"^({pattern})$"})


Login = Annotated[str, *_shaped(r"[A-Za-z_][A-Za-z0-9_.@-]{0,63}", "a login name")]
AccountName = Annotated[str, *_shaped(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,127}", "a Slurm account")]
ProjectName = Annotated[
    str,
    *_shaped(
        r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}",
        "a project's name: letters, digits, hyphens, dots and underscores, at most 64",
    ),
]
Colour = Annotated[str, *_shaped(r"(?:#[0-9a-fA-F]{6})?", "a colour like #2266aa")]

MOST_GPUS = 10_000_000
_MOST_ITEMS = 200
_WEB = re.compile(r"https?://[A-Za-z0-9\[][^\s@]{0,1000}")


class Document(BaseModel):
    """What all documents of the group have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class TeamMember(Document):
    """A person of the group, so that its GPUs can be told from other people's."""

    login: Login = Field(description="Login name on the clusters.")
    display_name: Text = Field(default="", description="As people call them.")


class Account(Document):
    """A Slurm account that the group may charge."""

    name: AccountName = Field(description="As Slurm calls it.")
    site_id: Text = Field(
        default="", description="What the site's own allocation service calls it; may be empty."
    )
    description: Text = ""


class PathKind(StrEnum):
    """What is found below a path."""

    LOGS = "logs"
    """Logs of jobs are searched there."""

    RUNS = "runs"
    """Output folders of runs, as NeMo-Run and others make them."""

    MOUNT = "mount"
    """A shared file system begins there; paths below it exist on a mount too."""


class PathBase(Document):
    """A folder on the clusters below which something is looked for."""

    kind: PathKind = Field(description="What is found below it.")
    path: NonEmptyText = Field(description="An absolute path; `{user}` stands for the login.")

    @field_validator("path")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not value.startswith("/") or "/../" in f"{value}/":
            raise ValueError(f"{value[:64]!r} is not an absolute path without '..'")
        return value.rstrip("/") or "/"


class FilterMode(StrEnum):
    """What a filter does with a process that fits."""

    INCLUDE = "include"
    EXCLUDE = "exclude"


class ProcessFilter(Document):
    """Which processes of this machine the board of local processes shows."""

    mode: FilterMode = Field(description="`exclude` wins over `include`.")
    pattern: NonEmptyText = Field(
        description="Text that the command line holds; capitals and small letters are the same."
    )


class Project(Document):
    """A project of the group; jobs belong to it by the begin of their names."""

    name: ProjectName
    prefixes: tuple[NonEmptyText, ...] = Field(
        default=(),
        max_length=_MOST_ITEMS,
        description="Begins of job names, in this case; of several that fit, the longest wins.",
    )
    colour: Colour = Field(default="", description="#rrggbb; empty: chosen by the face.")
    emoji: Annotated[str, StringConstraints(max_length=16, pattern=r"^[^\x00-\x1f\x7f\s]*$")] = ""
    description: Text = ""

    @field_validator("prefixes")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value))


class GroupSettings(Document):
    """Everything that can be set for the whole group; each field is a document of its own."""

    team_name: Text = Field(default="", description="What the group calls itself.")
    team_gpus: dict[str, Annotated[int, Field(ge=0, le=MOST_GPUS)]] = Field(
        default_factory=dict[str, int],
        max_length=_MOST_ITEMS,
        description="GPUs that the group may use at once, by cluster, as agreed with its site; "
        "a cluster that is absent has no such number.",
    )
    dimmed_suffixes: tuple[NonEmptyText, ...] = Field(
        default=("_server",),
        max_length=_MOST_ITEMS,
        description="Ends of job names that mark helpers of other jobs; faces show them dimmed.",
    )
    dashboard_url: Text = Field(default="", description="The site's own dashboard, as a link.")

    @field_validator("team_gpus")
    @classmethod
    def _clusters(cls, value: dict[str, int]) -> dict[str, int]:
        for name in value:
            try:
                cluster_name(name)
            except ProblemError as exc:
                raise ValueError(exc.detail) from exc
        return value

    @field_validator("dashboard_url")
    @classmethod
    def _web(cls, value: str) -> str:
        if value and not _WEB.fullmatch(value):
            raise ValueError("a URL here begins with http:// or https:// and names no user")
        return value


class Setting(Document):
    """One thing that was set; what was not has its default from `GroupSettings`."""

    key: str = Field(description="A field of GroupSettings.")
    value: JsonValue

    @model_validator(mode="after")
    def _fits(self) -> "Setting":
        if self.key not in GroupSettings.model_fields:
            known = ", ".join(GroupSettings.model_fields)
            raise ValueError(f"there is no setting {self.key[:64]!r}; known are {known}")
        try:
            GroupSettings.model_validate_json(to_json({self.key: self.value}))
        except ValidationError as exc:
            first = exc.errors(include_url=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"{where}: {first['msg'].removeprefix('Value error, ')}") from exc
        return self


def short_id(*parts: str) -> str:
    """Give a name for what has none: the same for the same parts, wherever it is made."""
    return blake2b("\0".join(parts).encode(), digest_size=6).hexdigest()
