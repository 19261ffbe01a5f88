"""The mounts of one cluster: made and undone on request, looked after as long as they are wanted.

A mount is wanted from when it was mounted, here or by an earlier collector, until it is unmounted.
One that no longer answers is made anew; meanwhile nobody here touches it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from services.collector.mounts.command import mount_argv, ssh_settings, unmount_argv
from services.collector.mounts.system import Machine, ProgramFailedError
from services.collector.mounts.table import SSHFS, Mounted
from services.collector.requests import require_login
from services.collector.settings import CollectorSettings
from services.collector.target import ssh_target
from slurmfleet.contracts.mounts import (
    Mount,
    MountAct,
    MountReport,
    MountRequest,
    MountState,
    mount_names,
)
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import ClusterConfig, Transport
from slurmfleet.telemetry.logs import logger
from slurmfleet.timing.clock import Clock

MOUNT_LIMIT_S = 30.0
UNMOUNT_LIMIT_S = 10.0
ANSWER_LIMIT_S = 4.0
LOOK_EVERY_S = 30.0
STALE_LOOKS = 2
"""So many looks in a row without an answer, and a mount is made anew."""

_RETRY_S, _RETRY_MOST_S = 60.0, 1_800.0
_DENIED = "denied"
"""Ssh says so of a login; it is not tried again by itself, lest the account be locked."""

_PRIVATE = 0o700


@dataclass(slots=True)
class _Kept:
    """What is known of one folder's mount."""

    path: str
    point: Path
    is_wanted: bool = False
    answers: bool | None = None
    answered_at: datetime | None = None
    misses: int = 0
    failure: str = ""
    failures: int = 0
    """Attempts in a row by ourselves that came to nothing."""

    try_at_s: float = 0.0


class MountDesk:
    """One cluster's folders on this machine."""

    def __init__(
        self,
        config: ClusterConfig,
        settings: CollectorSettings,
        *,
        clock: Clock,
        machine: Machine,
        login: Callable[[], str],
    ) -> None:
        """Describe them; `run` looks after them.

        Args:
            config: The cluster, with the folders.
            settings: Where mounts and our own files lie.
            clock: For all times.
            machine: Where it all happens.
            login: Gives as whom we log in there; empty while that is not known.
        """
        self._config = config
        self._clock = clock
        self._machine = machine
        self._login = login
        self._folder = settings.mount_dir.expanduser().absolute() / config.name
        self._settings_file = settings.state_dir / f"{config.name}.mounts.ssh"
        self._pins_file = settings.state_dir / f"{config.name}.mounts.known_hosts"
        self._target = ssh_target(
            config,
            known_hosts=settings.known_hosts,
            ssh_config=settings.ssh_config,
            connect_limit_s=settings.connect_limit_s,
        )
        names = mount_names(config.mount_paths)
        self._kept = tuple(
            _Kept(path, self._folder / name)
            for path, name in zip(config.mount_paths, names, strict=True)
        )
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Look after what is mounted, for ever."""
        if not self._kept or self._obstacle():
            return
        mounted = await self._machine.mounted()
        for one in self._kept:
            one.is_wanted = _is_sshfs(mounted.get(one.point))
        while True:
            async with self._turn:
                await self._look()
            await self._clock.sleep(LOOK_EVERY_S)

    async def report(self) -> MountReport:
        """Say how they are; nothing is touched that could hang.

        Raises:
            OSError: The kernel's table cannot be read.
        """
        return self._report(await self._machine.mounted())

    async def act(self, request: MountRequest) -> MountReport:
        """Mount, unmount or mount anew, all folders at once, and say how they are then.

        Raises:
            ProblemError: Nothing can be mounted here, or not for this token.
        """
        require_login(self._login(), request.only_as)
        self._require_possible()
        async with self._turn:
            if request.act in (MountAct.UNMOUNT, MountAct.REMOUNT):
                await _each(self._unmount, self._kept)
            if request.act in (MountAct.MOUNT, MountAct.REMOUNT):
                await self._prepare_for_people()
                await self._mount_all()
        logger().info("mounts changed", cluster=self._config.name, act=request.act)
        return await self.report()

    def local_path(self, path: str) -> str:
        """Give where a path of the cluster can be read here; empty: nowhere that answers."""
        for one in self._kept:
            root = one.path.rstrip("/")
            if one.answers and (path == root or path.startswith(f"{root}/")):
                return f"{one.point}{path.removeprefix(root)}"
        return ""

    def _require_possible(self) -> None:
        name = self._config.name
        if not self._kept:
            raise ProblemError(
                ProblemCode.NOT_POSSIBLE,
                f"No folder of {name} is named that could be mounted.",
                remedy=f"Name some: `slurmfleet cluster update {name} --mount-path PATH`.",
            )
        if obstacle := self._obstacle():
            raise ProblemError(
                ProblemCode.NOT_POSSIBLE,
                f"Nothing of {name} can be mounted: {obstacle}.",
                remedy="Files are read without it: `slurmfleet logs`.",
            )

    def _obstacle(self) -> str:
        if self._config.transport is Transport.LOCAL:
            return "slurmfleet runs on its login node, so its folders are here already"
        return self._machine.obstacle()

    async def _mount_all(self) -> None:
        """Mount the first folder, then the others at once: a login that is denied is tried once."""
        first, *others = self._kept
        await self._mount(first)
        if _DENIED in first.failure.lower():
            for one in others:
                one.failure = f"not tried, since the login was denied: {first.failure}"
            return
        await _each(self._mount, others)

    async def _mount(self, one: _Kept) -> None:
        one.failure = ""
        mounted = (await self._machine.mounted()).get(one.point)
        if mounted is not None:
            if not _is_sshfs(mounted):
                one.failure = _something_else(mounted)
                return
            if await self._check(one):
                one.is_wanted = True
                return
            await self._let_go(one, mounted)
            if one.failure:
                return
        try:
            await asyncio.to_thread(one.point.mkdir, parents=True, exist_ok=True, mode=_PRIVATE)
            argv = mount_argv(self._target.host, _remote(one.path), one.point, self._settings_file)
            await self._machine.run(argv, limit_s=MOUNT_LIMIT_S)
        except (OSError, ValueError, ProgramFailedError) as exc:
            one.failure = str(exc)
            return
        one.is_wanted, one.failures = True, 0
        await self._check(one)

    async def _unmount(self, one: _Kept) -> None:
        one.is_wanted, one.failure = False, ""
        mounted = (await self._machine.mounted()).get(one.point)
        if mounted is None or not _is_sshfs(mounted):
            return
        if not await self._check(one):
            await self._let_go(one, mounted)
            return
        try:
            await self._machine.run(unmount_argv(one.point, lazily=False), limit_s=UNMOUNT_LIMIT_S)
        except ProgramFailedError as exc:
            one.failure, one.is_wanted = f"{exc}; close what is open in it", True
        else:
            one.answers = None

    async def _let_go(self, one: _Kept, mounted: Mounted) -> None:
        """Unmount what does not answer: at once, whoever hangs in it."""
        await self._machine.abort(mounted)
        try:
            await self._machine.run(unmount_argv(one.point, lazily=True), limit_s=UNMOUNT_LIMIT_S)
        except ProgramFailedError as exc:
            one.failure = str(exc)
        one.answers, one.misses = None, 0

    async def _look(self) -> None:
        """See whether what is mounted answers; make anew what has stopped to, or has gone."""
        mounted = await self._machine.mounted()
        async with asyncio.TaskGroup() as group:
            for one in self._kept:
                if _is_sshfs(mounted.get(one.point)):
                    group.create_task(self._check(one), name=f"look at {one.point}")
                else:
                    one.answers = None
        for one in self._kept:
            is_gone = one.point not in mounted
            is_due = self._clock.monotonic_s() >= one.try_at_s
            if one.is_wanted and is_due and (is_gone or one.misses >= STALE_LOOKS):
                await self._mount_anew(one)

    async def _mount_anew(self, one: _Kept) -> None:
        """Mount what has gone by itself; slower and slower, and never after a denied login."""
        await asyncio.to_thread(self._prepare)
        await self._mount(one)
        logger().warning("mount made anew", point=str(one.point), failure=one.failure)
        if not one.failure:
            return
        wait_s = min(_RETRY_S * 2**one.failures, _RETRY_MOST_S)
        one.failures += 1
        one.try_at_s = self._clock.monotonic_s() + wait_s
        one.is_wanted = _DENIED not in one.failure.lower()

    async def _check(self, one: _Kept) -> bool:
        one.answers = await self._machine.answers(one.point, limit_s=ANSWER_LIMIT_S)
        if one.answers:
            one.answered_at, one.misses = self._clock.now(), 0
        else:
            one.misses += 1
        return one.answers

    async def _prepare_for_people(self) -> None:
        """Write what ssh is told.

        Raises:
            ProblemError: It cannot be written, or says what no configuration of ssh can.
        """
        try:
            await asyncio.to_thread(self._prepare)
        except (OSError, ValueError) as exc:
            raise ProblemError(
                ProblemCode.NOT_POSSIBLE,
                f"ssh cannot be told how {self._config.name} is reached: {exc}.",
                remedy=f"`slurmfleet cluster show {self._config.name}` has its keys and host.",
            ) from exc

    def _prepare(self) -> None:
        """Write what ssh is told: how the cluster is reached, and its host keys."""
        text = ssh_settings(self._config, self._target, pinned=self._pins_file)
        pins = "".join(f"{line}\n" for line in self._target.pinned_host_keys)
        for file, content in ((self._settings_file, text), (self._pins_file, pins)):
            file.parent.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
            file.write_text(content, encoding="utf-8")

    def _report(self, mounted: Mapping[Path, Mounted]) -> MountReport:
        obstacle = self._obstacle()
        return MountReport(
            cluster=self._config.name,
            machine=self._machine.name,
            is_possible=not obstacle,
            obstacle=obstacle,
            mounts=tuple(_mount(one, mounted.get(one.point)) for one in self._kept),
            observed_at=self._clock.now(),
        )


async def _each(do: Callable[[_Kept], Coroutine[Any, Any, None]], kept: Sequence[_Kept]) -> None:
    async with asyncio.TaskGroup() as group:
        for one in kept:
            group.create_task(do(one), name=f"mount {one.point}")


def _mount(one: _Kept, mounted: Mounted | None) -> Mount:
    state, detail = MountState.NOT_MOUNTED, one.failure
    if mounted is not None and not _is_sshfs(mounted):
        detail = _something_else(mounted)
    elif mounted is not None:
        state = MountState.CHECKING if one.answers is None else MountState.MOUNTED
        if one.answers is False:
            state = MountState.STALE
            detail = detail or "it does not answer; it will be mounted anew"
    return Mount(
        path=one.path,
        mount_point=str(one.point),
        state=state,
        detail=detail,
        answered_at=one.answered_at,
    )


def _is_sshfs(mounted: Mounted | None) -> bool:
    return mounted is not None and mounted.kind == SSHFS


def _something_else(mounted: Mounted) -> str:
    return f"something else is mounted there: {mounted.kind}"


def _remote(path: str) -> str:
    """Give a path as sshfs wants it: absolute, or from the home.

    Raises:
        ValueError: It is neither.
    """
    if path.startswith("/"):
        return path
    if path == "~" or path.startswith("~/"):
        return path[2:]
    raise ValueError(f"{path[:200]!r} begins neither at / nor at ~")
