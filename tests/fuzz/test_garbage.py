"""No text makes a parser fail otherwise than with its room's own error."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings

from slurmfleet.contracts.codec import decode, encode
from slurmfleet.contracts.events import Fact, JobSubmitted
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.jobs import Evidence, Job
from slurmfleet.slurm.sacct import parse_accounting
from slurmfleet.slurm.squeue import parse_detail
from tests.fuzz.parsers import PARSERS, Parser, functions, modules, tried
from tests.fuzz.texts import GROWING, SEEDS, texts

READ_NOTHING = {
    *("slurm.abilities", "slurm.columns", "slurm.costs", "slurm.remembering", "slurm.waiting"),
    # Its reader is that of squeue.parse_detail.
    "slurm.job_record",
}
"""Modules without a parser of their own: lists of fields, errors, and questions to ask."""

by_parser = pytest.mark.parametrize("parser", PARSERS.values(), ids=list(PARSERS))
some = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@by_parser
@pytest.mark.timeout(60)
@some
@given(texts)
def test_garbage_is_refused_in_the_rooms_own_words(parser: Parser, text: str):
    tried(parser, text)


@by_parser
@pytest.mark.timeout(60)
def test_a_recording_of_another_program_is_refused_or_read(parser: Parser):
    for text in SEEDS:
        tried(parser, text)


@by_parser
@pytest.mark.timeout(60)
def test_short_texts_of_every_growing_kind_are_refused_or_read(parser: Parser):
    for make in GROWING.values():
        for size in (0, 1, 7, 300, 6_000):
            tried(parser, make(size))


def facts(jobs: tuple[Job, ...]) -> Iterator[Fact]:
    for job in jobs:
        yield JobSubmitted(
            cluster=ClusterName("alpha"),
            job=job,
            observed_at=datetime(2026, 1, 1, tzinfo=UTC),
            revision=1,
            source=Evidence.QUEUE,
        )


@pytest.mark.timeout(60)
@some
@given(texts)
def test_whatever_is_read_of_a_job_fits_on_the_bus(text: str):
    for rows in (parse_detail(text.encode("utf-8", "replace")), parse_accounting(text)):
        told = tuple(facts(rows.jobs))
        bodies = [message.body for message in encode(told, source="/collector/alpha")]
        assert tuple(fact for body in bodies for fact in decode(body)) == told


def test_every_module_that_reads_text_has_a_parser_in_the_table():
    covered = {name.rpartition(".")[0] for name, _ in functions()}
    named = {name for name, _ in modules()}

    assert sorted(named - covered - READ_NOTHING) == []


def test_the_table_can_call_every_parser():
    """Give each an empty text: what it needs beside it can be made (`value_for`)."""
    for parser in PARSERS.values():
        tried(parser, "")
