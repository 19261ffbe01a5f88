"""What the machine itself can do, so that two tables can be compared; judged by nobody."""

import os
import time
from pathlib import Path
from statistics import median

from tests.bench.measure import Result, quantile

_WRITES = 50
_PAGE = b"\0" * 4_096
_TURNS = 1_000_000
_REPETITIONS = 3


def measure(folder: Path) -> list[Result]:
    """Measure one durable write and a million turns of a loop."""
    writes_ms = _durable_writes_ms(folder / "durable")
    return [
        Result(
            group="machine",
            what="4 KiB written and fsynced",
            unit="ms",
            value=median(writes_ms),
            repetitions=len(writes_ms),
            detail={"p95_ms": quantile(writes_ms, 0.95)},
        ),
        Result(
            group="machine",
            what="a million turns of a Python loop",
            unit="ms CPU",
            value=median(_loop_ms() for _ in range(_REPETITIONS)),
            repetitions=_REPETITIONS,
        ),
    ]


def _durable_writes_ms(path: Path) -> list[float]:
    spent_ms: list[float] = []
    with path.open("wb", buffering=0) as out:
        for _ in range(_WRITES):
            began_s = time.perf_counter()
            out.write(_PAGE)
            os.fsync(out.fileno())
            spent_ms.append((time.perf_counter() - began_s) * 1_000)
    return spent_ms


def _loop_ms() -> float:
    began_s = time.process_time()
    total = 0
    for number in range(_TURNS):
        total += number & 1
    return (time.process_time() - began_s) * 1_000
