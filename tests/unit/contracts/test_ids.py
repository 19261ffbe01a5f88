"""Names of clusters and jobs, and subjects made of them."""

import pytest

from slurmfleet.contracts.ids import cluster_name, job_id
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.subjects import (
    MalformedSubjectError,
    command_subject,
    fact_subject,
    parse_fact_subject,
)
from slurmfleet.testing.builders import a_fact_of_each_kind, a_poll


@pytest.mark.parametrize("text", ["a", "alpha", "dgx-h100", "9", "a" * 32])
def test_a_cluster_name_is_read(text: str):
    assert cluster_name(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "Alpha", "-a", "a_b", "a.b", "a*", "a" * 33, "a\n", "ä", "cmd", "job", "../x", "a b"],
)
def test_what_is_no_cluster_name_is_refused_with_the_mend(text: str):
    with pytest.raises(ProblemError) as caught:
        cluster_name(text)

    assert caught.value.code is ProblemCode.INVALID_CLUSTER_NAME
    assert "lower-case" in caught.value.remedy


@pytest.mark.parametrize("text", ["1", "4711", "4711_0", "4711_3", "4711+1", "4294967295"])
def test_a_job_id_is_read(text: str):
    assert job_id(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "0", "-1", "abc", "1;rm", "1 2", "1_", "1_[0-9]", "1+", "1_2_3", "1.0", "1\n", "٣", "1%"],
)
def test_what_is_no_job_id_is_refused(text: str):
    with pytest.raises(ProblemError) as caught:
        job_id(text)

    assert caught.value.code is ProblemCode.INVALID_JOB_ID


@pytest.mark.parametrize("fact", a_fact_of_each_kind(), ids=lambda fact: type(fact).__name__)
def test_a_subject_is_taken_apart_as_it_was_built(fact):  # noqa: ANN001 any fact
    subject = parse_fact_subject(fact_subject(fact))

    assert (subject.cluster, subject.noun, subject.verb) == ("alpha", fact.noun, fact.verb)


@pytest.mark.parametrize(
    "subject",
    ["", "fleet.v1.alpha.job", "fleet.v2.alpha.job.started", "fleet.v1.A.job.x", "fleet.v1.a.b.c",
     "fleet.v1.cmd.alpha.refresh", "fleet.v1.alpha.job.*", "fleet.v1.alpha.job.started.more"],
)  # fmt: skip
def test_other_subjects_are_refused(subject: str):
    with pytest.raises(MalformedSubjectError):
        parse_fact_subject(subject)


def test_a_command_is_never_taken_for_a_fact():
    subject = command_subject(a_poll().cluster, "refresh")

    assert subject == "fleet.v1.cmd.alpha.refresh"
    with pytest.raises(MalformedSubjectError):
        parse_fact_subject(subject)


@pytest.mark.parametrize(
    "field",
    [
        {"host": "a;b"}, {"host": "-oProxyCommand=x"}, {"host": ""}, {"user": "a b"}, {"port": 0},
        {"jump": "a b"}, {"track_users": ["a,b"]}, {"track_accounts": ["$(x)"]},
        {"poll_interval_s": 0}, {"nonsense": 1}, {"survey_interval_s": {"capacity": 0.5}},
        {"survey_interval_s": {"weather": 60}}, {"rpcs_per_minute": -1},
        {"key_files": ["a\nb"]}, {"name": "A"},
    ],
)  # fmt: skip
def test_a_cluster_is_not_configured_with_nonsense(field: dict[str, object]):
    with pytest.raises((ValueError, ProblemError)):
        ClusterConfig.model_validate({"name": "alpha", "host": "login.example.org", **field})
