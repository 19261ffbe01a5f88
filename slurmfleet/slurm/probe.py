"""What is learnt of a login node once per connection.

Source: squeue(1) --version, --help, --json=list, -O; sinfo(1) -O; sacct(1) -e; scontrol(1) show
config; slurm.conf(5). Seen on Slurm 22.05.8 ("slurm-wlm 22.05.8") and 24.11.5; in both the header
of -O has an empty title for a field that is not known (docs/slurm-output.md, "GPUs").
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from slurmfleet.slurm.abilities import NOTHING_KNOWN, Abilities
from slurmfleet.slurm.columns import (
    ALL_DETAIL_COLUMNS,
    ANY_SLURM,
    NODE_COLUMNS,
    Dialect,
    dialect_for,
)
from slurmfleet.slurm.commands import KEPT_VARIABLES
from slurmfleet.slurm.frames import Frames

_VERSION = re.compile(r"[a-z-]+ ([0-9]+(?:\.[0-9]+)+\S*)")
_DATA_PARSER = re.compile(r"data_parser/(v[0-9]+(?:\.[0-9]+)+)")
_SETTING = re.compile(r"^(\w+)\s*= (.*)$", re.MULTILINE)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_NOTHING = frozenset({"(null)", "N/A", ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A login node's answers; empty where it gave none."""

    user: str
    """Who we are there."""

    slurm_version: str
    """As `22.05.8`."""

    environment: Mapping[str, str]
    """What the login shell set; pass it to `frames.composite` from then on."""

    abilities: Abilities = NOTHING_KNOWN
    dialect: Dialect = ANY_SLURM
    """How to ask this Slurm, as follows from its abilities."""


def parse_probe(frames: Frames) -> Probe:
    """Read the answers to `commands.probe_sections`."""
    version = _VERSION.match(_answer(frames, "probe_version"))
    variables = {name: _answer(frames, f"probe_{name.lower()}") for name in KEPT_VARIABLES}
    slurm_version = version[1] if version else ""
    abilities = _abilities(frames, slurm_version)
    return Probe(
        user=_answer(frames, "probe_user"),
        slurm_version=slurm_version,
        environment={name: value for name, value in variables.items() if value},
        abilities=abilities,
        dialect=dialect_for(abilities),
    )


def _abilities(frames: Frames, slurm_version: str) -> Abilities:
    header = _answer(frames, "probe_queue_fields")
    queue_fields, has_suffixes = _fields(header, ALL_DETAIL_COLUMNS)
    node_fields, _ = _fields(_answer(frames, "probe_node_fields"), NODE_COLUMNS)
    queue_help = _answer(frames, "probe_queue_help")
    config = dict(_SETTING.findall(_answer(frames, "probe_config")))
    return Abilities(
        slurm_version=slurm_version,
        queue_fields=queue_fields,
        has_suffixes=has_suffixes,
        node_fields=node_fields,
        accounting_fields=_accounting_fields(frames),
        accounting_storage=_setting(config, "AccountingStorageType"),
        counted_tres=_listed(config, "AccountingStorageTRES"),
        has_only_job_state="--only-job-state" in queue_help if queue_help else None,
        data_parsers=_data_parsers(frames),
        is_rate_limited=_is_rate_limited(config),
        min_job_age_s=_seconds(config, "MinJobAge"),
        message_timeout_s=_seconds(config, "MessageTimeout"),
        cluster_name=_setting(config, "ClusterName") or "",
        priority_type=_setting(config, "PriorityType") or "",
        select_type=_setting(config, "SelectType") or "",
        programs=_programs(frames),
    )


def _fields(answer: str, columns: tuple[str, ...]) -> tuple[frozenset[str] | None, bool | None]:
    """Give which fields have a title in a header, and whether titles end in the suffix.

    Without the suffix, titles stand in columns of 20 characters: then nothing more is known.
    """
    header = answer.partition("\n")[0]
    if not header:
        return None, None
    titles = header.split("|")
    if len(titles) != len(columns) + 1:
        return None, "|" in header
    known = (name.lower() for name, title in zip(columns, titles, strict=False) if title.strip())
    return frozenset(known), True


def _accounting_fields(frames: Frames) -> frozenset[str] | None:
    """Give sacct's fields; none where it is not installed, None where it did not answer."""
    output = frames.sections.get("probe_accounting_fields")
    if output is None or output.exit_status is None:
        return None
    told = output.stdout.lower().split() if output.exit_status == 0 else ()
    return frozenset(told) if told or output.exit_status in _NOT_INSTALLED else None


_NOT_INSTALLED = frozenset({126, 127})


def _data_parsers(frames: Frames) -> tuple[str, ...] | None:
    """Give the versions of `--json=list`, which writes part of its answer on stderr.

    Slurm before 23.11 refuses the option, or its value.
    """
    output = frames.sections.get("probe_data_parsers")
    if output is None or output.exit_status is None:
        return None
    found = tuple(sorted(set(_DATA_PARSER.findall(output.stdout + output.stderr))))
    return found if found or "option" in output.stderr else None


def _programs(frames: Frames) -> frozenset[str] | None:
    output = frames.sections.get("probe_programs")
    if output is None or output.exit_status != 0:
        return None
    return frozenset(PurePosixPath(line).name for line in output.stdout.splitlines() if line)


def _setting(config: Mapping[str, str], name: str) -> str | None:
    """Give one setting; empty for none, None where the configuration was not told."""
    value = config.get(name)
    if value is None:
        return None
    return "" if value.strip() in _NOTHING else value.strip()


def _listed(config: Mapping[str, str], name: str) -> tuple[str, ...] | None:
    value = _setting(config, name)
    return None if value is None else tuple(value.split(",")) if value else ()


def _is_rate_limited(config: Mapping[str, str]) -> bool | None:
    words = _listed(config, "SlurmctldParameters")
    return None if words is None else "rl_enable" in {word.strip().lower() for word in words}


def _seconds(config: Mapping[str, str], name: str) -> int | None:
    """Read `300 sec`."""
    number = _NUMBER.match(_setting(config, name) or "")
    return int(number[0]) if number else None


def _answer(frames: Frames, name: str) -> str:
    """Give what a section printed; empty unless it ended well."""
    output = frames.sections.get(name)
    return output.stdout.strip() if output and output.exit_status == 0 else ""
