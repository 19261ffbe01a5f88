"""The store's suite runs on every kind of PostgreSQL that is here."""

import pytest

from slurmfleet.store.edition import Edition
from tests.plugins.postgres import DatabaseServer


@pytest.fixture(params=[Edition.PLAIN, Edition.APACHE])
def edition(request: pytest.FixtureRequest) -> Edition:
    """Give the edition that the test runs on."""
    return request.param


@pytest.fixture
def database_server(request: pytest.FixtureRequest, edition: Edition) -> DatabaseServer:
    """Give the server of that edition."""
    plain = edition is Edition.PLAIN
    return request.getfixturevalue("wheel_server" if plain else "timescale_server")
