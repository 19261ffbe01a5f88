"""Partitions as `scontrol -a -o show partition` lists them: who may use them, how long, how many.

Source: scontrol(1), slurm.conf(5) "PARTITION CONFIGURATION"; recordings `partitions` of 22.05.8,
24.11.5 and 26.05.5; src/api/partition_info.c, slurm_sprint_partition_info, 20.11 to 26.05.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from slurmfleet.slurm.assignments import Records, listed, needed_word, read_records, words_of
from slurmfleet.slurm.errors import MalformedValueError
from slurmfleet.slurm.hostlist import expand_hostlist
from slurmfleet.slurm.quantities import parse_count, parse_duration_s

ALL = "ALL"
_ENDLESS = frozenset({"UNLIMITED", "INFINITE"})
_UNTOLD = frozenset({"", "N/A", "NONE", "(null)", "None"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One partition's rules and nodes."""

    name: str
    state: str
    """UP, DOWN, DRAIN or INACTIVE; another word of Slurm's as it stands."""

    nodes: tuple[str, ...] | None
    """Names; None where the list is not told, as opposed to empty."""

    is_default: bool
    is_hidden: bool
    root_only: bool
    requires_reservation: bool
    max_time_s: int | None
    """None: unlimited."""

    default_time_s: int | None
    """None: the maximum."""

    grace_time_s: int | None
    min_nodes: int
    max_nodes: int | None
    """None: unlimited."""

    max_cpus_per_node: int | None
    priority_tier: int
    priority_job_factor: int
    preempt_mode: str
    over_subscribe: str
    qos: str
    allow_accounts: tuple[str, ...]
    """Empty: all; so are the other lists of what is allowed."""

    deny_accounts: tuple[str, ...]
    allow_groups: tuple[str, ...]
    allow_qos: tuple[str, ...]
    deny_qos: tuple[str, ...]

    @property
    def starts_jobs(self) -> bool:
        """Whether somebody who submits now may get a job started."""
        return self.state == "UP"


def parse_partitions(text: str) -> Records[Partition]:
    """Read the partitions; a value of the wrong kind costs its partition alone."""
    return read_records(text, "PartitionName", _partition)


def _partition(line: str) -> Partition:
    words = words_of(line)

    def told(key: str) -> str:
        value = words.get(key, "")
        return "" if value in _UNTOLD else value

    return Partition(
        name=needed_word(words, "PartitionName", line),
        state=needed_word(words, "State", line),
        nodes=_nodes(words),
        is_default=told("Default") == "YES",
        is_hidden=told("Hidden") == "YES",
        root_only=told("RootOnly") == "YES",
        requires_reservation=told("ReqResv") == "YES",
        max_time_s=parse_duration_s(told("MaxTime")),
        default_time_s=parse_duration_s(told("DefaultTime")),
        grace_time_s=_grace_s(told("GraceTime")),
        min_nodes=parse_count(told("MinNodes")),
        max_nodes=_limit(told("MaxNodes")),
        max_cpus_per_node=_limit(told("MaxCPUsPerNode")),
        priority_tier=parse_count(told("PriorityTier")),
        priority_job_factor=parse_count(told("PriorityJobFactor")),
        preempt_mode=told("PreemptMode"),
        over_subscribe=told("OverSubscribe"),
        qos=told("QoS"),
        allow_accounts=_allowed(words, "AllowAccounts"),
        deny_accounts=listed(words.get("DenyAccounts", "")),
        allow_groups=_allowed(words, "AllowGroups"),
        allow_qos=_allowed(words, "AllowQos"),
        deny_qos=listed(words.get("DenyQos", "")),
    )


def _nodes(words: Mapping[str, str]) -> tuple[str, ...] | None:
    """Give the names; None where they are all of the cluster's, or the word is missing."""
    text = words.get("Nodes", ALL)
    return None if text == ALL else expand_hostlist(text)


def _allowed(words: Mapping[str, str], key: str) -> tuple[str, ...]:
    text = words.get(key, "")
    return () if text == ALL else listed(text)


def _limit(text: str) -> int | None:
    return None if not text or text in _ENDLESS else parse_count(text)


def _grace_s(text: str) -> int | None:
    """Give the seconds of a grace time: scontrol writes a number, sinfo `00:05:00`."""
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        return parse_duration_s(text)
    except MalformedValueError as exc:
        raise MalformedValueError("not a grace time", text) from exc
