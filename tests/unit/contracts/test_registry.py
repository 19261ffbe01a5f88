"""What may be configured about a site's services."""

import pytest
from pydantic import ValidationError

from slurmfleet.contracts.registry import (
    ClusterConfig,
    PrometheusConfig,
    SampleProvider,
    SiteService,
)


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "ftp://search.example.org"},
        {"url": "file:///etc/passwd"},
        {"url": "https://"},
        {"url": "https://me:secret@search.example.org"},
        {"url": "https://search.example.org/?key=secret"},
        {"url": "https://search.example.org/#x"},
        {"url": "https://a b/"},
        {"url": "https://search.example.org\\@evil.example.org/"},
        {"url": "https://search.example.org", "token_env": "SLURMFLEET_STORE_DSN"},
        {"url": "https://search.example.org", "token_env": "HOME"},
        {"url": "https://search.example.org", "token_file": "/etc/shadow"},
        {"url": "https://search.example.org", "token_file": "search.token"},
    ],
    ids=str,
)
def test_service_that_is_refused(fields: dict[str, str]):
    with pytest.raises(ValidationError):
        SiteService.model_validate(fields)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9200", "https://search.example.org/es/v2/", "http://[::1]:9200/x"]
)
def test_service_that_is_taken(url: str):
    assert SiteService(url=url).url == url


def test_sampling_has_defaults_that_cost_little():
    config = ClusterConfig.model_validate({"name": "alpha", "host": "alpha.example.org"})

    assert config.prometheus is None
    assert config.sampling.providers == tuple(SampleProvider)
    assert (config.sampling.steps, config.sampling.sstat_jobs_per_minute) == (0, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"matchers": ['site="north"} or up{']},
        {"matchers": ["site=north"]},
        {"matchers": ['1="a"']},
        {"cluster_label": "a b"},
        {"rename": {"hpc_job": 'x"} or {y="'}},
        {"window_s": 1},
        {"families": ["nagios"]},
    ],
)
def test_what_would_become_another_query_is_refused(changes: dict[str, object]):
    with pytest.raises(ValidationError):
        PrometheusConfig.model_validate({"url": "http://p.example.org:9090", **changes})


def test_matchers_of_prometheus_are_taken():
    config = PrometheusConfig.model_validate(
        {"url": "https://p.example.org/prom", "matchers": ['site="a\\"b"', 'job!~"x|y"']}
    )

    assert config.matchers == ('site="a\\"b"', 'job!~"x|y"')


@pytest.mark.parametrize("host", ["login.example.org", "login_1", "10.0.0.1", "::1", "2001:db8::7"])
def test_a_host_is_a_name_or_an_address(host: str):
    assert ClusterConfig.model_validate({"name": "alpha", "host": host}).host == host


@pytest.mark.parametrize(
    "host", ["login:2222", "base64:Li4v", "a:b", "[::1]", "::1%eth0", "-oProxyCommand=x", "a b", ""]
)
def test_a_host_with_anything_else_is_refused(host: str):
    with pytest.raises(ValidationError):
        ClusterConfig.model_validate({"name": "alpha", "host": host})
