"""The command lines of OpenSSH's client as a guest of a master, and what it says; pure.

Source: ssh(1), ssh_config(5), mux.c of OpenSSH 9.2; behaviour seen with 9.2p1: a client that a
master refuses, or that finds no master, makes a connection of its own unless something stops it.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

from slurmfleet.ssh.target import SshTarget

_GUEST_OPTIONS: Final = (
    # A client without a master would log in by itself. `ProxyCommand` keeps it from that: it is
    # used for nothing but a connection of one's own, and it outranks ProxyJump of the file.
    "ProxyCommand=false",
    "ControlMaster=no",
    "BatchMode=yes",
    "ClearAllForwardings=yes",  # else each command would ask the master for the file's forwards
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "LogLevel=ERROR",
)
_PID = re.compile(r"Master running \(pid=([0-9]+)\)")
_REFUSED = ("open refused by peer", "session request failed")
_NO_MASTER = ("Control socket connect", "No ControlPath", "No such file or directory")


class Complaint(Enum):
    """What ssh's own failure (status 255) means."""

    REFUSED = auto()
    NO_MASTER = auto()
    LOST = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterPlace:
    """Where a master is to be found, after ssh_config has had its say."""

    host: str
    user: str
    port: int
    control_path: str
    """Absolute, tokens expanded; empty where ssh knows of none."""


def guest_argv(target: SshTarget, command: str) -> tuple[str, ...]:
    """Give the call that runs a command through the master, and that can do nothing else."""
    return (*_ssh(target), "--", target.host, command)


def check_argv(target: SshTarget) -> tuple[str, ...]:
    """Give the call that asks whether the master lives; it never connects to the host."""
    return (*_ssh(target), "-O", "check", "--", target.host)


def place_argv(target: SshTarget) -> tuple[str, ...]:
    """Give the call that prints what ssh_config says of the host; it never connects."""
    return (*_ssh(target), "-G", "--", target.host)


def opening_command(target: SshTarget, place: MasterPlace | None) -> str:
    """Give the command with which a person opens the master: it asks what the site asks."""
    path = (place.control_path if place is not None else "") or target.control_path
    words = ["ssh", "-M", *(["-S", path] if path else []), "-o", "ControlPersist=8h", "-fN"]
    words += _config(target)
    words += ["-p", str(target.port)] if target.port is not None else []
    words += ["-J", target.jump] if target.jump else []
    words.append(f"{target.user}@{target.host}" if target.user else target.host)
    return shlex.join(words)


def parse_place(text: str) -> MasterPlace:
    """Read the output of `ssh -G`: a keyword in small letters and its value on each line."""
    values = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
    path = values.get("controlpath", "")
    port = values.get("port", "")
    return MasterPlace(
        host=values.get("hostname", ""),
        user=values.get("user", ""),
        port=int(port) if port.isdigit() else 0,
        control_path=path if path != "none" else "",
    )


def parse_check(text: str) -> int | None:
    """Read the answer to `ssh -O check`: the master's process id, or None."""
    found = _PID.search(text)
    return int(found[1]) if found else None


def complaint(stderr: str) -> Complaint:
    """Say what ssh complained of when it ended with 255 before the command began."""
    if any(words in stderr for words in _REFUSED):
        return Complaint.REFUSED
    if any(words in stderr for words in _NO_MASTER):
        return Complaint.NO_MASTER
    return Complaint.LOST


def first_words(stderr: str) -> str:
    """Give the first line that tells something; the rest is about the connection not made."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return lines[0][:200] if lines else "it said nothing"


def announced(command: str, mark: str) -> str:
    """Give a command that first tells the process group it runs in, for who wants to stop it.

    The login shell leads that group under sshd, so it is the parent of this `sh`. Plain words, the
    same in sh, csh, zsh and fish.
    """
    return f"sh -c 'echo {mark} $PPID'; {command}"


def stopping(group: int, *, grace_s: float) -> str:
    """Give the command that ends a process group of the far side."""
    if not grace_s:
        return f"sh -c 'kill -s KILL -- -{group}'"
    return f"sh -c 'kill -s TERM -- -{group}; sleep {grace_s:g}; kill -s KILL -- -{group}'"


def _ssh(target: SshTarget) -> Sequence[str]:
    return (
        "ssh",
        *(["-S", target.control_path] if target.control_path else []),
        *(part for option in _GUEST_OPTIONS for part in ("-o", option)),
        *_config(target),
        *(["-p", str(target.port)] if target.port is not None else []),
        *(["-l", target.user] if target.user else []),
    )


def _config(target: SshTarget) -> Sequence[str]:
    """Name the configuration file, if it is not the one that ssh reads by itself."""
    others = [one for one in target.config_files if one != Path("~/.ssh/config").expanduser()]
    return ("-F", str(others[0])) if others else ()
