"""Long commands on a site, counted."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from slurmfleet.ssh.port import LineStream, Link
from tests.harness.sites import TESTBED_ROOT, RealSite, SimulatedSite, Site


@dataclass(kw_only=True)
class CountedStreams:
    """Opens streams of a link, and keeps their commands."""

    link: Link
    commands: list[str] = field(default_factory=list[str])

    def stream(
        self, command: str, *, stdin: bytes = b"", keeps_stdin: bool = False
    ) -> AbstractAsyncContextManager[LineStream]:
        """Run a command until the body is left."""
        self.commands.append(command)
        return self.link.stream(command, stdin=stdin, keeps_stdin=keeps_stdin)


def ssh_arguments(site: Site, user: str) -> list[str]:
    """Give what OpenSSH needs to log in to a site as a user."""
    if isinstance(site, RealSite):
        return ["-F", str(TESTBED_ROOT / "ssh_config"), f"{site.name}-{user}"]
    assert isinstance(site, SimulatedSite)
    known = site.control_path.parent / "known_hosts.test"
    known.write_text(f"{site.about['known_hosts']}\n")
    return [
        *("-p", str(site.about["port"]), "-i", site.about["key_file"]),
        *("-l", user if user in site.about["users"] else site.about["user"]),
        *("-o", f"UserKnownHostsFile={known}", "-o", "IdentitiesOnly=yes"),
        site.about["host"],
    ]
