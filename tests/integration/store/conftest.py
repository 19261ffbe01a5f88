"""The store's suite runs on every kind of PostgreSQL that is here."""

import pytest

from slurmfleet.store.edition import Edition
from tests.plugins.postgres import DatabaseServer

_SERVERS = {
    Edition.PLAIN: "wheel_server",
    Edition.APACHE: "timescale_server",
    Edition.COMMUNITY: "community_server",
}


@pytest.fixture(params=list(Edition))
def edition(request: pytest.FixtureRequest) -> Edition:
    """Give the edition that the test runs on."""
    return request.param


@pytest.fixture
def database_server(request: pytest.FixtureRequest, edition: Edition) -> DatabaseServer:
    """Give the server of that edition."""
    return request.getfixturevalue(_SERVERS[edition])
