"""How a command gets from its options to a conversation with the API."""

import asyncio
from collections.abc import Awaitable, Callable

from slurmfleet.cli.client import ApiClient, open_client
from slurmfleet.cli.settings import CliSettings
from slurmfleet.cli.where import find_door


def with_api(url: str | None, body: Callable[[ApiClient], Awaitable[None]]) -> None:
    """Run one command's body with a client of the API."""

    async def conversation() -> None:
        async with open_client(find_door(url, CliSettings())) as api:
            await body(api)

    asyncio.run(conversation())
