"""A login node that will not let us in: what a person reads, and what mends it."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.sites import SimulatedSite, simulated_sites
from tests.harness.stack import Stack, running_stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
NAME = "sim-h100"


@dataclass(frozen=True, kw_only=True)
class Place:
    """One simulated cluster, configured under several names, well and badly."""

    site: SimulatedSite
    stack: Stack
    other_key: Path
    socket: Path
    """Of an OpenSSH master that nobody opens."""

    def link_of(self, cluster: str, link: str) -> dict[str, object]:
        return self.stack.eventually(
            f"{cluster} is {link}",
            lambda: self.stack.cluster(cluster),
            lambda seen: seen["link"] == link,
        )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("login-faults")
    other_key, socket = folder / "other", folder / "never-opened"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other_key], check=True, timeout=20
    )
    with simulated_sites(folder / "sim", names=NAME) as sites:
        site = sites[NAME]
        host_port = str(site.about["known_hosts"]).split()[0]
        other = other_key.with_suffix(".pub").read_text().split()
        configs = [
            {**site.config, "name": "well"},
            {**site.config, "name": "wrong-key", "key_files": [str(other_key)]},
            {**site.config, "name": "changed", "host_keys": [" ".join([host_port, *other[:2]])]},
            {**site.config, "name": "unknown", "host_keys": []},
            {
                **site.config,
                "name": "no-master",
                "transport": "master",
                "control_path": str(socket),
            },
        ]
        with running_stack(folder / "stack", configs) as stack:
            yield Place(site=site, stack=stack, other_key=other_key, socket=socket)


def test_a_denied_login_is_shown_in_status_and_doctor_with_the_mend(place: Place):
    seen = place.link_of("wrong-key", "auth_denied")

    status = place.stack.cli("status", "--json")
    doctor = place.stack.cli("doctor", "--json", expect=1)

    clusters = {one["name"]: one for one in json.loads(status.stdout)["clusters"]["items"]}
    assert clusters["wrong-key"]["link"] == "auth_denied"
    assert clusters["well"]["link"] == "ok"
    assert "slurmfleet cluster test wrong-key" in str(seen["error"])
    assert "auth" in doctor.stdout.lower() or "denied" in doctor.stdout.lower()


def test_a_master_that_is_not_open_is_named_with_the_command_that_opens_it(place: Place):
    seen = place.link_of("no-master", "no_master")

    status = place.stack.cli("status")
    refused = place.stack.cli("cluster", "test", "no-master", expect=None)

    command = f"ssh -M -S {place.socket} -o ControlPersist=8h -fN"
    assert command in str(seen["error"])
    assert command in " ".join(status.stdout.split())
    assert "no open OpenSSH master" in refused.stdout + refused.stderr


def test_a_changed_host_key_is_refused_until_a_person_trusts_it(place: Place):
    seen = place.link_of("changed", "host_key_changed")
    refused = place.stack.cli("cluster", "test", "changed", expect=None)

    trusted = place.stack.cli("hosts", "trust", "changed", "--yes")
    place.link_of("changed", "ok")

    assert "SHA256:" in str(seen["error"])
    assert "slurmfleet hosts trust changed" in str(seen["error"])
    assert refused.returncode != 0
    assert "host key" in refused.stdout + refused.stderr
    assert "SHA256:" in trusted.stdout + trusted.stderr


def test_an_unknown_host_key_is_refused_until_a_person_trusts_it(place: Place):
    place.link_of("unknown", "host_key_unknown")

    place.stack.cli("hosts", "trust", "unknown", "--yes")

    place.link_of("unknown", "ok")


def test_a_mended_key_is_tried_when_a_person_says_so(place: Place):
    place.link_of("wrong-key", "auth_denied")
    key = str(place.site.about["key_file"])

    place.stack.cli("cluster", "update", "wrong-key", "--key", key)

    place.link_of("wrong-key", "ok")


def test_bad_input_is_named_alike_by_every_face(place: Place):
    unknown = place.stack.cli("job", "nowhere", "1", "--json", expect=3)
    bad_id = place.stack.cli("job", "well", "1;rm -rf", "--json", expect=2)
    bad_limit = place.stack.cli("jobs", "--limit", "abc", expect=2)

    assert json.loads(unknown.stderr)["code"] == "unknown_cluster"
    assert json.loads(bad_id.stderr)["code"] == "invalid_job_id"
    assert "--limit" in bad_limit.stderr
