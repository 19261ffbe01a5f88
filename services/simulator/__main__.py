"""`python -m services.simulator`: simulated clusters until a signal ends them."""

import sys

from services.simulator.service import Simulator
from services.simulator.settings import SimulatorSettings
from slurmfleet.runtime.process import Process, run_service
from slurmfleet.runtime.settings import SharedSettings


def main() -> int:
    """Run the simulator; gives the exit status."""
    settings = SimulatorSettings()

    async def body(process: Process) -> None:
        process.health.expect("clusters")
        async with Simulator(settings, process.clock) as simulator:
            process.health.report("clusters", ok=True, detail=", ".join(simulator.sites))
            await simulator.run()

    return run_service("simulator", body, shared=SharedSettings())


if __name__ == "__main__":
    sys.exit(main())
