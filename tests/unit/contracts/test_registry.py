"""What may be configured about a site's services."""

import pytest
from pydantic import ValidationError

from slurmfleet.contracts.registry import SiteService


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
