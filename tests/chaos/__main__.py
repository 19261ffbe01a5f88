"""Hurt a running stack, round after round: `python -m tests.chaos [--rounds N] [--seed N]`.

    make test-chaos
    make test-chaos ARGS="--rounds 200 --seed 7 --outage-s 600"
    make test-chaos ARGS="--faults kill,stop --rounds 20"

A seed repeats the faults, their victims and their lengths; how far each process has come when it is
hit is up to the machine. The exit status is 0 only if every round was good.
"""

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.faults import KINDS, not_here
from tests.chaos.report import markdown, summary
from tests.chaos.rounds import Round, ground, play

SHORT_OUTAGE_S = 15.0
_LEFT_OUT = shutil.ignore_patterns("postgres", "jetstream", "*.sock")


def main() -> int:
    """Play the rounds; give the exit status."""
    options = _options()
    # A shell that starts this in the background has it ignore Ctrl-C; disks must be given back.
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.default_int_handler)
    absent = not_here()
    kinds = [one for one in KINDS if one in options.faults and one not in absent]
    for kind, why in absent.items():
        _print(f"not here: {kind}: {why}")
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    _print(f"seed {options.seed}, {options.rounds} rounds, below {folder}")
    rounds: list[Round] = []
    gone = ""
    try:
        with ground(folder, seed=options.seed, outage_s=options.outage_s) as field:
            for number in range(options.first, options.first + options.rounds):
                # Each kind comes up, however few the rounds.
                first = kinds[number] if number < len(kinds) else ""
                one = play(field, number, options.seed, kinds, first=first)
                field.target.outage_s = (
                    min(options.outage_s, SHORT_OUTAGE_S)
                    if ("bus outage" in one.kinds)
                    else field.target.outage_s
                )
                rounds.append(one)
                _say(one)
                if not one.is_good:
                    _keep(folder, options.keep, one.number)
                    if options.stop_at_first:
                        break
                # Rounds on a stack that is not there would tell of one failure many times.
                if gone := field.gone():
                    break
    finally:
        void = f"{gone}: {options.rounds - len(rounds)} rounds were not played" if gone else ""
        told = summary(rounds, seed=options.seed, not_here=absent, void=void)
        if options.json:
            options.json.write_text(json.dumps(told, indent=1) + "\n")
        _print("\n" + markdown(told))
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if told["failed"] or gone or not rounds else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make test-chaos ARGS=")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--first", type=int, default=0, help="number of the first round")
    parser.add_argument("--faults", default=",".join(KINDS), help="kinds, parted by commas")
    parser.add_argument(
        "--outage-s",
        type=float,
        default=SHORT_OUTAGE_S,
        help="the first outage of the bus; those after it are short",
    )
    parser.add_argument("--json", type=Path, help="write all of it here as well")
    parser.add_argument("--keep", type=Path, default=Path("build/chaos"), help="logs of failures")
    parser.add_argument("--stop-at-first", action="store_true", help="end with the first failure")
    options = parser.parse_args()
    options.faults = options.faults.split(",")
    if unknown := set(options.faults) - set(KINDS):
        parser.error(f"no such faults: {', '.join(sorted(unknown))}")
    return options


def _say(one: Round) -> None:
    back = "not back" if one.back_s is None else f"back in {one.back_s:.1f} s"
    _print(
        f"round {one.number} (seed {one.seed}) at {one.began_s:.0f} s: {' + '.join(one.faults)}:"
        f" {back}, outbox {one.outbox_peak}, {'good' if one.is_good else 'FAILED'}"
    )
    for line in (
        *one.damaged,
        *one.verdict.unseen[:3],
        *one.verdict.lines(),
        *(one.trouble[:2_000].splitlines()),
    ):
        _print(f"    {line}")


def _keep(folder: Path, target: Path, number: int) -> None:
    """Keep logs and state of a failed round; the databases are left out."""
    kept = target / f"round-{number}"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(
        folder, kept, ignore=_LEFT_OUT, dirs_exist_ok=True, ignore_dangling_symlinks=True
    )
    _print(f"    logs: {kept}")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
