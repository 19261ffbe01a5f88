"""A server over a reader in memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from fastmcp import FastMCP

from services.mcp.server import create_server
from services.mcp.sources import Sources
from slurmfleet.access.audit import Auditor
from slurmfleet.access.board import Board
from slurmfleet.access.job_actions import JobActions
from slurmfleet.access.mounts import Mounts
from slurmfleet.access.principal import acting_as, local_principal
from slurmfleet.access.scoped import ScopedReader
from slurmfleet.access.scripts import ScriptRuns
from slurmfleet.access.submission import JobSubmission
from slurmfleet.bus.memory import MemoryBus
from slurmfleet.contracts.audit import Via
from slurmfleet.runtime.job_files import JobFiles
from slurmfleet.testing.clock import ManualClock
from slurmfleet.testing.reader import MemoryReader
from slurmfleet.testing.views import cluster_view, job_view


@dataclass
class Desk:
    """A server and what stands behind it."""

    clock: ManualClock
    reader: MemoryReader
    bus: MemoryBus
    server: FastMCP


def sources_of(reader: MemoryReader, bus: MemoryBus, clock: ManualClock) -> Sources:
    files = JobFiles(reader=reader, bus=bus, clock=clock, limit_s=1)
    actions = JobActions(
        reader=ScopedReader(reader), bus=bus, auditor=Auditor(bus, clock), clock=clock, limit_s=1
    )
    submission = JobSubmission(bus=bus, auditor=Auditor(bus, clock))
    return Sources(
        reader=reader,
        files=files,
        actions=actions,
        submission=submission,
        scripts=ScriptRuns(bus=bus, auditor=Auditor(bus, clock)),
        mounts=Mounts(bus=bus, auditor=Auditor(bus, clock)),
        board=Board(reader=ScopedReader(reader), bus=bus, auditor=Auditor(bus, clock), clock=clock),
        clock=clock,
    )


@pytest.fixture(autouse=True)
async def somebody() -> AsyncIterator[None]:
    """Have every call come from this machine, as over standard input."""
    with acting_as(local_principal(Via.MCP)):
        yield


@pytest.fixture
def desk() -> Desk:
    clock = ManualClock()
    reader = MemoryReader(clock)
    reader.cluster_views = [cluster_view()]
    reader.job_views = [job_view()]
    bus = MemoryBus(clock)
    server = create_server(sources_of(reader, bus, clock))
    return Desk(clock=clock, reader=reader, bus=bus, server=server)
