"""What a bucket and a key may be called; the same on both buses.

Source: ADR-8 of nats-architecture-and-design, "Key names".
"""

import re

from slurmfleet.bus.errors import BusRefusedError

_KEY = re.compile(r"[-/_=a-zA-Z0-9]+(?:\.[-/_=a-zA-Z0-9]+)*")
_BUCKET = re.compile(r"[a-zA-Z0-9_-]+")


def check_key(bucket: str, key: str) -> None:
    """Make sure that a key may stand in a subject.

    Raises:
        BusRefusedError: The bucket or the key holds what a subject may not.
    """
    if not _BUCKET.fullmatch(bucket) or not _KEY.fullmatch(key):
        raise BusRefusedError(f"key {key[:200]!r} of {bucket[:200]!r}", "not a valid name")
