#!/usr/bin/env python3
"""Records what a real cluster answers to the questions about shares, limits and use.

Runs the very commands that the collector would, through the system's OpenSSH client. Each case
becomes a folder `<out>/<slurm version>/<case>/` with the command, its two outputs byte for byte and
a `meta.json`.

    record_shares.py --ssh-config CONFIG --host alpha-alice --users alice,bob --accounts ml,science
"""

import argparse
import json
import shlex
import subprocess
from datetime import date, timedelta
from pathlib import Path

from slurmfleet.slurm.commands import Section
from slurmfleet.slurm.config import parse_config
from slurmfleet.slurm.share_commands import (
    account_associations_section,
    config_section,
    qos_section,
    shares_section,
    today_section,
    usage_section,
    user_associations_section,
)
from slurmfleet.timing.clock import SystemClock

ENVIRONMENT = "LC_ALL=C SLURM_TIME_FORMAT=%s"
SSH_TIMEOUT_S = 120


def run(ssh: list[str], section: Section) -> tuple[str, "subprocess.CompletedProcess[bytes]"]:
    """Run a section's command on the login node."""
    command = shlex.join(section.argv)
    done = subprocess.run(  # noqa: S603 - the arguments are ours; the remote shell sees one word
        [*ssh, f"exec bash -c {shlex.quote(f'{ENVIRONMENT} exec {command}')}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=SSH_TIMEOUT_S,
    )
    return command, done


def main() -> None:
    """Record every case."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", required=True, help="host as ssh knows it, e.g. alpha-alice")
    parser.add_argument("--ssh-config", required=True)
    parser.add_argument("--users", default="alice")
    parser.add_argument("--accounts", required=True)
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/shares"))
    arguments = parser.parse_args()
    ssh = ["ssh", "-o", "BatchMode=yes", "-F", arguments.ssh_config, arguments.host]
    users, accounts = arguments.users.split(","), arguments.accounts.split(",")
    version = run(ssh, Section(name="version", argv=("sinfo", "--version"), limit_s=10))[1]
    slurm_version = version.stdout.split()[1].decode()
    config = parse_config(run(ssh, config_section())[1].stdout.decode())
    today = date.fromisoformat(run(ssh, today_section())[1].stdout.decode().strip())
    unknown_field = Section(
        name="x", argv=(*qos_section().argv[:-1], "format=Name,Nonsense"), limit_s=10
    )
    sections = {
        "shares": shares_section(users),
        "shares-unknown-user": shares_section(["nobody-of-that-name"]),
        "associations": account_associations_section(config.cluster_name),
        "associations-unknown-cluster": account_associations_section("no-such-cluster"),
        "associations-users": user_associations_section(config.cluster_name, users),
        "qos": qos_section(),
        "qos-unknown-field": unknown_field,
        "usage-today": usage_section(today, accounts, days_ago=0),
        "usage-nothing": usage_section(today - timedelta(days=30), accounts, days_ago=30),
    }
    for case, section in sections.items():
        command, done = run(ssh, section)
        folder = arguments.out / slurm_version / case
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "command.txt").write_text(command + "\n")
        (folder / "stdout").write_bytes(done.stdout)
        (folder / "stderr").write_bytes(done.stderr)
        meta = {
            "case": case,
            "exit_status": done.returncode,
            "how": "deploy/testbed/record_shares.py",
            "recorded_at": SystemClock().now().isoformat(timespec="seconds"),
            "slurm_version": slurm_version,
        }
        (folder / "meta.json").write_text(json.dumps(meta, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
