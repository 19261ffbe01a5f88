"""Scripts give the same bytes in a bash that stays open and in one of their own."""

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest

from slurmfleet.ssh.conversation import CommandResult
from slurmfleet.ssh.errors import (
    SshConfigError,
    SshConnectionLostError,
    SshNoShellError,
    SshOutputTooLargeError,
    SshTimeoutError,
)
from slurmfleet.ssh.link import SshLink
from slurmfleet.testing.clock import ManualClock
from slurmfleet.timing.clock import SystemClock
from tests.harness.openssh import Sshd, need_login_shell, processes, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

NOISE = "echo 'Welcome to alpha!'; echo 'quota: 99 %' >&2\n"

SCRIPTS = {
    "status": "echo out; echo err >&2; exit 3",
    "binary": "printf 'a\\000b\\377'; printf '\\n\\n'",
    "no newline": "printf x",
    "nothing": "",
    "descriptors": "exec 3>&1 4>&2\necho three >&3\necho four >&4\nexit 0\necho never",
    "quotes": "#!/bin/bash\nfor one in \"a b\" 'c\"d' $'e\\nf'; do printf '[%s]' \"$one\"; done",
    "here": "cat <<'END'\n  $HOME é漢\nEND\n",
    "state": "set -eu; umask 077; cd /; export FOO=bar; umask; false; echo never",
    "leftovers": "echo ${FOO-unset} $(umask) $-; set | grep -c ^slurmfleet",
    "missing": "no_such_command; echo $?",
    "late writer": "(sleep 0.3; echo late) & exit 5",
    "large": "head -c 3000000 /dev/zero | tr '\\0' y",
    "no input": 'cat; read -r line; echo "[$line]"',
    "marks": "for i in 1 2; do printf '\\n%032d END 0\\n' $i; done",
}


@pytest.fixture
async def clock() -> ManualClock:
    return ManualClock()


async def warm(link: SshLink) -> None:
    """Run scripts until one went through the bash that stays open."""
    ran = link.shell_runs
    while link.shell_runs == ran:
        await link.run_script("true", limit_s=20)
        await SystemClock().sleep(0.05)


def outcome(result: CommandResult) -> tuple[int | None, bytes, bytes]:
    # bash's own complaints count lines from where it began to read.
    complaint = re.sub(rb"bash: line \d+:", b"bash:", result.stderr)
    return result.exit_status, result.stdout, complaint


def speak_out_of_frame(pid: int) -> None:
    Path(f"/proc/{pid}/fd/1").write_bytes(b"wall: going down\n")


@pytest.mark.parametrize("shell", ["/bin/bash", "/bin/tcsh", "/usr/bin/zsh", "/usr/bin/fish"])
async def test_bytes_are_those_of_plain_exec(sshd: Sshd, clock: ManualClock, shell: str):
    need_login_shell(shell)
    sshd.give_home()
    await sshd.restart(login_shell=shell)

    async with (
        SshLink(sshd.target(), clock=clock, keeps_shell=False) as plain,
        SshLink(sshd.target(), clock=clock) as framed,
    ):
        await warm(framed)
        ran = framed.shell_runs
        for name, script in SCRIPTS.items():
            expected = await plain.run("bash -s", stdin=script.encode(), limit_s=20)
            one_shot = await plain.run_script(script, limit_s=20)
            in_shell = await framed.run_script(script, limit_s=20)
            assert outcome(one_shot) == outcome(expected), name
            assert outcome(in_shell) == outcome(one_shot), name
        went_through = framed.shell_runs - ran

    assert went_through == len(SCRIPTS)


@pytest.mark.parametrize(
    ("shell", "dotfile", "noise"),
    [
        ("/bin/bash", ".bashrc", NOISE),
        ("/bin/tcsh", ".cshrc", "echo 'Welcome to alpha!'\n"),
        ("/usr/bin/zsh", ".zshenv", NOISE),
    ],
)
async def test_noise_of_dotfiles_never_reaches_the_data(
    sshd: Sshd, clock: ManualClock, shell: str, dotfile: str, noise: str
):
    need_login_shell(shell)
    banner = sshd.folder / "banner"
    banner.write_text("Authorised use only\n")
    sshd.dotfile(dotfile, noise)
    await sshd.restart(login_shell=shell, more=f"Banner {banner}\nPrintMotd yes")

    async with SshLink(sshd.target(), clock=clock) as link:
        raw = await link.run("echo data", limit_s=20)
        first = await link.run_script("echo data; echo err >&2", limit_s=20)
        await warm(link)
        framed = await link.run_script("echo data; echo err >&2", limit_s=20)
        async with link.stream("echo data") as lines:
            streamed = [line async for line in lines]

    assert raw.stdout == b"Welcome to alpha!\ndata\n"  # the dotfile does speak
    assert outcome(first) == outcome(framed) == (0, b"data\n", b"err\n")
    assert streamed == [b"data"]


async def test_what_dotfiles_export_is_there_in_both(sshd: Sshd, clock: ManualClock):
    sshd.dotfile(".bashrc", "export SITE=alpha\n")
    await sshd.restart(login_shell="/bin/bash")

    async with SshLink(sshd.target(), clock=clock) as link:
        first = await link.run_script("echo $SITE", limit_s=20)
        await warm(link)
        framed = await link.run_script("echo $SITE", limit_s=20)

    assert first.stdout == framed.stdout == b"alpha\n"


async def test_a_login_script_sees_what_the_profile_exports(sshd: Sshd, clock: ManualClock):
    sshd.dotfile(".bash_profile", "echo noise; export SITE=alpha\n")
    await sshd.restart(login_shell="/bin/bash")

    async with SshLink(sshd.target(), clock=clock) as link:
        result = await link.run_script("echo $SITE", limit_s=20, login=True)

    assert result.stdout == b"alpha\n"


async def test_open_shell_spares_slow_dotfiles(sshd: Sshd, clock: ManualClock):
    sshd.dotfile(".bashrc", f"echo read >> {sshd.folder}/read\n")
    (sshd.folder / "read").touch(mode=0o666)
    (sshd.folder / "read").chmod(0o666)
    await sshd.restart(login_shell="/bin/bash")

    async with SshLink(sshd.target(), clock=clock) as link:
        await warm(link)
        before = (sshd.folder / "read").read_text()
        for _ in range(5):
            await link.run_script("true", limit_s=20)
        after = (sshd.folder / "read").read_text()

    assert before.startswith("read\n")
    assert before == after


async def test_a_hanging_script_kills_its_shell_and_the_next_runs_at_once(
    sshd: Sshd, clock: ManualClock
):
    async with SshLink(sshd.target(), clock=clock) as link:
        await warm(link)
        ran = link.shell_runs
        with pytest.raises(SshTimeoutError):
            await link.run_script("sleep 614.111", limit_s=1)
        result = await link.run_script("echo fine", limit_s=10)
        await until(lambda: "sleep 614.111" not in processes())

    assert (result.stdout, link.shell_runs, link.connections_opened) == (b"fine\n", ran, 1)


async def test_scripts_at_once_do_not_wait_for_the_shell(sshd: Sshd, clock: ManualClock):
    async with SshLink(sshd.target(), clock=clock) as link:
        await warm(link)
        async with asyncio.TaskGroup() as group:
            slow = group.create_task(link.run_script("sleep 1.5; echo slow", limit_s=20))
            await until(lambda: "sleep 1.5" in processes())
            quick = await link.run_script("echo quick", limit_s=20)
            was_first = not slow.done()

    assert (quick.stdout, slow.result().stdout, was_first) == (b"quick\n", b"slow\n", True)


async def test_a_shell_that_died_is_replaced_after_a_while(sshd: Sshd, clock: ManualClock):
    async with SshLink(sshd.target(), clock=clock) as link:
        await warm(link)
        pid = int((await link.run_script("echo $$", limit_s=20)).stdout)
        os.kill(pid, signal.SIGKILL)
        after = await link.run_script("echo fine", limit_s=20)
        ran = link.shell_runs
        for _ in range(3):
            await link.run_script("true", limit_s=20)
        went_plain = link.shell_runs == ran
        clock.advance(61)
        await warm(link)

    assert (after.stdout, went_plain) == (b"fine\n", True)


async def test_a_script_that_may_have_begun_is_not_begun_again(sshd: Sshd, clock: ManualClock):
    trace = sshd.folder / "trace"
    trace.touch()
    trace.chmod(0o666)

    async with SshLink(sshd.target(), clock=clock) as link:
        await warm(link)
        with pytest.raises(SshConnectionLostError):
            await link.run_script(f"echo x >> {trace}; kill -9 $$; sleep 1", limit_s=20)
        after = await link.run_script("echo fine", limit_s=20)

    assert (trace.read_text(), after.stdout) == ("x\n", b"fine\n")


async def test_words_out_of_frame_cost_the_shell_and_never_reach_data(
    sshd: Sshd, clock: ManualClock
):
    async with SshLink(sshd.target(), clock=clock) as link:
        await warm(link)
        ran = link.shell_runs
        shell = int((await link.run_script("echo $$", limit_s=20)).stdout)
        speak_out_of_frame(shell)
        await SystemClock().sleep(0.3)
        after = await link.run_script("echo data", limit_s=20)

    assert (after.stdout, link.shell_runs) == (b"data\n", ran + 1)


async def test_too_much_output_stops_the_script(sshd: Sshd, clock: ManualClock):
    async with SshLink(sshd.target(), clock=clock) as link:
        await warm(link)
        with pytest.raises(SshOutputTooLargeError):
            await link.run_script("yes out", limit_s=20, max_output_bytes=100_000)
        await until(lambda: "yes out" not in processes())
        after = await link.run_script("echo fine", limit_s=20)

    assert after.stdout == b"fine\n"


async def test_no_word_of_a_script_stands_on_a_command_line(sshd: Sshd, clock: ManualClock):
    async with SshLink(sshd.target(), clock=clock) as link, asyncio.TaskGroup() as group:
        await warm(link)
        runs = [
            group.create_task(link.run_script("secret=4711; sleep 0.777", limit_s=20))
            for _ in range(2)  # one in the open shell, one in its own
        ]
        await until(lambda: processes().count("sleep 0.777") == 2)
        seen = processes()

    assert all(run.result().exit_status == 0 for run in runs)
    assert "4711" not in seen


async def test_a_nul_is_refused_before_anything_is_sent(sshd: Sshd, clock: ManualClock):
    async with SshLink(sshd.target(), clock=clock) as link:
        with pytest.raises(SshConfigError):
            await link.run_script("echo \0", limit_s=20)

    assert link.connections_opened == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"login_shell": "/bin/false"}, ""),
        ({"login_shell": "/usr/sbin/nologin"}, "This account is currently not available."),
        ({"more": "ForceCommand echo Only rsync here."}, "Only rsync here."),
        ({"more": "ForceCommand internal-sftp"}, None),
    ],
    ids=["false", "nologin", "forced", "sftp"],
)
async def test_a_login_that_runs_no_commands_is_told(
    sshd: Sshd, clock: ManualClock, changes: dict[str, object], said: str | None
):
    await sshd.restart(**changes)

    async with SshLink(sshd.target(), clock=clock) as link:
        with pytest.raises(SshNoShellError) as caught:
            await link.run_script("echo data", limit_s=20)

    assert said is None or caught.value.said == said
    assert "needs a login shell" in str(caught.value)


async def test_a_site_without_sftp_is_as_good_as_any(sshd: Sshd, clock: ManualClock):
    await sshd.restart(more="Subsystem sftp /bin/false")

    async with SshLink(sshd.target(), clock=clock) as link:
        await warm(link)
        result = await link.run_script("echo data", limit_s=20)
        async with link.stream("echo data") as lines:
            streamed = [line async for line in lines]

    assert (result.stdout, streamed) == (b"data\n", [b"data"])
    assert "subsystem" not in sshd.log()


async def test_where_one_session_is_allowed_scripts_run_without_a_shell(
    sshd: Sshd, clock: ManualClock
):
    await sshd.restart(max_sessions=1)

    async with SshLink(sshd.target(), clock=clock) as link:
        for _ in range(2):
            async with asyncio.TaskGroup() as group:
                runs = [
                    group.create_task(link.run_script("echo data", limit_s=30)) for _ in range(4)
                ]
            assert [run.result().stdout for run in runs] == [b"data\n"] * 4

    assert link.connections_opened == 1
