"""By which rules jobs belong to projects."""

from slurmfleet.analysis.projects import ProjectRule
from slurmfleet.store.pool import StorePool

_MOST_PROJECTS = 10_000


async def read_project_rules(pool: StorePool) -> tuple[ProjectRule, ...]:
    """Give the rules of the group's projects, by name.

    Raises:
        StoreError: In every kind of its tree.
    """
    rows = await pool.rows("list_project_rules", ProjectRule, {"limit": _MOST_PROJECTS})
    return tuple(ProjectRule(name=one.name, prefixes=tuple(one.prefixes)) for one in rows)
