"""A server over a reader in memory."""

from dataclasses import dataclass

import pytest
from fastmcp import FastMCP

from services.mcp.server import create_server
from slurmfleet.testing.clock import ManualClock
from slurmfleet.testing.reader import MemoryReader
from slurmfleet.testing.views import cluster_view, job_view


@dataclass
class Desk:
    """A server and what stands behind it."""

    clock: ManualClock
    reader: MemoryReader
    server: FastMCP


@pytest.fixture
def desk() -> Desk:
    clock = ManualClock()
    reader = MemoryReader(clock)
    reader.cluster_views = [cluster_view()]
    reader.job_views = [job_view()]
    return Desk(clock=clock, reader=reader, server=create_server(reader, clock))
