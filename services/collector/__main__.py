"""`python -m services.collector`: watches every cluster of the registry."""

import sys

from services.collector.fleet import Fleet
from services.collector.settings import CollectorSettings
from slurmfleet.runtime.bus_part import open_bus
from slurmfleet.runtime.process import Process, run_service
from slurmfleet.runtime.settings import SharedSettings


def main() -> int:
    """Run the collector; give its exit status."""
    shared = SharedSettings()
    settings = CollectorSettings()

    async def body(process: Process) -> None:
        async with open_bus(shared, name="collector", clock=process.clock) as bus:
            await Fleet(process, settings, bus).run()

    return run_service("collector", body, shared=shared)


if __name__ == "__main__":
    sys.exit(main())
