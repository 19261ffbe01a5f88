"""One round trip to a login node: several sections in one script, and their frames back."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence

from slurmfleet.slurm.commands import Section
from slurmfleet.slurm.frames import Frames, composite, parse_frames
from slurmfleet.ssh.lanes import Lane
from slurmfleet.ssh.port import Link

NONCE_BYTES = 16
MOST_ANSWER_BYTES = 96 * 2**20
"""100,000 tracked jobs take some 75 MB; what floods beyond this is cut off and is no evidence."""


class IncompleteAnswerError(Exception):
    """The login node ran the script, and its answer cannot be used; the message says why."""


async def run_sections(
    link: Link,
    sections: Sequence[Section],
    environment: Mapping[str, str],
    *,
    limit_s: float,
    nonce: str = "",
    login: bool = False,
    lane: Lane = Lane.WATCH,
) -> Frames:
    """Run sections in one round trip and give their frames.

    Args:
        link: To the login node.
        sections: What to run, one after the other.
        environment: What a login shell had set there.
        limit_s: For the whole round trip.
        nonce: Fresh, where the caller needs it for separators too.
        login: Whether in a login shell, because its environment is to be learnt.
        lane: Whether for the watch or for a person.

    Raises:
        SshError: The login node cannot be reached.
        IncompleteAnswerError: The script did not run to its first section.
    """
    nonce = nonce or secrets.token_hex(NONCE_BYTES)
    script = composite(sections, nonce, environment)
    result = await link.run_script(
        script, login=login, limit_s=limit_s, max_output_bytes=MOST_ANSWER_BYTES, lane=lane
    )
    frames = await asyncio.to_thread(parse_frames, result.stdout, nonce)
    if not frames.sections:
        said = result.stderr.decode("utf-8", "replace").strip()[:200]
        raise IncompleteAnswerError(
            f"The login node did not run the script (exit status {result.exit_status}"
            f"{': ' + said if said else ''}). It needs bash, and a login shell that starts it."
        )
    return frames
