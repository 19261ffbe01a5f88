import json

import pytest

from slurmfleet.contracts.job_parts import (
    LONGEST_REMEMBERED,
    NO_REQUEST,
    Dependency,
    DependencyKind,
    GpuRequest,
    GpuScope,
    JobRequest,
)
from slurmfleet.store import job_details
from slurmfleet.store.job_details import (
    dependencies_json,
    read_dependencies,
    read_request,
    request_json,
)
from slurmfleet.testing.builders import a_full_job


def test_details_come_back_as_they_were():
    job = a_full_job()

    assert read_request(json.loads(request_json(job.request))) == job.request
    stored = json.loads(dependencies_json(job.dependencies))
    assert read_dependencies(stored) == job.dependencies


def test_a_job_that_asked_for_nothing_special_costs_next_to_nothing():
    assert (request_json(NO_REQUEST), dependencies_json(())) == ("{}", "[]")
    assert read_request({}) is NO_REQUEST


def test_what_sql_looks_for_is_always_written():
    gpus = JobRequest(gpus=(GpuRequest(count=1, per=GpuScope.JOB),))

    assert json.loads(request_json(gpus)) == {"gpus": [{"count": 1, "per": "job"}]}
    assert json.loads(dependencies_json((Dependency(kind=DependencyKind.SINGLETON),))) == [
        {"kind": "singleton"}
    ]


def test_what_a_newer_version_wrote_is_left_out():
    assert read_request({"nice": 5, "colour": "red"}) == JobRequest(nice=5)
    assert read_dependencies([{"kind": "afterlunch", "job_id": 7, "menu": 1}]) == (
        Dependency(kind=DependencyKind.UNKNOWN, job_id=7),
    )


@pytest.mark.parametrize("text", ["nul\0here", 'quote " and \\ slash', r"\u0000"])
def test_text_is_stored_as_postgresql_can_hold_it(text: str):
    stored = request_json(JobRequest(features=text))

    assert read_request(json.loads(stored)).features == text.replace("\0", "\ufffd")


def test_what_is_long_is_written_and_not_remembered():
    request = JobRequest(features="h100&" * LONGEST_REMEMBERED)
    dependencies = (Dependency(kind=DependencyKind.AFTEROK, job_id=7),) * 1_000
    caches = (job_details._remembered_request, job_details._remembered_dependencies)
    before = [cache.cache_info().currsize for cache in caches]

    assert read_request(json.loads(request_json(request))) == request
    assert read_dependencies(json.loads(dependencies_json(dependencies))) == dependencies
    assert [cache.cache_info().currsize for cache in caches] == before
