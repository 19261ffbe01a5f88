"""One stack that watches real and simulated clusters, for every test of this suite."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.harness.feed import Feed, following
from tests.harness.sites import RealSite, SimulatedSite, Site, SitesOnDemand, simulated_sites
from tests.harness.stack import Stack, running_stack

SIMULATED = "sim-h100"
REAL = ("alpha", "beta", "gamma")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.slurm)
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, SimulatedSite]]:
    with simulated_sites(tmp_path_factory.mktemp("sim"), names=SIMULATED) as sites:
        yield sites


@pytest.fixture(scope="session")
def real() -> Iterator[dict[str, RealSite]]:
    """Give the real clusters by name; the first test that asks for one starts it."""
    sites = SitesOnDemand()
    yield sites
    sites.stop()


@pytest.fixture(scope="session")
def stack(
    tmp_path_factory: pytest.TempPathFactory, simulated: dict[str, SimulatedSite]
) -> Iterator[Stack]:
    configs = [site.config for site in simulated.values()]
    with running_stack(tmp_path_factory.mktemp("stack"), configs) as stack:
        yield stack


@pytest.fixture(scope="session")
def feed(stack: Stack) -> Iterator[Feed]:
    with following(stack.api) as feed:
        yield feed


@pytest.fixture(scope="module", params=[SIMULATED, *REAL])
def site(request: pytest.FixtureRequest, watched: Callable[[str], RealSite]) -> Site:
    """Give a cluster that the stack watches."""
    if request.param == SIMULATED:
        return request.getfixturevalue("simulated")[SIMULATED]
    return watched(request.param)


@pytest.fixture(scope="session")
def watched(request: pytest.FixtureRequest, stack: Stack) -> Callable[[str], RealSite]:
    """Give what lets the stack watch a real cluster, added as a user would add it."""

    def give(name: str) -> RealSite:
        site: RealSite = request.getfixturevalue("real")[name]
        if stack.cli("cluster", "show", name, expect=None).returncode:
            _add(stack, site)
        return site

    return give


def _add(stack: Stack, site: RealSite) -> None:
    # by REST, because the pace and the budget of these tests are no options of the command line
    config = {name: value for name, value in site.config.items() if name != "host_keys"}
    httpx.post(f"{stack.api}/v1/clusters", json=config, timeout=60).raise_for_status()
    stack.cli("hosts", "trust", site.name, "--yes")
