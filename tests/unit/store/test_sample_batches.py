"""Samples as columns: every field has one, and what is the same to PostgreSQL is told once."""

from dataclasses import fields, replace
from datetime import timedelta

from slurmfleet.contracts.quotas import QuotaSampled
from slurmfleet.contracts.sample import Sample
from slurmfleet.contracts.shares import QosSampled, ShareSampled
from slurmfleet.contracts.surveys import RollCalled, SurveyFinished
from slurmfleet.contracts.use import GpuSampled, LoadSampled, SamplingMissed
from slurmfleet.store.write.cluster_samples import histories, newest_columns
from slurmfleet.store.write.job_samples import (
    gap_columns,
    gpu_batch,
    load_batch,
    mark_columns,
)
from slurmfleet.store.write.samples import stored_samples
from slurmfleet.testing.builders import NOON, a_poll
from slurmfleet.testing.samples import a_sample_of_each_kind, filled

GPU = filled(GpuSampled, observed_at=NOON)


def names(kind: type[Sample]) -> set[str]:
    return {one.name for one in fields(kind)}


def test_every_field_of_a_gpu_sample_has_a_column():
    batch = gpu_batch([GPU])

    columns = set(batch.columns([1])) | set(batch.series)
    assert columns == names(GpuSampled) | {"series_id", "last_day"}


def test_every_field_of_a_load_sample_and_of_a_gap_has_a_column():
    batch = load_batch([filled(LoadSampled)])

    columns = set(batch.columns([1])) | set(batch.series)
    assert columns == names(LoadSampled) | {"series_id", "last_day"}
    assert set(gap_columns([filled(SamplingMissed)])) == names(SamplingMissed)


def test_a_series_is_told_once_however_many_samples_it_has():
    later = replace(GPU, observed_at=NOON + timedelta(seconds=30))
    other = replace(GPU, gpu_index=99)

    batch = gpu_batch([GPU, other, later])

    assert len(batch.keys) == 2
    assert batch.columns([41, 42])["series_id"] == "{41,42,41}"


def test_series_that_are_one_to_postgresql_are_one():
    batch = gpu_batch([replace(GPU, node="a\x00"), replace(GPU, node="a\ufffd")])

    assert batch.columns([41])["series_id"] == "{41,41}"


def test_of_what_is_told_of_a_gpu_the_greatest_counts():
    told = [("", None), ("H100", 81_559), ("A100", 40_960)]

    batch = gpu_batch([replace(GPU, model=model, memory_total_mib=mib) for model, mib in told])

    assert (batch.series["model"], batch.series["memory_total_mib"]) == ('{"H100"}', "{81559}")


def test_each_hour_of_a_job_is_marked_once_and_in_order():
    moments = [NOON + timedelta(minutes=minutes) for minutes in (61, 0, 59, 1)]

    marks = mark_columns([replace(GPU, observed_at=at, job_id="7") for at in moments])

    assert marks["job_id"] == '{"7","7"}'
    assert marks["hour_at"] == "{2026-01-01T12:00:00+00:00,2026-01-01T13:00:00+00:00}"


def test_the_newest_sample_of_a_thing_stands_for_it():
    shares = [
        filled(ShareSampled, observed_at=NOON + timedelta(minutes=minutes), gpus_running=minutes)
        for minutes in (1, 3, 2)
    ]

    columns = newest_columns([*shares, replace(shares[0], source="sacctmgr")])

    assert columns["observed_at"] == "{2026-01-01T12:03:00+00:00,2026-01-01T12:01:00+00:00}"


def test_who_answers_a_survey_does_not_make_it_another():
    surveys = [filled(SurveyFinished, source=source) for source in ("", "scontrol")]

    assert newest_columns(surveys)["source"] == '{""}'


def test_every_sample_of_a_cluster_gives_one_row():
    samples = [one for one in a_sample_of_each_kind() if one.noun in {"share", "quota", "qos"}]

    found = {
        one.statement: one.rows.count('"cluster"') for one in histories([*samples, samples[0]])
    }

    assert found == {"insert_share_samples": 2, "insert_qos_samples": 1, "insert_quota_samples": 1}
    assert {type(one) for one in samples} == {ShareSampled, QosSampled, QuotaSampled}


def test_a_roll_call_and_a_poll_are_no_samples_to_store():
    facts = [a_poll(), *a_sample_of_each_kind()]

    assert [fact for fact in facts if fact not in stored_samples(facts)] == [
        facts[0],
        filled(RollCalled),
    ]
