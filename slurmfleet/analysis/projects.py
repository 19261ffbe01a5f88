"""The project of a job, by its name; pure.

Configured prefixes come first, and of those that fit the longest wins. A name that fits none names
its project itself: what stands before its first underscore, if that is letters, digits and hyphens.

Source: clausius, "Project auto-detect".
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from slurmfleet.contracts.remembering import remembers_short_texts

_OWN = re.compile(r"([A-Za-z0-9-]+)_")
_MOST_REMEMBERED = 8_192
"""Jobs of arrays and of sweeps share their names."""

ProjectOf = Callable[[str], str]
"""Gives the project of a job's name; empty where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRule:
    """Which names of jobs belong to a project."""

    name: str
    prefixes: tuple[str, ...]
    """As they stand at the begin of a job's name, in this case; an empty one fits nothing."""


def own_project(job_name: str) -> str:
    """Give the project that a name tells by itself; empty where it tells none."""
    found = _OWN.match(job_name)
    return found[1].lower() if found else ""


def project_of(rules: Iterable[ProjectRule]) -> ProjectOf:
    """Give what knows the project of a name.

    Args:
        rules: In any order; where two projects claim one prefix, the one whose name sorts first
            has it.
    """
    owners: dict[str, str] = {}
    for rule in sorted(rules, key=lambda one: one.name):
        for prefix in rule.prefixes:
            owners.setdefault(prefix, rule.name)
    owners.pop("", None)
    lengths = sorted({len(prefix) for prefix in owners}, reverse=True)

    @remembers_short_texts(_MOST_REMEMBERED)
    def project(job_name: str) -> str:
        for length in lengths:
            if (owner := owners.get(job_name[:length])) is not None:
                return owner
        return own_project(job_name)

    return project


OWN_PROJECTS = project_of(())
"""Without any rule: names tell their projects themselves."""
