"""Settings of the group: each is a document, and one that was never set has its default."""

from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from slurmfleet.contracts.documents import GroupSettings, Setting
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.registry.documents import parse_document
from slurmfleet.registry.kinds import SETTING
from slurmfleet.registry.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingEntry:
    """One setting as it is."""

    key: str
    value: JsonValue
    default: JsonValue
    description: str
    revision: int | None
    """None while it has its default."""


async def read_settings(registry: Registry) -> tuple[SettingEntry, ...]:
    """Give every setting there is, set or not."""
    there = {entry.document_id: entry for entry in await registry.list(SETTING)}
    defaults = cast("dict[str, JsonValue]", to_jsonable_python(GroupSettings()))
    return tuple(
        SettingEntry(
            key=key,
            value=there[key].document.value if key in there else defaults[key],
            default=defaults[key],
            description=field.description or "",
            revision=there[key].revision if key in there else None,
        )
        for key, field in GroupSettings.model_fields.items()
    )


async def group_settings(registry: Registry) -> GroupSettings:
    """Give all settings as one value."""
    values = {entry.key: entry.value for entry in await read_settings(registry)}
    return GroupSettings.model_validate(values, strict=False)


async def read_setting(registry: Registry, key: str) -> SettingEntry:
    """Give one setting.

    Raises:
        ProblemError: NOT_FOUND.
    """
    for entry in await read_settings(registry):
        if entry.key == key:
            return entry
    raise ProblemError(
        ProblemCode.NOT_FOUND,
        f"There is no setting {key[:64]!r}.",
        remedy=f"Settings are: {', '.join(GroupSettings.model_fields)}.",
    )


async def write_setting(
    registry: Registry, key: str, value: JsonValue, expected_revision: int | None = None
) -> SettingEntry:
    """Set one setting.

    Raises:
        ProblemError: NOT_FOUND, INVALID_PARAMETER or a StaleRevisionError.
    """
    found = await read_setting(registry, key)
    setting: Setting = parse_document(
        SETTING, {"key": key, "value": value}, where=f"Setting {key!r}"
    )
    revision = found.revision if expected_revision is None else expected_revision
    await registry.replace(SETTING, setting, revision=revision)
    return await read_setting(registry, key)


async def reset_setting(
    registry: Registry, key: str, expected_revision: int | None = None
) -> SettingEntry:
    """Give one setting its default again; one that has it already keeps it.

    Raises:
        ProblemError: NOT_FOUND or a StaleRevisionError.
    """
    found = await read_setting(registry, key)
    if found.revision is not None or expected_revision is not None:
        await registry.remove(SETTING, key, expected_revision)
    return await read_setting(registry, key)
