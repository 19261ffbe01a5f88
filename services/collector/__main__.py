"""`python -m services.collector`: watches every cluster of the registry."""

import sys

from services.collector.fleet import Fleet
from services.collector.settings import CollectorSettings
from slurmfleet.bus.nats import NatsLogin, NatsOptions, open_nats_bus
from slurmfleet.runtime.process import Process, run_service
from slurmfleet.runtime.settings import SharedSettings


def main() -> int:
    """Run the collector; give its exit status."""
    shared = SharedSettings()
    settings = CollectorSettings()

    async def body(process: Process) -> None:
        login = NatsLogin(user=shared.bus_user, password=shared.bus_password.get_secret_value())
        options = NatsOptions(servers=(shared.bus_url,), name="collector", login=login)
        async with open_nats_bus(options, process.clock) as bus:
            await Fleet(process, settings, bus).run()

    return run_service("collector", body, shared=shared)


if __name__ == "__main__":
    sys.exit(main())
