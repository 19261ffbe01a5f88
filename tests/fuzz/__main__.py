"""Fuzzes parsers with atheris, guided by what their code does; recordings are where it begins.

    python -m tests.fuzz --list
    python -m tests.fuzz --parser slurm.squeue.parse_detail --seconds 60
    python -m tests.fuzz --seconds 300

Without a parser it takes turns with all of them: the first byte chooses. What it finds is printed
with its traceback and kept in `build/fuzz`; `--again FILE` tries it once more.
"""

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

import atheris

FOUND = Path("build/fuzz")
LONGEST_TEXT = 65_536
LONGEST_SEED = 4_096
MOST_SEEDS = 1_000
SLOWEST_S = 10
MOST_MEMORY_MIB = 1_024

with atheris.instrument_imports(  # pyright: ignore[reportAttributeAccessIssue] it tells no types
    include=["slurmfleet.slurm", "slurmfleet.filesystems"]
):
    TABLE = importlib.import_module("tests.fuzz.parsers")

NAMES = sorted(TABLE.PARSERS)


def try_one(names: list[str], data: bytes) -> None:
    """Let a parser read bytes as a section's output is read."""
    if not data:
        return
    parser = TABLE.PARSERS[names[data[0] % len(names)]]
    TABLE.tried(parser, data[1:].decode("utf-8", "replace"))


def write_seeds(folder: Path, count: int) -> None:
    """Give recordings to every parser that takes turns: all to one, some to many."""
    recordings = TABLE.recordings()
    every = max(1, len(recordings) * count // MOST_SEEDS)
    for number, text in enumerate(recordings):
        for place in range(number % every, count, every):
            (folder / f"{number}-{place}").write_bytes(bytes([place]) + text[:LONGEST_SEED])


def main() -> None:
    """Fuzz until the time has passed; the exit status tells whether something was found."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    options.add_argument("--parser", choices=NAMES, help="one; without it, all take turns")
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--again", type=Path, help="a file that was found")
    options.add_argument("--list", action="store_true", help="name the parsers")
    chosen = options.parse_args()
    if chosen.list:
        sys.stdout.write("".join(f"{name}\n" for name in NAMES))
        return
    names = [chosen.parser] if chosen.parser else NAMES
    FOUND.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        write_seeds(Path(folder), len(names))
        limits = [
            f"-max_total_time={chosen.seconds}",
            f"-max_len={LONGEST_TEXT}",
            f"-timeout={SLOWEST_S}",
            f"-rss_limit_mb={MOST_MEMORY_MIB}",
            f"-artifact_prefix={FOUND}/",
            "-print_final_stats=1",
        ]
        where = [str(chosen.again)] if chosen.again else [folder]
        atheris.Setup([sys.argv[0], *limits, *where], lambda data: try_one(names, data))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
