"""What every route works with; handed in, never global."""

import asyncio
from dataclasses import dataclass, field

from services.api.feed import EventFeed
from services.api.settings import ApiSettings
from slurmfleet.access.audit import Auditor
from slurmfleet.access.door import Door
from slurmfleet.bus.port import Bus
from slurmfleet.runtime.health import Health
from slurmfleet.store.read.reader import Reader
from slurmfleet.timing.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The parts of one gateway."""

    reader: Reader
    """Narrowed down to what who asks may see."""

    bus: Bus
    clock: Clock
    health: Health
    settings: ApiSettings
    feed: EventFeed
    door: Door
    auditor: Auditor
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process was asked to stop; streams end then."""
