"""What a bucket, a key and an inbox may be called.

Source: ADR-8 of nats-architecture-and-design, "Key names".
"""

import re

from slurmfleet.bus.errors import BusRefusedError

_KEY = re.compile(r"[-/_=a-zA-Z0-9]+(?:\.[-/_=a-zA-Z0-9]+)*")
_BUCKET = re.compile(r"[a-zA-Z0-9_-]+")
_USER = re.compile(r"[a-zA-Z0-9_-]+")

INBOX = "_INBOX"
"""What every inbox begins with, whatever client made it."""


def check_key(bucket: str, key: str) -> None:
    """Make sure that a key may stand in a subject.

    Raises:
        BusRefusedError: The bucket or the key holds what a subject may not.
    """
    if not _BUCKET.fullmatch(bucket) or not _KEY.fullmatch(key):
        raise BusRefusedError(f"key {key[:200]!r} of {bucket[:200]!r}", "not a valid name")


def inbox_prefix(user: str) -> str:
    """Give where answers to a login arrive: a place of its own, which no other login may read.

    A login whose name may not stand in a subject, or that has none, shares the common place.
    """
    return f"{INBOX}_{user}" if _USER.fullmatch(user) else INBOX
