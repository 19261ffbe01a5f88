"""What the kernel's table of mounts says."""

from pathlib import Path

from services.collector.mounts.table import parse_table

TABLE = rb"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
90 22 0:48 / /mnt/alpha/two\040words ro shared:9 master:1 - fuse.sshfs login:/far/two\040words ro
91 22 0:49 / /mnt/back\134slash rw - tmpfs tmpfs rw
torn 22 0:50
92 22 0:51 / /mnt/\377 ro - fuse.sshfs host:/x ro
"""


def test_lines_are_read_with_their_octal_and_torn_ones_passed_over():
    found = list(parse_table(TABLE))

    assert [(one.point, one.kind, one.minor) for one in found] == [
        (Path("/"), "ext4", "0"),
        (Path("/mnt/alpha/two words"), "fuse.sshfs", "48"),
        (Path("/mnt/back\\slash"), "tmpfs", "49"),
        (Path("/mnt/\udcff"), "fuse.sshfs", "51"),
    ]
    assert found[1].source == "login:/far/two words"
