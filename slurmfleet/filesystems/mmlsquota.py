"""What GPFS' (IBM Storage Scale's) `mmlsquota -Y` and `mmlsattr -L` print.

With -Y a heading names the fields of each row; colons in values are written `%3A`. Blocks are KiB.
User and group quotas may be those of one fileset: the file system is then named `gpfs0:home`.

Source: mmlsquota and mmlsattr command, IBM Storage Scale 5.0 to 6.0; the row layout is also that
of `mmrepquota -Y`.
"""

from collections.abc import Mapping
from urllib.parse import unquote

from slurmfleet.contracts.quotas import QuotaKind
from slurmfleet.filesystems.errors import MalformedUsageError
from slurmfleet.filesystems.usage import (
    BadLines,
    Report,
    Side,
    Usage,
    bytes_of,
    count_of,
    grace_s,
    limit_of,
)

_KINDS = {"USR": QuotaKind.USER, "GRP": QuotaKind.GROUP, "FILESET": QuotaKind.FILESET}
_HEADING = "HEADER"
_HEADING_AT = 2
_FILESET = "fileset name:"


def parse_mmlsquota(text: str) -> Report:
    """Read what `mmlsquota -Y` printed; lines that are no rows are passed over.

    A row whose quota is off is left out: what it says of limits does not hold.
    """
    usages: list[Usage] = []
    bad = BadLines()
    names: list[str] = []
    for line in text.split("\n"):
        fields = line.split(":")
        if len(fields) <= _HEADING_AT or fields[0] not in {"mmlsquota", "mmrepquota"}:
            continue
        if fields[_HEADING_AT] == _HEADING:
            names = fields
            continue
        try:
            row = {name: unquote(value) for name, value in zip(names, fields, strict=False) if name}
            if row.get("quota") != "off":
                usages.append(_usage(row))
        except KeyError as exc:
            bad.add(f"no field {exc.args[0]}", line)
        except MalformedUsageError as exc:
            bad.add(exc.problem, line)
    return Report(usages=tuple(usages), bad=tuple(bad))


def _usage(row: Mapping[str, str]) -> Usage:
    kind = _KINDS.get(row["quotaType"], QuotaKind.UNKNOWN)
    fileset = row.get("filesetname", "")
    device = row["filesystemName"]
    return Usage(
        file_system=f"{device}:{fileset}" if fileset else device,
        kind=kind,
        owner=row["name"],
        space=_side(
            used=bytes_of(row["blockUsage"]),
            soft=bytes_of(row["blockQuota"]),
            hard=bytes_of(row["blockLimit"]),
            grace=row["blockGrace"],
        ),
        files=_side(
            used=count_of(row["filesUsage"]),
            soft=count_of(row["filesQuota"]),
            hard=count_of(row["filesLimit"]),
            grace=row["filesGrace"],
        ),
    )


def _side(*, used: int, soft: int, hard: int, grace: str) -> Side:
    """Sort out one half; `none` means here that no grace time runs."""
    left_s = None if grace == "none" else grace_s(grace)
    return Side(
        used=used,
        soft_limit=limit_of(soft),
        hard_limit=limit_of(hard),
        grace_s=left_s,
        is_over=left_s is not None or 0 < hard <= used,
    )


def parse_fileset(text: str) -> str:
    """Give the fileset that `mmlsattr -L` tells a folder to be in; empty where it tells none."""
    told = (line.removeprefix(_FILESET) for line in text.split("\n") if line.startswith(_FILESET))
    return next(told, "").strip()
