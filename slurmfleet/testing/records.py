"""Records as squeue would print them, for tests that make up what a cluster shows."""

from collections.abc import Mapping

from slurmfleet.slurm.columns import ANY_SLURM, Dialect
from slurmfleet.slurm.commands import field_ends
from slurmfleet.slurm.records import Separators


def detail_record(
    fields: Mapping[str, str], separators: Separators, dialect: Dialect = ANY_SLURM
) -> str:
    """Give one record of a detail section, newline included.

    Args:
        fields: By squeue's names; those of the dialect must all be there.
        separators: Of the call.
        dialect: Which fields were asked.
    """
    ends = field_ends(dialect, separators)
    named = zip(dialect.detail, ends, strict=True)
    return "".join(f"{fields[name]}{end}" for name, end in named) + "\n"
