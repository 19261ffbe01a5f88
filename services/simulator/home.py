"""What lies on a simulated login node: homes, dotfiles and the client programs."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from services.simulator.commands import CLIENTS
from services.simulator.storage import MOUNT

BANNER = """\
*****************************************************************
*  Welcome. Maintenance on Tuesday; quotas are enforced. é ✓    *
*****************************************************************
"""
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
SHIM = Path(__file__).with_name("shim.py")
STEP_SHIM = Path(__file__).with_name("stepshim.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginFolder:
    """The files of one login node under `root`."""

    root: Path
    socket: Path
    """Where its client programs ask."""

    @property
    def programs(self) -> Path:
        """The folder of client programs."""
        return self.root / "bin"

    def home(self, user: str) -> Path:
        """Give a user's home."""
        return self.root / "home" / user

    def make(self, users: tuple[str, ...]) -> None:
        """Write the programs and the users' homes; what users have put there stays."""
        self.programs.mkdir(parents=True, exist_ok=True)
        for program in CLIENTS:
            _write_program(self.programs / program, self._wrapper(program))
        for user in users:
            (self.home(user) / "work" / "logs").mkdir(parents=True, exist_ok=True)
        self.set_noise(users, noisy=False)

    def set_noise(self, users: tuple[str, ...], *, noisy: bool) -> None:
        """Let dotfiles print a banner on standard output and standard error, or be quiet."""
        noise = "cat >&2 <<'END'\n" + BANNER + "END\ncat <<'END'\n" + BANNER + "END\n"
        noise += "printf 'no newline at the end'\n"
        path = f"export PATH={shlex.quote(str(self.programs))}:$PATH\n"
        for user in users:
            home = self.home(user)
            (home / ".bash_profile").write_text(path + noise * noisy, encoding="utf-8")
            (home / ".profile").write_text(path + noise * noisy, encoding="utf-8")
            (home / ".bashrc").write_text(noise * noisy, encoding="utf-8")

    def environment(self, user: str) -> dict[str, str]:
        """Give the variables that sshd sets for a session."""
        return {
            "HOME": str(self.home(user)),
            "USER": user,
            "LOGNAME": user,
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "PATH": f"{self.programs}:{SYSTEM_PATH}",
        }

    def _wrapper(self, program: str) -> str:
        python, shim, socket = (
            shlex.quote(str(path)) for path in (sys.executable, SHIM, self.socket)
        )
        if program == "srun":
            runner = shlex.quote(str(STEP_SHIM))
            return f'#!/bin/sh\nexec {python} -I -S {runner} {socket} {python} {shim} "$@"\n'
        ask = f'exec {python} -I -S {shim} {socket} {program} "$@"\n'
        if program == "date":
            return f'#!/bin/sh\n[ "$*" = +%s ] || exec /bin/date "$@"\n{ask}'
        if program == "df":
            ours = f"{MOUNT}|{MOUNT}/*"
            real = f'case $path in {ours}) ;; *) exec /bin/df "$@" ;; esac\n'
            return f"#!/bin/sh\nfor path; do :; done\n{real}{ask}"
        return f"#!/bin/sh\n{ask}"


def _write_program(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(0o755)
    fresh.replace(path)
