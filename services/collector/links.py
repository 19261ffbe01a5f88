"""The way to a cluster that its configuration names."""

from typing import assert_never

from services.collector.settings import CollectorSettings, environment_of_others
from services.collector.target import ssh_target
from slurmfleet.contracts.registry import ClusterConfig, Transport
from slurmfleet.ssh.link import SshLink
from slurmfleet.ssh.local import local_link
from slurmfleet.ssh.master import master_link
from slurmfleet.ssh.port import Link
from slurmfleet.timing.clock import Clock


def open_link(config: ClusterConfig, settings: CollectorSettings, clock: Clock) -> Link:
    """Give the link to a cluster; it reaches nothing before it is entered and used."""
    target = ssh_target(
        config,
        known_hosts=settings.known_hosts,
        ssh_config=settings.ssh_config,
        connect_limit_s=settings.connect_limit_s,
    )
    match config.transport:
        case Transport.ASYNCSSH:
            return SshLink(target, clock=clock)
        case Transport.MASTER:
            return master_link(target, clock=clock, environment=environment_of_others())
        case Transport.LOCAL:
            return local_link(target, clock=clock, environment=environment_of_others())
    assert_never(config.transport)
