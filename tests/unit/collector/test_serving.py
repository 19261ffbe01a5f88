"""What a cluster's commands answer to a request that is none."""

import json
from base64 import b64encode
from pathlib import Path

import pytest

from services.collector.serving import ClusterCommands
from services.collector.settings import CollectorSettings
from services.collector.state import StateFile
from services.collector.station import Station
from slurmfleet.contracts.commands import AdoptReport, Reply, Verb
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.problems import ProblemCode
from slurmfleet.contracts.registry import ClusterConfig, Transport
from slurmfleet.contracts.subjects import command_subject
from slurmfleet.testing.builders import ALPHA
from slurmfleet.testing.clock import ManualClock
from slurmfleet.testing.moments import NOON

OF_NO_YEAR = b"\n\x011\x1a\n\x08\x80\x80\xa8\xec\x85\xaf\xd1\xb1\x01"
"""Job 1, submitted 10**17 seconds after 1970."""


def adopt_request(job: bytes) -> bytes:
    one = {"job": b64encode(job).decode(), "revision": 1, "observed_at": NOON.isoformat()}
    return json.dumps({"jobs": [one]}).encode()


@pytest.mark.parametrize(
    "body",
    [b"no request", adopt_request(b"no job at all"), adopt_request(OF_NO_YEAR)],
    ids=["no JSON", "no job", "a moment that there cannot be"],
)
async def test_jobs_that_cannot_be_read_are_a_problem_of_who_asks(body: bytes, tmp_path: Path):
    settings, clock = CollectorSettings(known_hosts=(), ssh_config=()), ManualClock(NOON)
    config = ClusterConfig(name=ALPHA, host="localhost", transport=Transport.LOCAL)
    with StateFile(tmp_path / "alpha.sqlite") as state:
        station = Station(config, settings, clock=clock, state=state, on_queued=lambda: None)
        answer = await ClusterCommands(station, settings, clock).handle(
            Message(subject=command_subject(ALPHA, Verb.ADOPT), body=body)
        )
    reply = Reply[AdoptReport].model_validate_json(answer.body)

    assert reply.problem is not None
    assert reply.problem.code == ProblemCode.INVALID_PARAMETER
    assert reply.problem.detail.startswith("That is no such request: ")
