"""Runs people's scripts on a cluster's machines, where its configuration allows it.

Each machine has a connection of its own for them, so whatever a script does to its session (hang,
flood, exit with ssh's own 255) says nothing about the watch's. Through an OpenSSH master, or on the
login node itself, there is only the one way; scripts have a lane of their own there.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from services.collector.links import open_link
from services.collector.requests import require_login
from services.collector.scripts.spare import SpareLink
from services.collector.scripts.wrapper import (
    KILL_AFTER_S,
    NO_INTERPRETER,
    STRAGGLERS_S,
    UnreadableAnswerError,
    report_of,
    wrapped,
)
from services.collector.settings import CollectorSettings
from services.collector.target import problem_code
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import ClusterConfig, Transport
from slurmfleet.contracts.scripts import ScriptHost, ScriptReport, ScriptRequest
from slurmfleet.slurm.probe import Probe
from slurmfleet.ssh.conversation import CommandResult
from slurmfleet.ssh.errors import SshError, SshLaneBusyError
from slurmfleet.ssh.lanes import Lane
from slurmfleet.ssh.port import Link
from slurmfleet.timing.clock import Clock

AT_ONCE = 2
"""Scripts on one cluster: a login node is everybody's."""

_NEVER_IN = frozenset(
    {
        *(ProblemCode.SSH_AUTH_DENIED, ProblemCode.SSH_NO_MASTER),
        *(ProblemCode.HOST_KEY_UNKNOWN, ProblemCode.HOST_KEY_CHANGED),
    }
)
"""What keeps us from logging in at all."""

_MOST_ANSWER_BYTES = 2**20
_WAY_S = 40.0
"""For logging in there, on a slow day, and for coming back."""


class ScriptDesk:
    """One cluster's scripts."""

    def __init__(
        self,
        config: ClusterConfig,
        settings: CollectorSettings,
        *,
        link: Link,
        probe: Callable[[], Probe | None],
        clock: Clock,
    ) -> None:
        """Run scripts on the machines of `config`.

        Args:
            config: The cluster, which may forbid them.
            settings: Limits and paths of connections.
            link: The watch's, for where there is no other way.
            probe: What is known of the login node; None before it was asked.
            clock: For all times.
        """
        self._config = config
        self._link = link
        self._probe = probe
        self._running = 0
        self._spare: Mapping[ScriptHost, SpareLink] = {
            host: SpareLink(lambda one=one: open_link(one, settings, clock), clock=clock)
            for host, one in _machines(config).items()
        }

    def parts(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Give what has to run for scripts to be served, by what it does."""
        return {f"keep a way to the {host} node of": one.run for host, one in self._spare.items()}

    async def run(self, request: ScriptRequest) -> ScriptReport:
        """Run a script to its end, or to that of its time.

        Raises:
            ProblemError: FORBIDDEN where the cluster or the token does not allow it; CLUSTER_BUSY
                where enough run; NOT_POSSIBLE where there is no such machine or interpreter;
                otherwise it may have run, and the detail says so.
        """
        self._require_allowed(request)
        if self._running >= AT_ONCE:
            raise ProblemError(
                ProblemCode.CLUSTER_BUSY,
                f"{self._running} scripts run on {self._config.name} already; nothing was begun.",
                remedy="Wait until one has ended, or submit a job.",
            )
        self._running += 1
        try:
            async with self._way_to(request.host) as link:
                result = await _run(link, request)
        finally:
            self._running -= 1
        return _report(request, result)

    def _require_allowed(self, request: ScriptRequest) -> None:
        name, probe = self._config.name, self._probe()
        if not self._config.allow_scripts:
            raise ProblemError(
                ProblemCode.FORBIDDEN,
                f"Scripts are not allowed on {name}.",
                remedy=f"An admin allows them: `slurmfleet cluster update {name} --allow-scripts`.",
            )
        if request.host is ScriptHost.DATA and not self._config.data_host:
            raise ProblemError(
                ProblemCode.NOT_POSSIBLE,
                f"{name} has no data host.",
                remedy=f"Name one: `slurmfleet cluster update {name} --data-host HOST`, or run "
                "the script on the login node.",
            )
        require_login(probe.user if probe is not None else "", request.only_as)

    @asynccontextmanager
    async def _way_to(self, host: ScriptHost) -> AsyncGenerator[Link]:
        spare = self._spare.get(host)
        if spare is None:
            yield self._link
            return
        async with spare.use() as link:
            link.reset_latch()  # a person asks, and may have mended what denied the last one
            yield link


def _machines(config: ClusterConfig) -> Mapping[ScriptHost, ClusterConfig]:
    """Give how each machine is reached that has a connection of its own."""
    machines: dict[ScriptHost, ClusterConfig] = {}
    if config.transport is Transport.ASYNCSSH:
        machines[ScriptHost.LOGIN] = config
    if config.data_host:
        machines[ScriptHost.DATA] = data_machine(config)
    return machines if config.allow_scripts else {}


def data_machine(config: ClusterConfig) -> ClusterConfig:
    """Give how a cluster's data host is reached: by our own SSH, as the same user."""
    return config.model_copy(
        update={
            "host": config.data_host,
            "port": config.data_port,
            "transport": Transport.ASYNCSSH,
            "control_path": "",
        }
    )


async def _run(link: Link, request: ScriptRequest) -> CommandResult:
    try:
        return await link.run_script(
            wrapped(request),
            limit_s=request.limit_s + KILL_AFTER_S + STRAGGLERS_S + _WAY_S,
            login=True,
            max_output_bytes=_MOST_ANSWER_BYTES,
            lane=Lane.USER,
        )
    except SshLaneBusyError as exc:
        raise ProblemError(problem_code(exc), exc.problem, remedy=exc.remedy) from exc
    except SshError as exc:
        code = problem_code(exc)
        known = (
            "Nothing was run" if code in _NEVER_IN else "Whether the script has run is not known"
        )
        raise ProblemError(
            code,
            f"{exc.problem}. {known}.",
            remedy=exc.remedy or "Look at what it changes before you run it again.",
        ) from exc


def _report(request: ScriptRequest, result: CommandResult) -> ScriptReport:
    if result.exit_status == NO_INTERPRETER:
        raise ProblemError(
            ProblemCode.NOT_POSSIBLE,
            f"There is no {request.interpreter} on the path of our login there; nothing was run.",
            remedy="Choose another interpreter: bash is everywhere.",
        )
    try:
        return report_of(request, result.stdout, result.stderr)
    except UnreadableAnswerError as exc:
        said = f"{exc} {result.stderr[:200].decode('utf-8', 'replace')}".strip()
        raise ProblemError(
            ProblemCode.NOT_POSSIBLE,
            f"The machine gave no answer of ours; status {result.exit_status}: {said}",
            remedy="It needs bash, coreutils and some room in /tmp or in the home of our login.",
        ) from exc
