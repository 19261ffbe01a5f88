"""Texts that nobody meant: mutated recordings, pieces of grammar, and inputs that grow."""

from collections.abc import Callable, Mapping

from hypothesis import strategies as st

from slurmfleet.slurm.columns import QUEUE_COLUMNS
from tests.fuzz.parsers import NONCE, recordings

LONGEST_SEED = 4_096
LONGEST_LINE = 600

PIECES = (
    *("\n", "|", ",", ":", ";", "=", "-", "_", "+", "%", "/", "(", ")", "[", "]", "{", "}", "*"),
    *("\x1e", "\x1f", "\x1e\n", "\0", "\ud800", "\u0663", "²", "\u2028", "é", " ", "\t", "\\"),
    *("0", "1", "007", "4294967294", "4294967295", "9" * 18, "9" * 20, "9" * 5_000, "1e999999"),
    *("0-999999999", "1-9:3", "[1-9]", "node[0-999999999]", "1_[0-9%2]", "17+1", "1-00:00:00"),
    *(
        "RUNNING",
        "PENDING",
        "CANCELLED by 1",
        "COMPLETING",
        "UNLIMITED",
        "N/A",
        "(null)",
        "Unknown",
    ),
    *("cpu=1", "mem=64G", "gres/gpu=8", "gres/gpu:h100=8", "gpu:h100:2(S:0-1)", "billing=9E"),
    *("afterok:16(unfulfilled)", "singleton", "%j", "%A_%a", "%10x", "%b", "1.5G", "0:125", "-5"),
    *("Disk quotas for usr a (uid 1):\n", "Filesystem", "6d23h59m58s", "[12]", "12*", "none"),
    *("mmlsquota::HEADER:", "mmlsquota::0:1:::", "%3A", "/home", "Mounted on", "-OST0000_UUID"),
    *(f"\n%%{NONCE} BEGIN a\n", f"\n%%{NONCE} ERRORS a\n", f"\n%%{NONCE} END 0\n"),
    f"\n%%{NONCE} NOW ",
)

SEEDS = tuple(text[:LONGEST_SEED].decode("utf-8", "replace") for text in recordings())

LONG_SEEDS = SEEDS[:: max(1, len(SEEDS) // 8)]
"""Some recordings, repeated until they are long."""

_any = st.text(st.characters(codec=None, exclude_categories=()), max_size=200)
_pieces = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Give a recording with a few places changed: cut, doubled, or with something put in."""
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = min(len(text), begin + draw(st.integers(0, LONGEST_LINE)))
        put_in = draw(st.one_of(st.sampled_from(PIECES), st.just(text[begin:end] * 2), _any))
        text = text[:begin] + put_in + text[end:]
    return text


texts = st.one_of(_pieces, mutated(), _any)


def _repeated(piece: str, begin: str = "", end: str = "") -> Callable[[int], str]:
    return lambda size: begin + piece * (max(0, size - len(begin) - len(end)) // len(piece)) + end


def _queue_row(job: str, partition: str, tres: str) -> str:
    """Give a line of everybody's queue."""
    told = {"JobArrayID": job, "Partition": partition, "State": "PENDING", "tres-alloc": tres}
    return "".join(f"{told.get(column, '')}|" for column in QUEUE_COLUMNS) + "\n"


GROWING: Mapping[str, Callable[[int], str]] = {
    "digits": _repeated("9"),
    "spaces": _repeated(" "),
    "newlines": _repeated("\n"),
    "short lines": _repeated("x\n"),
    "letters": _repeated("a"),
    "digits after a mark": _repeated("9", f"\n%%{NONCE} NOW ", "\n"),
    "opening brackets": _repeated("["),
    "bracket pairs": _repeated("[]"),
    "nested parentheses": _repeated("(", "gpu:1"),
    "affinities": _repeated("(S:0)", "gpu:1"),
    "commas": _repeated(","),
    "colons": _repeated(":"),
    "equals": _repeated("a=1,", "", "b=1"),
    "tres": _repeated("gres/gpu:h100=1,", "", "cpu=1"),
    "array ranges": _repeated("0-999999999,", "", "1"),
    "bracketed array": _repeated("0-999999999,", "7_[", "1]|cpu|PENDING||\n"),
    "queue": _repeated(_queue_row("7_[0-999999999]", "cpu", "gres/gpu=8")),
    "counts": _repeated(_queue_row("8", "cpu", "gres/gpu=999999999999999999")),
    "kinds of jobs": lambda size: "".join(
        _queue_row(str(number), f"p{number}", "") for number in range(1, max(1, size // 40))
    ),
    **{f"recording {place}": _repeated(text) for place, text in enumerate(LONG_SEEDS)},
    "one wide range": _repeated("0", "node[0-9", "]"),
    "wide ranges": _repeated("node[0-999999999],", "", "a"),
    "products": _repeated("[1-9]", "a"),
    "hosts": _repeated("a,", "", "a"),
    "ranges in a bracket": _repeated("1,", "a[", "1]"),
    "separators": _repeated("\x1f"),
    "records": _repeated("\x1e\n"),
    "ids": _repeated("1\x1f"),
    "begun records": _repeated("\n1\x1f"),
    "frames": _repeated(f"\n%%{NONCE} BEGIN a\n"),
    "sections": lambda size: "".join(
        f"\n%%{NONCE} BEGIN s{number}\nx" for number in range(size // 40)
    ),
    "states": _repeated("RUNNING+"),
    "unknown states": _repeated("A+", "", "A"),
    "dependencies": _repeated("afterok:1,"),
    "targets": _repeated(":1", "afterok"),
    "patterns": _repeated("%j"),
    "wide patterns": _repeated("%99j"),
    "backslashes": _repeated("\\"),
    "escaped": _repeated("%41"),
    "paths": _repeated("../", "/"),
    "quota titles": _repeated("(uid 1", "Disk quotas for usr ", ": "),
    "quota rows": _repeated("/a 1 1 1 - 1 1 1 -\n"),
    "server rows": _repeated("x-OST0000"),
    "GPFS rows": _repeated("mmlsquota::0:1:::\n", "mmlsquota::HEADER:a:b:c:d\n"),
    "GPFS fields": _repeated("a:", "mmlsquota::HEADER:"),
    "graces": _repeated("1d"),
    "key values": _repeated("A=b "),
    "bars": _repeated("a|", "", "\n"),
    "slashes": _repeated("a/b,"),
    "surrogates": _repeated("\ud800"),
    "nulls": _repeated("\0"),
}
"""Texts of about a number of characters, by what they are made of."""
