"""What ssh and sshfs are told."""

from pathlib import Path

import pytest

from services.collector.mounts.command import mount_argv, ssh_settings, unmount_argv
from services.collector.target import ssh_target
from slurmfleet.contracts.mounts import mount_names
from slurmfleet.contracts.registry import ClusterConfig

PINNED = Path("/state/alpha.known_hosts")
KEY = (
    "login.example.org ssh-ed25519"
    " AAAAC3NzaC1lZDI1NTE5AAAAIHlxJ0vVJgZpyFXYK9kQzH0VwcyZpYQe7e0Tg1PZ0bqv"
)


def settings(known: str = "/home/ada/.ssh/known_hosts", **more: object) -> list[str]:
    config = ClusterConfig.model_validate({"name": "alpha", "host": "login.example.org", **more})
    target = ssh_target(
        config, known_hosts=(Path(known),), ssh_config=(Path("/etc/passwd"),), connect_limit_s=15
    )
    return ssh_settings(config, target, pinned=PINNED).splitlines()


def test_the_cluster_is_reached_as_our_own_connection_is():
    lines = settings(user="ada", port=2222, key_files=["/keys/a b"], jump="ben@hop:22")

    host, every = lines.index("Host login.example.org"), lines.index("Host *")
    own = [line.strip() for line in lines[host + 1 : every]]
    assert own == [
        "Port 2222",
        'User "ada"',
        'IdentityFile "/keys/a b"',
        "IdentitiesOnly yes",
        "ProxyJump ben@hop:22",
        'UserKnownHostsFile "/home/ada/.ssh/known_hosts"',
    ]


def test_trust_stands_before_what_people_configure():
    lines = [line.strip() for line in settings()]

    include = lines.index('Include "/etc/passwd"')
    for one in ("StrictHostKeyChecking yes", "BatchMode yes", "GlobalKnownHostsFile /dev/null"):
        assert lines.index(one) < include


def test_a_host_with_pins_is_judged_by_them_alone():
    lines = [line.strip() for line in settings(host_keys=[KEY])]

    trusted = [line for line in lines if line.startswith("UserKnownHostsFile")]
    assert trusted[0] == f'UserKnownHostsFile "{PINNED}"'


def test_a_master_is_used_and_none_is_opened():
    lines = [line.strip() for line in settings(transport="master", control_path="/run/%r@%h")]

    assert 'ControlPath "/run/%r@%h"' in lines
    assert {"ControlMaster no", "ProxyCommand false"} <= set(lines)


def test_what_cannot_be_quoted_is_refused():
    with pytest.raises(ValueError, match="ssh configuration"):
        settings(known='/home/"ada"/known_hosts')


def test_nothing_in_a_path_stands_for_anything_else():
    assert '  IdentityFile "/keys/50%%h"' in settings(key_files=["/keys/50%h"])
    with pytest.raises(ValueError, match="ssh configuration"):
        settings(key_files=["/keys/${HOME}"])


def test_paths_are_one_argument_behind_the_host():
    argv = mount_argv("::1", "/a b", Path("/mnt/x"), Path("/state/c"))

    assert argv[:5] == ("sshfs", "[::1]:/a b", "/mnt/x", "-F", "/state/c")
    assert "ro" in argv
    assert unmount_argv(Path("-x"), lazily=True) == ("fusermount3", "-uz", "--", "-x")


def test_names_of_folders_are_readable_and_no_two_alike():
    paths = ["/lustre/team/ada", "/lustre/team-ada", "~/x", "/", "/ü ü", "/..", "/" + "a" * 300]

    names = mount_names(paths)

    assert names[:4] == ["lustre-team-ada", "lustre-team-ada-2", "x", "root"]
    assert len(set(names)) == len(paths)
    assert all(name not in {".", ".."} and "/" not in name and len(name) < 200 for name in names)
