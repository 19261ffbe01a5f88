"""The projector as a process, on a real bus and a real store."""

from tests.integration.simulator.conftest import control, simulator, site
from tests.plugins.services import fleet

__all__ = ["control", "fleet", "simulator", "site"]
