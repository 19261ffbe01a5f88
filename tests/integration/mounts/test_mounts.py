"""Folders mounted with the real sshfs over a real OpenSSH server, and every way they break."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from services.collector.mounts.desk import ANSWER_LIMIT_S, MountDesk
from slurmfleet.contracts.mounts import Mount, MountAct, MountReport, MountRequest, MountState
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.timing.clock import SystemClock
from tests.harness.openssh import keygen
from tests.integration.mounts.conftest import Site

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

AT_ONCE_S = 1.0
"""Far below what any look at a hanging mount would take."""


async def do(desk: MountDesk, act: MountAct) -> MountReport:
    return await desk.act(MountRequest(act=act))


def only(report: MountReport) -> Mount:
    (one,) = report.mounts
    return one


def states(report: MountReport) -> list[MountState]:
    return [one.state for one in report.mounts]


def daemons(site: Site) -> list[int]:
    """List the sshfs processes of this test."""
    listed = subprocess.run(
        ["pgrep", "-f", f"sshfs .*{site.near}"], capture_output=True, check=False
    )
    return [int(pid) for pid in listed.stdout.split()]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():
            await SystemClock().sleep(0.05)


async def by_hand(*argv: str) -> None:
    assert await (await asyncio.create_subprocess_exec(*argv)).wait() == 0


def listed(point: Path) -> list[str]:
    return [one.name for one in point.iterdir()]


async def test_a_mounted_folder_shows_what_lies_there_and_cannot_be_written(site: Site):
    (site.far / "log.out").write_text("epoch 1\n")
    desk = site.desk()
    before = only(await desk.report())

    mounted = only(await do(desk, MountAct.MOUNT))

    point = Path(mounted.mount_point)
    assert (before.state, mounted.state, mounted.detail) == ("not_mounted", "mounted", "")
    assert mounted.answered_at is not None
    assert (point / "log.out").read_text() == "epoch 1\n"
    with pytest.raises(OSError, match="Read-only"):
        (point / "new").touch()
    assert site.mounted() == [point]


async def test_files_of_a_mounted_folder_have_a_path_here_only_while_it_answers(site: Site):
    desk = site.desk()
    far = f"{site.far}/run/log.out"
    before = desk.local_path(far)

    point = only(await do(desk, MountAct.MOUNT)).mount_point
    here = [desk.local_path(one) for one in (far, str(site.far), f"{site.far}-2/log", "/etc")]
    await do(desk, MountAct.UNMOUNT)

    assert here == [f"{point}/run/log.out", point, "", ""]
    assert (before, desk.local_path(far)) == ("", "")


async def test_acts_may_be_repeated(site: Site):
    desk = site.desk()

    twice = [only(await do(desk, MountAct.MOUNT)).state for _ in range(2)]
    again = only(await do(desk, MountAct.REMOUNT)).state
    gone = [only(await do(desk, MountAct.UNMOUNT)).state for _ in range(2)]

    assert (twice, again) == (["mounted", "mounted"], "mounted")
    assert gone == ["not_mounted", "not_mounted"]
    assert site.mounted() == []


async def test_a_log_that_grows_is_seen_to_have_grown(site: Site):
    log = site.far / "log.out"
    log.write_text("1\n")
    near = Path(only(await do(site.desk(), MountAct.MOUNT)).mount_point) / "log.out"
    before = near.read_text()

    with log.open("a") as file:
        file.write("2\n")

    async def has_grown() -> bool:
        return await asyncio.to_thread(near.read_text) == "1\n2\n"

    await until(has_grown)
    assert before == "1\n"


async def test_folders_with_odd_names_are_mounted_beside_one_that_is_missing(site: Site):
    names = ("two words", "it's $(id) `id`", 'q"uote', "ünïcode", "-o allow_other", "a,b:c\\d")
    for name in names:
        (site.far / name).mkdir()
        (site.far / name / "here").write_text(name)
    paths = [str(site.far / name) for name in names]

    report = await do(site.desk(*paths, str(site.far / "missing")), MountAct.MOUNT)

    *good, bad = report.mounts
    assert [(one.state, one.detail) for one in good] == [(MountState.MOUNTED, "")] * len(names)
    assert [(Path(one.mount_point) / "here").read_text() for one in good] == list(names)
    assert bad.state is MountState.NOT_MOUNTED
    assert "No such file" in bad.detail


async def test_a_path_that_is_neither_absolute_nor_of_the_home_is_refused(site: Site):
    report = await do(site.desk("relative/path"), MountAct.MOUNT)

    assert "begins neither at / nor at ~" in only(report).detail


async def test_the_home_can_be_mounted(site: Site):
    site.sshd.give_home()
    (site.sshd.home / "mine").write_text("x")
    (site.sshd.home / "sub").mkdir()
    (site.sshd.home / "sub" / "deep").write_text("y")
    await site.sshd.restart()

    report = await do(site.desk("~", "~/sub"), MountAct.MOUNT)

    home, sub = (Path(one.mount_point) for one in report.mounts)
    assert ((home / "mine").read_text(), (sub / "deep").read_text()) == ("x", "y")


async def test_a_frozen_login_node_costs_nobody_anything(site: Site):
    """Everything hangs that touches the mount; we do not, and it can be let go."""
    desk = site.desk()
    point = Path(only(await do(desk, MountAct.MOUNT)).mount_point)
    site.sshd.freeze()
    victim = await asyncio.create_subprocess_exec(
        "ls", str(point / "x"), stderr=asyncio.subprocess.DEVNULL
    )

    began_s = time.monotonic()
    await desk.report()
    told_s = time.monotonic() - began_s
    await desk._look()
    looked_s = time.monotonic() - began_s
    stale = only(await desk.report())
    gone = only(await do(desk, MountAct.UNMOUNT))

    assert told_s < AT_ONCE_S
    assert looked_s < ANSWER_LIMIT_S + 3
    assert (stale.state, gone.state) == (MountState.STALE, MountState.NOT_MOUNTED)
    assert "anew" in stale.detail
    assert site.mounted() == []
    async with asyncio.timeout(5):  # whoever hung in it got an error
        assert await victim.wait() != 0


async def test_a_mount_whose_program_died_is_made_anew_by_itself(site: Site):
    (site.far / "here").touch()
    desk = site.desk()
    point = Path(only(await do(desk, MountAct.MOUNT)).mount_point)
    for pid in daemons(site):
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(OSError, match=r"not connected|connection abort"):
        await asyncio.to_thread(listed, point)

    await desk._look()
    stale = only(await desk.report()).state
    await desk._look()

    assert stale is MountState.STALE
    assert only(await desk.report()).state is MountState.MOUNTED
    assert await asyncio.to_thread(listed, point) == ["here"]


async def test_what_an_earlier_collector_mounted_is_looked_after(site: Site):
    await do(site.desk(), MountAct.MOUNT)
    later = site.desk()

    async def is_known() -> bool:
        return only(await later.report()).state is MountState.MOUNTED

    looking = asyncio.ensure_future(later.run())
    await until(is_known)
    looking.cancel()
    for pid in daemons(site):
        os.kill(pid, signal.SIGKILL)
    for _ in range(2):
        await later._look()

    assert only(await later.report()).state is MountState.MOUNTED


async def test_an_unmounted_folder_stays_so(site: Site):
    desk = site.desk()
    await do(desk, MountAct.MOUNT)
    await do(desk, MountAct.UNMOUNT)

    for _ in range(3):
        await desk._look()

    assert site.mounted() == []


async def test_a_mount_in_use_is_not_torn_away(site: Site):
    (site.far / "log").write_text("x")
    desk = site.desk()
    point = Path(only(await do(desk, MountAct.MOUNT)).mount_point)

    with (point / "log").open():
        kept = only(await do(desk, MountAct.UNMOUNT))
    gone = only(await do(desk, MountAct.UNMOUNT))

    assert (kept.state, gone.state) == (MountState.MOUNTED, MountState.NOT_MOUNTED)
    assert "close what is open in it" in kept.detail


async def test_a_login_node_with_another_key_is_refused(site: Site):
    other = site.sshd.host_line("rsa").split(" ", 1)[0]
    folder = site.near.parent / "forged"
    keygen("-t", "ed25519", "-f", str(folder))
    algorithm, data = folder.with_suffix(".pub").read_text().split()[:2]

    report = await do(site.desk(host_keys=[f"{other} {algorithm} {data}"]), MountAct.MOUNT)

    assert states(report) == [MountState.NOT_MOUNTED]
    assert "Host key verification failed" in only(report).detail
    assert site.mounted() == []


async def test_an_unknown_login_node_is_not_trusted_on_first_sight(site: Site):
    report = await do(site.desk(host_keys=[]), MountAct.MOUNT)

    assert states(report) == [MountState.NOT_MOUNTED]
    assert "Host key verification failed" in only(report).detail
    assert site.mounted() == []


async def test_a_denied_login_is_tried_once_and_never_by_itself(site: Site):
    stranger = site.near.parent / "stranger"
    keygen("-t", "ed25519", "-f", str(stranger))
    paths = [str(site.far), *(f"{site.far}/{number}" for number in range(4))]
    desk = site.desk(*paths, key_files=[str(stranger)])

    report = await do(desk, MountAct.MOUNT)
    for _ in range(3):
        await desk._look()

    assert "denied" in report.mounts[0].detail
    assert all("not tried" in one.detail for one in report.mounts[1:])
    assert site.sshd.log().count("Connection closed by authenticating user") == 1


async def test_a_mount_whose_login_is_denied_later_is_not_tried_for_ever(site: Site):
    desk = site.desk()
    await do(desk, MountAct.MOUNT)
    (site.sshd.folder / "client_key.pub").write_text("")
    for pid in daemons(site):
        os.kill(pid, signal.SIGKILL)

    for _ in range(6):
        await desk._look()

    assert site.sshd.log().count("Connection closed by authenticating user") == 1
    assert "denied" in only(await desk.report()).detail


async def test_without_sshfs_it_says_what_is_missing(site: Site, tmp_path: Path):
    bare = tmp_path / "bin"
    bare.mkdir()
    desk = site.desk(environment={"PATH": str(bare)})

    report = await desk.report()
    with pytest.raises(ProblemError) as refusal:
        await do(desk, MountAct.MOUNT)

    assert not report.is_possible
    assert report.obstacle.startswith("sshfs is not installed on ")
    assert refusal.value.code is ProblemCode.NOT_POSSIBLE
    assert "sshfs" in refusal.value.detail


async def test_a_cluster_that_names_no_folder_says_how_to(site: Site):
    desk = site.desk(mount_paths=[])

    with pytest.raises(ProblemError) as refusal:
        await do(desk, MountAct.MOUNT)

    assert "--mount-path" in refusal.value.remedy


async def test_what_cannot_be_said_to_ssh_is_a_problem_and_nothing_is_mounted(site: Site):
    with pytest.raises(ProblemError) as refusal:
        await do(site.desk(key_files=['/keys/"mine"']), MountAct.MOUNT)

    assert refusal.value.code is ProblemCode.NOT_POSSIBLE
    assert site.mounted() == []


@pytest.mark.skipif(os.getuid() != 0, reason="by design: only root can mount something else")
async def test_what_somebody_else_mounted_there_is_left_alone(site: Site):
    desk = site.desk()
    point = Path(only(await desk.report()).mount_point)
    await asyncio.to_thread(point.mkdir, parents=True)
    await by_hand("mount", "-t", "tmpfs", "tmpfs", str(point))
    try:
        told = [only(await do(desk, act)) for act in (MountAct.MOUNT, MountAct.UNMOUNT)]
        await desk._look()
        left = site.mounted()
    finally:
        await by_hand("umount", str(point))

    assert [one.detail for one in told] == ["something else is mounted there: tmpfs"] * 2
    assert (left, desk.local_path(f"{site.far}/x")) == ([point], "")


async def test_a_folder_that_somebody_unmounted_is_not_said_to_be_here(site: Site):
    desk = site.desk()
    point = only(await do(desk, MountAct.MOUNT)).mount_point
    await site.sshd.stop()
    await by_hand("fusermount3", "-uz", "--", point)

    await desk._look()

    assert desk.local_path(f"{site.far}/x") == ""


async def test_a_token_for_others_may_not_mount(site: Site):
    with pytest.raises(ProblemError) as refusal:
        await site.desk().act(MountRequest(act=MountAct.MOUNT, only_as=("ben",)))

    assert refusal.value.code is ProblemCode.FORBIDDEN
    assert site.mounted() == []


@pytest.mark.skipif(shutil.which("ssh") is None, reason="OpenSSH's client is not installed")
async def test_a_users_own_configuration_is_read_and_cannot_turn_trust_off(
    site: Site, tmp_path: Path
):
    own = tmp_path / "config"
    own.write_text(
        f"Host login\n  HostName 127.0.0.1\n  Port {site.sshd.port}\n"
        "  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n"
    )
    settings = site.settings.model_copy(update={"ssh_config": (own,)})
    told = {"host": "login", "port": 22}
    trusting = Site(sshd=site.sshd, far=site.far, near=site.near, settings=settings)

    known = only(await do(trusting.desk(**told), MountAct.MOUNT))
    await do(trusting.desk(**told), MountAct.UNMOUNT)
    unknown = only(await do(trusting.desk(**told, host_keys=[]), MountAct.MOUNT))

    assert (known.state, unknown.state) == (MountState.MOUNTED, MountState.NOT_MOUNTED)
