"""Whatever stands in one field of a real record, what is read of it fits on the bus."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from slurmfleet.contracts.codec import decode, encode
from slurmfleet.contracts.events import JobSubmitted
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.jobs import Evidence, Job
from slurmfleet.slurm.columns import ANY_SLURM, Dialect
from slurmfleet.slurm.records import PLAIN, ParsedRows, Separators
from slurmfleet.slurm.sacct import parse_accounting
from slurmfleet.slurm.squeue import parse_detail
from tests.fuzz.parsers import FIXTURES

Parse = Callable[[str, Separators, Dialect], ParsedRows]

VERSIONS = sorted(path.name for path in (FIXTURES / "slurm").iterdir())
WILD = (
    *("", "0", "-1", "2147483647", "2147483648", "4294967294", "4294967295", "9" * 15, "9" * 18),
    *("9" * 19, "9" * 5_000, "999999999999999999E", "1e999999", "2K-4K", "UNLIMITED", "N/A"),
    *("1_[0-999999999]", "1_[0-2147483646]", "7_999999999", "7+9999", "99999:99999"),
    *("cpu=2147483647,gres/gpu=2147483647", "gres/gpu:a=2000000000,gres/gpu:b=2000000000"),
    *("cpu=999999999999", "mem=9000000E", "node=2147483648", "gres:gpu:2147483647", "gpu:999999"),
    *("gres/gpu=999999999", "node[0-999999999]", "a[0-9][0-9][0-9][0-9][0-9][0-9]", "x" * 5_000),
    *(
        "afterok:4294967295_999999999+999999999",
        "253402300799",
        "999999-00:00:00",
        "\0",
        "\x7f",
        "²",
    ),
)


def detail(text: str, separators: Separators, dialect: Dialect) -> ParsedRows:
    return parse_detail(text.encode("utf-8", "replace"), separators, dialect)


def told(jobs: tuple[Job, ...]) -> Iterator[JobSubmitted]:
    for job in jobs:
        yield JobSubmitted(
            cluster=ClusterName("alpha"),
            job=job,
            observed_at=datetime(2026, 1, 1, tzinfo=UTC),
            revision=1,
            source=Evidence.QUEUE,
        )


def wild_records(text: str, field_end: str, record_end: str) -> Iterator[str]:
    """Give the first records of a recording, each with one field replaced by each wild value."""
    for record in text.split(record_end)[:3]:
        fields = record.split(field_end)
        for place in range(len(fields)):
            for value in WILD:
                changed = [*fields[:place], value, *fields[place + 1 :]]
                yield field_end.join(changed) + record_end


def recorded(version: str, case: str) -> tuple[str, Dialect]:
    """Give what a program printed, and which fields it had been asked for."""
    folder = FIXTURES / "slurm" / version / case
    command = (folder / "command.txt").read_text()
    columns = command.partition("-O $'")[2].rstrip("'\n").split(",")
    dialect = replace(ANY_SLURM, detail=tuple(one.partition(":")[0] for one in columns))
    if "sacct" in command:
        fields = command.rpartition(" -o ")[2].strip().split(",")
        dialect = replace(ANY_SLURM, accounting=tuple(fields))
    return (folder / "stdout").read_text(encoding="utf-8", errors="replace"), dialect


@pytest.mark.timeout(120)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("case", "record_end", "parse"),
    [("queue", "\x1e\n", detail), ("accounting", "\n", parse_accounting)],
    ids=["squeue", "sacct"],
)
def test_a_wild_field_fits_on_the_bus_or_is_refused(
    version: str, case: str, record_end: str, parse: Parse
):
    recording, dialect = recorded(version, case)
    jobs = 0
    for text in wild_records(recording, "\x1f", record_end):
        facts = tuple(told(parse(text, PLAIN, dialect).jobs))
        bodies = [message.body for message in encode(facts, source="/collector/alpha")]
        assert tuple(fact for body in bodies for fact in decode(body)) == facts
        jobs += len(facts)

    assert jobs > 100, "the recording is of another layout: nothing was tried"
