"""What facts are about, and how the ids of facts are computed."""

import hashlib
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache


class Noun(StrEnum):
    """What a fact is about: the fourth token of its subject."""

    JOB = "job"
    POLL = "poll"
    PARTITION = "partition"
    SHARE = "share"
    QOS = "qos"
    USAGE = "usage"
    OCCUPANCY = "occupancy"
    QUOTA = "quota"
    GPU = "gpu"
    LOAD = "load"
    SURVEY = "survey"
    ROLL = "roll"


def digest(*parts: str) -> str:
    """Hash parts that cannot run into each other."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


@lru_cache(maxsize=16_384)
def instant(moment: datetime) -> str:
    """Give one spelling per moment, whatever zone it was told in.

    Remembered, because every fact of a job has the job's submit time in its id.
    """
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
