"""Host lists: `gpu[01-03,07],cpu01` to names.

Source: scontrol(1), "show hostnames"; several bracketed parts in one name are allowed.
"""

import re
from collections.abc import Iterator
from itertools import islice, product
from math import prod

from slurmfleet.contracts.jobs import NODE_NAME_LIMIT
from slurmfleet.contracts.remembering import remembers_short_texts
from slurmfleet.slurm.errors import HostlistTooLargeError, MalformedValueError, SlurmParseError

HOST_LIMIT = 65_536
_TEXT_LIMIT = 1_000_000
_NAME_LIMIT = 255
"""Characters of a host's name (HOST_NAME_MAX is 64, a domain's 253)."""
_NO_HOSTS = frozenset({"", "(null)", "None assigned", "None", "N/A"})
_PART = re.compile(r"\[([^\[\]]*)\]|([^\[\],\s]+)")
_ENTRY = re.compile(r"(?:\[[^\[\]]*\]|[^\[\],\s])+")
_RANGE = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?", re.ASCII)


def expand_hostlist(text: str, *, limit: int = HOST_LIMIT) -> tuple[str, ...]:
    """Give the names that a host list stands for, in its order.

    Raises:
        HostlistTooLargeError: It names more than `limit` hosts; nothing of that size is built.
        MalformedValueError: It is no host list.
    """
    if text in _NO_HOSTS:
        return ()
    if len(text) > _TEXT_LIMIT:
        raise HostlistTooLargeError("a host list that is too long", text)
    hosts = tuple(islice(_hosts(text, limit), limit + 1))
    if len(hosts) > limit:
        raise HostlistTooLargeError(f"a host list of more than {limit} hosts", text)
    return hosts


@remembers_short_texts(8192)
def node_names(text: str) -> tuple[tuple[str, ...], bool]:
    """Give the first 1,024 names of a job's nodes, and whether these are all.

    A list that cannot be read gives no names, and says that these are not all.
    """
    try:
        names = expand_hostlist(text)
    except SlurmParseError:
        return (), False
    return names[:NODE_NAME_LIMIT], len(names) <= NODE_NAME_LIMIT


def _hosts(text: str, limit: int) -> Iterator[str]:
    position = 0
    while position <= len(text):
        entry = _ENTRY.match(text, position)
        if entry is None:
            raise MalformedValueError("not a host list", text)
        choices = [_choices(part, text, limit) for part in _PART.finditer(entry[0])]
        # Each name is put together of all parts, so that their number is part of the work.
        if sum(max(map(len, choice), default=0) for choice in choices) > _NAME_LIMIT:
            raise MalformedValueError("a host's name that is too long", text)
        if prod(map(len, choices)) > limit:
            raise HostlistTooLargeError(f"a host list of more than {limit} hosts", text)
        yield from ("".join(combination) for combination in product(*choices))
        position = entry.end() + 1
        if position <= len(text) and text[position - 1] != ",":
            raise MalformedValueError("not a host list", text)


def _choices(part: re.Match[str], text: str, limit: int) -> list[str]:
    """Give what one part of a name may be: the numbers of a bracket, or just its text."""
    if part[2] is not None:
        return [part[2]]
    numbers: list[str] = []
    for piece in part[1].split(","):
        match = _RANGE.fullmatch(piece)
        if match is None:
            raise MalformedValueError("not a host list", text)
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise MalformedValueError("not a host list", text)
        if last - first + len(numbers) >= limit:
            raise HostlistTooLargeError(f"a host list of more than {limit} hosts", text)
        numbers.extend(str(number).zfill(len(match[1])) for number in range(first, last + 1))
    return numbers
