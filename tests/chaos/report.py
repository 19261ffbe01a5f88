"""What a run of rounds came to, as a table and as JSON."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tests.chaos.rounds import BACK_LIMIT_S, Round, as_json


def summary(
    rounds: Sequence[Round], *, seed: int, not_here: Mapping[str, str], void: str = ""
) -> dict[str, Any]:
    """Give the sums; `void` says why rounds that were asked for have not been played."""
    back = sorted(one.back_s for one in rounds if one.back_s is not None)
    return {
        "seed": seed,
        "rounds": len(rounds),
        "failed": [one.number for one in rounds if not one.is_good],
        "lost": sum(len(one.verdict.lost) for one in rounds),
        "doubled": sum(len(one.verdict.doubled) for one in rounds),
        "wrong": sum(len(one.verdict.wrong) for one in rounds),
        "damaged": sum(bool(one.damaged) for one in rounds),
        "silent": sum(len(one.verdict.silent) for one in rounds),
        "late": sum(one.back_s is None or one.back_s > BACK_LIMIT_S for one in rounds),
        "back_p50_s": _part(back, 0.5),
        "back_p95_s": _part(back, 0.95),
        "back_most_s": _part(back, 1),
        "outbox_peak": max((one.outbox_peak for one in rounds), default=0),
        "kinds": dict(Counter(kind for one in rounds for kind in one.kinds)),
        "not_here": dict(not_here),
        "void": void,
        "each": [as_json(one) for one in rounds],
    }


def markdown(told: Mapping[str, Any]) -> str:
    """Give the table for people."""
    rows = [
        ("rounds", told["rounds"]),
        ("rounds that failed", len(told["failed"])),
        ("facts or rows lost", told["lost"]),
        ("doubled", told["doubled"]),
        ("wrong otherwise", told["wrong"]),
        ("back within 30 s", f"{told['rounds'] - told['late']} of {told['rounds']}"),
        ("back: p50, p95, most", " / ".join(f"{told[f'back_{one}_s']:.1f} s" for one in _PARTS)),
        ("rounds with destroyed facts", told["damaged"]),
        ("of them unreported", told["silent"]),
        ("most messages in the outbox", told["outbox_peak"]),
    ]
    lines = [f"Seed {told['seed']}.", ""]
    if told["void"]:
        lines += [f"**{told['void']}.**", ""]
    lines += ["| what | |", "|---|---|"]
    lines += [f"| {what} | {value} |" for what, value in rows]
    lines += ["", "| fault | rounds | back p50 | back most |", "|---|---|---|---|"]
    for kind, count in sorted(told["kinds"].items()):
        back = sorted(
            one["back_s"]
            for one in told["each"]
            if kind in one["kinds"] and one["back_s"] is not None
        )
        lines.append(f"| {kind} | {count} | {_part(back, 0.5):.1f} s | {_part(back, 1):.1f} s |")
    lines += [f"| {kind} | not here: {why} | | |" for kind, why in told["not_here"].items()]
    return "\n".join(lines) + "\n"


_PARTS = ("p50", "p95", "most")


def _part(values: Sequence[float], part: float) -> float:
    if not values:
        return 0.0
    if part >= 1 or len(values) == 1:
        return values[-1]
    if part == 0.5:
        return statistics.median(values)
    return values[min(len(values) - 1, int(part * len(values)))]
