"""Clausius' `config.json` as documents of ours; pure.

Every key of the file ends as one note: what became of it, or why it is not used. A value that ours
cannot be is left out with its reason, and spoils nothing else. Secrets are never taken along.

Source: clausius' configuration file and settings, versions 3 and 4.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.registry.config_file import Given
from slurmfleet.registry.documents import parse_document
from slurmfleet.registry.kinds import ACCOUNT, CLUSTER, FILTER, PATH, PROJECT, SETTING, TEAM, Kind

Fields = Mapping[str, object]

_CLUSTER_FIELDS = {
    "host": "host",
    "user": "user",
    "port": "port",
    "key": "key_files",
    "gpu_type": "gpu_type",
    "gpus_per_node": "gpus_per_node",
    "account": "account",
    "mount_paths": "mount_paths",
    "data_host": "data_host",
}
_UNUSED_OF_CLUSTER = {
    "gpu_mem_gb": "memory of GPUs is measured",
    "mount_aliases": "there is no counterpart yet",
}
_PATH_KINDS = {
    "log_search_bases": "logs",
    "nemo_run_bases": "runs",
    "mount_lustre_prefixes": "mount",
}
_UNUSED = {
    "port": "ours is SLURMFLEET_API_PORT",
    "aihub_opensearch_url": "each cluster has its own `opensearch`, docs/shares.md",
    "aihub_cache_ttl_sec": "nothing is cached: surveys have intervals, `cluster update --survey`",
    "wds_snapshot_interval_sec": "surveys have intervals, `cluster update --survey`",
    "sdk_ingest_token": "it is a secret, and secrets are never in the registry",
    "ssh_timeout": "limits of time follow from what is asked",
    "cache_fresh_sec": "ages are shown with every answer; nothing is served as fresh from a cache",
    "stats_interval_sec": "each cluster has its own, `sampling`, docs/sampling.md",
    "backup_interval_hours": "ours is SLURMFLEET_BACKUP_EVERY_H",
    "backup_max_keep": "ours is SLURMFLEET_BACKUP_KEEP",
}
_PROJECT_FIELDS = frozenset(
    {"name", "prefix", "prefixes", "color", "colour", "emoji", "description"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What became of one key."""

    key: str
    used: bool
    told: str
    """What it is with us, or why it is not used."""


@dataclass(slots=True)
class _Reading:
    given: dict[tuple[str, str], Given] = field(default_factory=dict[tuple[str, str], Given])
    notes: list[Note] = field(default_factory=list[Note])

    def use(self, key: str, kind: Kind[Any], fields: Fields, told: str = "") -> None:
        """Take a document, or note why ours cannot be it."""
        try:
            document = parse_document(kind, fields, where=key)
        except ProblemError as exc:
            self.skip(key, exc.detail.removeprefix(f"{key} is not valid: ").rstrip("."))
            return
        one = Given(kind=kind, document=document)
        self.given[(kind.word, one.document_id)] = one
        self.notes.append(Note(key=key, used=True, told=told or f"{kind.title} {one.document_id}"))

    def skip(self, key: str, why: str) -> None:
        """Note why a key is not used."""
        self.notes.append(Note(key=key, used=False, told=why))


def read_clausius(text: str, name: str) -> tuple[tuple[Given, ...], tuple[Note, ...]]:
    """Give the documents that a `config.json` makes, and a note on each of its keys.

    Args:
        text: The file.
        name: What errors call it.

    Raises:
        ProblemError: INVALID_PARAMETER; it is no JSON object.
    """
    try:
        loaded: object = json.loads(text)
    except ValueError as exc:
        raise _not_ours(name, str(exc)) from exc
    if not isinstance(loaded, dict):
        raise _not_ours(name, "it is no object")
    reading = _Reading()
    for key, value in cast("Fields", loaded).items():
        if (why := _UNUSED.get(key)) is not None:
            reading.skip(key, why)
        elif (read := _READERS.get(key)) is not None:
            read(reading, key, value)
        else:
            reading.skip(key, "no version of clausius that is known has it")
    return tuple(reading.given.values()), tuple(reading.notes)


def _clusters(reading: _Reading, key: str, value: object) -> None:
    for name, fields in _pairs(reading, key, value):
        where = f"{key}.{name}"
        if name == "local":
            reading.skip(where, "this machine is no Slurm cluster")
            continue
        if not isinstance(fields, dict):
            reading.skip(where, "it is no object")
            continue
        ours: dict[str, object] = {"name": name}
        taken: list[str] = []
        for theirs, one in cast("Fields", fields).items():
            if theirs not in _CLUSTER_FIELDS:
                why = _UNUSED_OF_CLUSTER.get(theirs, "no version of clausius that is known has it")
                reading.skip(f"{where}.{theirs}", why)
            elif one not in ("", None, []):
                ours[_CLUSTER_FIELDS[theirs]] = [one] if theirs == "key" else one
                taken.append(theirs)
        reading.use(where, CLUSTER, ours, f"cluster {name}: {', '.join(taken)}")


def _team_name(reading: _Reading, key: str, value: object) -> None:
    reading.use(key, SETTING, {"key": "team_name", "value": value})


def _dashboard(reading: _Reading, key: str, value: object) -> None:
    reading.use(key, SETTING, {"key": "dashboard_url", "value": value})


def _members(reading: _Reading, key: str, value: object) -> None:
    for place, one in _items(reading, key, value):
        if isinstance(one, dict):
            member = cast("Fields", one)
            login = member.get("username", member.get("login", ""))
            fields = {"login": login, "display_name": member.get("display_name") or ""}
            reading.use(place, TEAM, fields)
        else:
            reading.use(place, TEAM, {"login": one})


def _accounts(reading: _Reading, key: str, value: object) -> None:
    for place, one in _items(reading, key, value):
        known = reading.given.get((ACCOUNT.word, str(one)))
        if known is None:
            reading.use(place, ACCOUNT, {"name": one})
        else:
            reading.notes.append(Note(key=place, used=True, told=f"account {one}"))


def _ppps(reading: _Reading, key: str, value: object) -> None:
    for name, one in _pairs(reading, key, value):
        reading.use(f"{key}.{name}", ACCOUNT, {"name": name, "site_id": str(one or "")})


def _allocations(reading: _Reading, key: str, value: object) -> None:
    gpus: dict[str, object] = {}
    for name, one in _pairs(reading, key, value):
        if isinstance(one, int) and not isinstance(one, bool):
            gpus[name] = one
        else:
            reading.skip(f"{key}.{name}", f"{one!r} is no number: ours has none for the cluster")
    if gpus:
        reading.use(key, SETTING, {"key": "team_gpus", "value": gpus})


def _paths(reading: _Reading, key: str, value: object) -> None:
    for place, one in _items(reading, key, value):
        reading.use(place, PATH, {"kind": _PATH_KINDS[key], "path": one}, f"path {one}")


def _filters(reading: _Reading, key: str, value: object) -> None:
    for mode, patterns in _pairs(reading, key, value):
        for place, one in _items(reading, f"{key}.{mode}", patterns):
            reading.use(place, FILTER, {"mode": mode, "pattern": one}, f"filter {mode} {one}")


def _projects(reading: _Reading, key: str, value: object) -> None:
    as_list = isinstance(value, list)
    named = (
        [(place, "", one) for place, one in _items(reading, key, cast("object", value))]
        if as_list
        else [(f"{key}.{name}", name, one) for name, one in _pairs(reading, key, value)]
    )
    for place, name, one in named:
        fields = {"prefix": one} if isinstance(one, str) else one
        if not isinstance(fields, dict):
            reading.skip(place, "it is no object")
            continue
        project = cast("Fields", fields)
        for unknown in project.keys() - _PROJECT_FIELDS:
            reading.skip(f"{place}.{unknown}", "there is no counterpart")
        reading.use(place, PROJECT, _project(name, project))


def _project(name: str, project: Fields) -> Fields:
    prefixes: object = project.get("prefixes", project.get("prefix")) or ()
    given = {
        "name": name or project.get("name", ""),
        "prefixes": [prefixes] if isinstance(prefixes, str) else prefixes,
        "colour": project.get("colour", project.get("color")),
        "emoji": project.get("emoji"),
        "description": project.get("description"),
    }
    return {field: value for field, value in given.items() if value is not None}


def _pairs(reading: _Reading, key: str, value: object) -> Iterable[tuple[str, object]]:
    if isinstance(value, dict):
        return cast("Fields", value).items()
    reading.skip(key, "it is no object")
    return ()


def _items(reading: _Reading, key: str, value: object) -> Iterable[tuple[str, object]]:
    if isinstance(value, list):
        listed = cast("list[object]", value)
        return [(f"{key}[{place}]", one) for place, one in enumerate(listed)]
    reading.skip(key, "it is no list")
    return ()


_READERS: Mapping[str, Callable[[_Reading, str, object], None]] = {
    "clusters": _clusters,
    "team": _team_name,
    "team_members": _members,
    "ppp_accounts": _accounts,
    "ppps": _ppps,
    "team_gpu_allocations": _allocations,
    "dashboard_url": _dashboard,
    "log_search_bases": _paths,
    "nemo_run_bases": _paths,
    "mount_lustre_prefixes": _paths,
    "local_process_filters": _filters,
    "projects": _projects,
}


def _not_ours(name: str, reason: str) -> ProblemError:
    return ProblemError(
        ProblemCode.INVALID_PARAMETER,
        f"{name} is not clausius' config.json: {reason}.",
        remedy="Give the file that clausius reads, usually conf/config.json in its folder.",
    )
