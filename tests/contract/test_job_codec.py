"""A job as bytes, as commands and the collector's own file hold it."""

import pytest

from slurmfleet.contracts import job_codec
from slurmfleet.contracts.job_codec import UndecodableJobError, job_from_bytes, job_to_bytes
from slurmfleet.contracts.job_parts import LONGEST_REMEMBERED, JobRequest
from slurmfleet.pb.v1 import facts_pb2 as pb
from slurmfleet.testing.builders import a_job


def test_a_job_survives_its_way_through_bytes():
    assert job_from_bytes(job_to_bytes(a_job("1"))) == a_job("1")


@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"no job at all"])
def test_bytes_that_are_no_job_are_refused(data: bytes):
    with pytest.raises(UndecodableJobError):
        job_from_bytes(data)


@pytest.mark.parametrize("seconds", [10**12, 10**17, -(10**12)])
def test_a_moment_that_there_cannot_be_is_refused(seconds: int):
    message = pb.Job(job_id="1")
    message.submitted_at.seconds = seconds

    with pytest.raises(UndecodableJobError):
        job_from_bytes(message.SerializeToString())


def test_a_request_of_long_texts_survives_and_is_not_remembered():
    job = a_job("1", request=JobRequest(features="h100&" * LONGEST_REMEMBERED, nice=3))
    caches = (job_codec._remembered_request, job_codec._request_from_bytes)
    before = [cache.cache_info().currsize for cache in caches]

    assert job_from_bytes(job_to_bytes(job)) == job
    assert [cache.cache_info().currsize for cache in caches] == before


def test_a_request_of_short_texts_is_made_once():
    job = a_job("1", request=JobRequest(features="h100", licenses="made_once:2"))
    job_from_bytes(job_to_bytes(job))
    caches = (job_codec._remembered_request, job_codec._request_from_bytes)
    before = [cache.cache_info().misses for cache in caches]

    job_from_bytes(job_to_bytes(job))

    assert [cache.cache_info().misses for cache in caches] == before
