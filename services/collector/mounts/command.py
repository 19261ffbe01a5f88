"""The programs that mount and unmount, and the ssh configuration that leads to a cluster; pure.

sshfs reaches the cluster by OpenSSH's client, which reads the same settings as our own connection:
host, port, user, keys, jumps and the host keys that the registry knows. It asks nobody anything.

Source: sshfs(1) 3.7, fusermount3(1), ssh_config(5) of OpenSSH 9.2.
"""

from collections.abc import Sequence
from pathlib import Path

from slurmfleet.contracts.registry import ClusterConfig, Transport
from slurmfleet.ssh.target import DEFAULT_PORT, SshTarget

SSHFS, FUSERMOUNT = "sshfs", "fusermount3"

OPTIONS = (
    "ro",  # what runs on the cluster writes there; a slip of the hand here shall not
    "reconnect",
    "sshfs_verbose",  # else it keeps to itself why ssh failed
    "nodev",
    "nosuid",
    "noexec",
    # A log that grows is seen to have grown within moments.
    "dcache_timeout=2",
    "attr_timeout=1",
    "entry_timeout=1",
)
_ALIVE_EVERY_S, _ALIVE_MISSES = 15, 3


def mount_argv(host: str, path: str, point: Path, ssh_config: Path) -> Sequence[str]:
    """Give the command that mounts a folder of `host`, and ends once it is mounted."""
    named = f"[{host}]" if ":" in host else host
    options = [word for one in OPTIONS for word in ("-o", one)]
    return (SSHFS, f"{named}:{path}", str(point), "-F", str(ssh_config), *options)


def unmount_argv(point: Path, *, lazily: bool) -> Sequence[str]:
    """Give the command that unmounts; lazily: at once, though somebody is still in it."""
    return (FUSERMOUNT, "-uz" if lazily else "-u", "--", str(point))


def ssh_settings(config: ClusterConfig, target: SshTarget, *, pinned: Path) -> str:
    """Give the text of an ssh configuration that leads to a cluster as our connection is led.

    Args:
        config: The cluster.
        target: How it is reached.
        pinned: File of the host keys that the registry knows of it.
    """
    trusted = [pinned] if target.pinned_host_keys else target.known_hosts_files
    own = [
        *([f"Port {target.port}"] if target.port not in (None, DEFAULT_PORT) else []),
        *([f"User {_quoted(target.user)}"] if target.user else []),
        *(f"IdentityFile {_plain(one)}" for one in target.key_files),
        *(["IdentitiesOnly yes"] if target.key_files else []),
        *([f"ProxyJump {target.jump}"] if target.jump else []),
        *_files("UserKnownHostsFile", trusted),
    ]
    if config.transport is Transport.MASTER:
        own += [
            *([f"ControlPath {_quoted(target.control_path)}"] if target.control_path else []),
            # Without the master somebody would be asked for a code, and nobody is there.
            "ControlMaster no",
            "ProxyCommand false",
        ]
    every = [
        "BatchMode yes",
        "StrictHostKeyChecking yes",
        "GlobalKnownHostsFile /dev/null",
        f"ConnectTimeout {max(1, round(target.connect_timeout_s))}",
        f"ServerAliveInterval {_ALIVE_EVERY_S}",
        f"ServerAliveCountMax {_ALIVE_MISSES}",
        *_files("UserKnownHostsFile", target.known_hosts_files),
        *(f"Include {_quoted(one)}" for one in target.config_files),
    ]
    lines = ["# Written by slurmfleet at every mount.", f"Host {target.host}"]
    lines += [f"  {one}" for one in own]
    lines += ["Host *", *(f"  {one}" for one in every)]
    return "\n".join(lines) + "\n"


def _files(name: str, files: Sequence[Path]) -> Sequence[str]:
    return [f"{name} {' '.join(map(_plain, files))}"] if files else []


def _plain(path: Path) -> str:
    """Quote a path in which nothing stands for anything else.

    Raises:
        ValueError: As `_quoted`; or it has `${`, which ssh cannot be kept from reading.
    """
    if "${" in str(path):
        raise ValueError(f"{str(path)[:80]!r} cannot stand in an ssh configuration")
    return _quoted(str(path).replace("%", "%%"))


def _quoted(value: object) -> str:
    """Quote a value as ssh_config wants it; it has no way to write a quote itself.

    Raises:
        ValueError: The value has one, or a line end.
    """
    text = str(value)
    if any(one in text for one in '"\n\r\0'):
        raise ValueError(f"{text[:80]!r} cannot stand in an ssh configuration")
    return f'"{text}"'
