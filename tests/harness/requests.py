"""What watching a real cluster costs: as its daemons count it, as we do, and what adds up to it."""

import re
from collections import Counter
from collections.abc import Mapping

from prometheus_client import REGISTRY

from services.collector.chosen import DEFAULT_INTERVAL_S
from slurmfleet.contracts.sample import Topic
from slurmfleet.slurm.commands import capacity_sections
from slurmfleet.slurm.share_commands import config_section, shares_section
from tests.harness.sites import TESTBED_ROOT, RealSite

ACCOUNTING_COMMANDS = frozenset({"sacct", "sacctmgr", "sreport"})
"""They ask slurmdbd; all others ask the controller."""

_USER = re.compile(r"^\s*(\S+)\s*\(\s*\d+\)\s*count:(\d+)", re.MULTILINE)


def requests_of(site: RealSite) -> int:
    """Give how many requests the site's user has made of the controller so far.

    An administrator asks, so that the question is none of them.
    Source: sdiag(1), "Remote Procedure Call statistics by user".
    """
    return _count(site.administer("sdiag"), site.user)


def accounting_requests_of(site: RealSite) -> int:
    """Give how many requests the site's user has made of slurmdbd; one command makes several.

    Source: sacctmgr(1), "show stats".
    """
    return _count(site.administer("sacctmgr show stats"), site.user)


def _count(statistics: str, user: str) -> int:
    _, _, by_user = statistics.partition("statistics by user")
    return {name: int(count) for name, count in _USER.findall(by_user)}.get(user, 0)


def logins_of(site: RealSite) -> int:
    """Give how often the site's user has logged in, as its sshd tells."""
    log = TESTBED_ROOT / site.name / "log" / f"{site.name}-sshd.log"
    return log.read_text(errors="replace").count(f"Accepted publickey for {site.user} ")


def counted(cluster: str) -> Counter[str]:
    """Give what our own metric says of requests, by command."""
    counts: Counter[str] = Counter()
    for family in REGISTRY.collect():
        for sample in family.samples:
            if sample.name == "slurmfleet_slurm_rpcs_total" and sample.labels["cluster"] == cluster:
                counts[sample.labels["command"]] += int(sample.value)
    return counts


def of_controller(counts: Mapping[str, int]) -> int:
    """Add up what the controller was asked, of what was counted by command."""
    return sum(count for command, count in counts.items() if command not in ACCOUNTING_COMMANDS)


def surveys_per_s() -> float:
    """Give how often a second the surveys ask a controller in the long run, samples left out."""
    requests = {
        Topic.CAPACITY: sum(section.requests for section in capacity_sections()),
        Topic.SHARES: shares_section(("alice",)).requests,
        Topic.LIMITS: config_section().requests,
    }
    return sum(count / DEFAULT_INTERVAL_S[topic] for topic, count in requests.items())
