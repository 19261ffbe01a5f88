"""The rules by which jobs have their projects, as the registry has them at the moment."""

from dataclasses import dataclass, field

from slurmfleet.analysis.projects import OWN_PROJECTS, ProjectOf, project_of
from slurmfleet.store.pool import StorePool
from slurmfleet.store.read.projects import read_project_rules
from slurmfleet.store.write.projects import assign_projects


@dataclass(slots=True)
class Projects:
    """Knows the rules of the moment; facts that are written ask for each name."""

    pool: StorePool
    _project_of: ProjectOf = field(default=OWN_PROJECTS, init=False)

    def of(self, job_name: str) -> str:
        """Give the project of a job's name; empty where it has none."""
        return self._project_of(job_name)

    async def refresh(self) -> None:
        """Take up the rules of the moment; must come before the first fact is written.

        Raises:
            StoreError: In every kind of its tree.
        """
        self._project_of = project_of(await read_project_rules(self.pool))

    async def follow(self) -> None:
        """Take up the rules of the moment, and let stored jobs follow them.

        Raises:
            StoreError: In every kind of its tree; what was done stays done.
        """
        rules = await read_project_rules(self.pool)
        self._project_of = project_of(rules)
        await assign_projects(self.pool, rules)
