"""Login nodes that hang, flood or talk nonsense, in a process of their own.

What they cost must not be taken for what the collector costs. Prints where they are as JSON, and
ends with its standard input.
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from slurmfleet.testing.login_node import LoginNode, Reply, run_with_sh

FLOOD_BYTES = 100 * 2**20
_FLOOD = f"head -c {FLOOD_BYTES} /dev/zero"
_FLOODING = f"""\
squeue() {{ case "$*" in *--version*) echo slurm 24.11.5 ;; *) {_FLOOD} ;; esac; }}
timeout() {{ shift 3; "$@"; }}
"""


async def hangs(command: str, stdin: bytes) -> Reply:
    """Never answer."""
    del command, stdin
    await asyncio.Event().wait()
    return Reply()


async def floods(command: str, stdin: bytes) -> Reply:
    """Answer the probe, and every look with 100 MiB."""
    del command
    return await run_with_sh("bash -s", _FLOODING.encode() + stdin)


async def talks_nonsense(command: str, stdin: bytes) -> Reply:
    """Answer everything with bytes."""
    del command, stdin
    return Reply(stdout=bytes(range(256)) * 4_000)


async def serve(folder: Path) -> None:
    """Serve until the standard input ends."""
    kinds = {"hang": hangs, "flood": floods, "garbage": talks_nonsense}
    async with AsyncExitStack() as stack:
        told: dict[str, dict[str, object]] = {}
        for name, answer in kinds.items():
            (folder / name).mkdir(parents=True)
            node = await stack.enter_async_context(LoginNode(folder / name, answer=answer))
            told[name] = {
                "port": node.port,
                "key": str(node.client_key_file),
                "host_key": node.host_key.line,
            }
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
