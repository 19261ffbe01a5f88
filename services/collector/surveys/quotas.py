"""Quotas of the login user's home and of the paths that the group works in.

A file system that hangs must cost nothing to others: each path has round trips of its own, which
end whatever becomes of the processes in them (`slurmfleet.filesystems.patience`), and one that hung
is asked last, and less and less often.
"""

from collections.abc import Sequence

from services.collector.desk import Desk
from services.collector.surveys.quota_plan import Who
from services.collector.surveys.quota_visit import Found, Limits, Remembered, Visit, trip
from services.collector.surveys.survey import Finding
from slurmfleet.contracts.sample import Topic
from slurmfleet.filesystems.commands import checked_path
from slurmfleet.filesystems.errors import FileSystemError
from slurmfleet.slurm.commands import Section
from slurmfleet.slurm.faults import find_fault
from slurmfleet.ssh.errors import SshTimeoutError

INTERVAL_S = 900.0
LIMITS = Limits(df_s=5.0, quota_s=10.0)

_HOME = "~"


class QuotaSurvey:
    """Asks for quotas with what each file system has for it: lfs, mmlsquota, quota, or df."""

    def __init__(self, *, interval_s: float = INTERVAL_S, limits: Limits = LIMITS) -> None:
        """Remember nothing yet.

        Args:
            interval_s: Between two askings.
            limits: For its commands.
        """
        self._interval_s = interval_s
        self._limits = limits
        self._who: Who | None = None
        self._paths: dict[str, Remembered] = {}

    @property
    def topic(self) -> Topic:
        """What it is about."""
        return Topic.QUOTAS

    @property
    def interval_s(self) -> float:
        """Between two askings."""
        return self._interval_s

    async def ask(self, desk: Desk) -> Finding | None:
        """Ask for every path; those that rest are told as failed, with why.

        Raises:
            SshError: The login node cannot be reached.
            IncompleteAnswerError: The login node ran nothing.
        """
        who = self._who or await self._ask_who(desk)
        found = Found()
        paths = _paths(desk.config.mount_paths, who.home, found)
        self._paths = {path: self._paths.get(path, Remembered()) for path in paths}
        for path, known in sorted(self._paths.items(), key=lambda one: one[1].hung > 0):
            await self._visit(
                Visit(desk=desk, path=path, who=who, known=known, found=found, limits=self._limits)
            )
        sources = sorted({one.source for one in found.facts}) or ["df"]
        return Finding(
            source="+".join(sources),
            facts=tuple(found.facts),
            sections=tuple(found.sections),
            bad_rows=tuple(found.bad),
        )

    async def _ask_who(self, desk: Desk) -> Who:
        """Learn once who we are there; a directory service that fails is asked again."""
        sections = [
            Section(name="home", argv=("printenv", "HOME"), limit_s=self._limits.df_s),
            Section(name="group", argv=("id", "-gn"), limit_s=self._limits.df_s),
        ]
        answer = await trip(desk, sections)
        told = {
            name: output.stdout.strip()
            for name, output in answer.frames.sections.items()
            if find_fault(output) is None
        }
        who = Who(user=desk.probe.user, group=told.get("group", ""), home=told.get("home", ""))
        if who.group and who.home:
            self._who = who
        return who

    async def _visit(self, visit: Visit) -> None:
        clock, known = visit.desk.clock, visit.known
        rest_s = known.rests_until_s - clock.monotonic_s()
        if known.hung and rest_s > 0:
            visit.found.fail(
                f"{visit.path} did not answer; it is asked again in {rest_s / 60:.0f} min"
            )
            return
        try:
            hangs = await visit.ask()
        except SshTimeoutError as exc:
            if exc.operation == "connect":
                raise
            visit.found.fail(f"{visit.path}: {exc.problem}")
            hangs = True
        if hangs:
            known.rest(clock.monotonic_s(), self._interval_s)
        else:
            known.hung = 0


def _paths(configured: Sequence[str], home: str, found: Found) -> tuple[str, ...]:
    """Give the home and the configured paths once each; `~` is the home."""
    paths: dict[str, None] = {}
    for one in ([home] if home else []) + list(configured):
        path = home + one[1:] if home and (one == _HOME or one.startswith("~/")) else one
        try:
            paths[checked_path(path.rstrip("/") or path)] = None
        except FileSystemError as exc:
            found.fail(str(exc))
    return tuple(paths)
