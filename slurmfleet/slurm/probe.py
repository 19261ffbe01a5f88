"""What is learnt of a login node once per connection.

Source: squeue(1) --version; sacct(1) -e; seen on Slurm 22.05.8 ("slurm-wlm 22.05.8", no Restarts)
and 24.11.5 (Restarts).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from slurmfleet.slurm.commands import KEPT_VARIABLES
from slurmfleet.slurm.frames import Frames

_VERSION = re.compile(r"[a-z-]+ ([0-9]+(?:\.[0-9]+)+\S*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A login node's answers; empty where it gave none."""

    user: str
    """Who we are there."""

    slurm_version: str
    """As `22.05.8`."""

    environment: Mapping[str, str]
    """What the login shell set; pass it to `frames.composite` from then on."""

    has_restarts: bool
    """Whether sacct knows the field Restarts."""


def parse_probe(frames: Frames) -> Probe:
    """Read the answers to `commands.probe_sections`."""
    version = _VERSION.match(_answer(frames, "probe_version"))
    variables = {name: _answer(frames, f"probe_{name.lower()}") for name in KEPT_VARIABLES}
    return Probe(
        user=_answer(frames, "probe_user"),
        slurm_version=version[1] if version else "",
        environment={name: value for name, value in variables.items() if value},
        has_restarts="Restarts" in _answer(frames, "probe_accounting_fields").split(),
    )


def _answer(frames: Frames, name: str) -> str:
    """Give what a section printed; empty unless it ended well."""
    output = frames.sections.get(name)
    return output.stdout.strip() if output and output.exit_status == 0 else ""
