"""The script that submits a job on a login node, once for each token; pure.

What is to be done is written down on the login node before sbatch runs, and what came of it before
anybody is told. So a submission whose answer was lost is found again: by the number that was
written down, or by the token in the comment of a job of ours. Only where neither is there, and the
attempt is over, sbatch runs again.

The script is a constant; whatever comes from outside is an argument of it, and the batch script
comes in pieces of base 64 that sbatch reads from its standard input.

Source: sbatch(1), squeue(1), flock(1); execve(2): one argument holds 128 KiB at most.
"""

import base64
import re
from collections.abc import Mapping
from enum import IntEnum

from slurmfleet.contracts.ids import JobId, job_id
from slurmfleet.contracts.problems import ProblemError
from slurmfleet.contracts.submission import MARK, SubmitRequest
from slurmfleet.slurm.commands import Section

SUBMIT = "submit"
SUBMIT_LIMIT_S = 40.0
"""A controller that hangs costs sbatch 10 s and more; the search for a lost job as much again."""

SETTLES_AFTER_S = 60
"""Younger attempts of which nothing is known may still be on their way to the controller."""

_PIECE = 96 * 1_024
_KEPT_DAYS = 7


class Refusal(IntEnum):
    """Exit statuses of ours; sbatch's own are 1 to 3 or above 200."""

    NO_PLACE = 80
    """The home of our login takes no file."""
    BUSY = 81
    """The same submission is being made now."""
    UNSETTLED = 82
    """An attempt was made a moment ago, and nothing is known of it yet."""
    OTHER = 83
    """The token stands for another submission."""
    NO_FOLDER = 84
    UNSURE = 85
    """sbatch lost its controller: the job may have been taken."""


_SCRIPT = r"""
set -u
token=$1 digest=$2 work=$3 settles_s=$4 kept_days=$5 pieces=$6
shift 6
place=${HOME:?}/.slurmfleet/submissions
umask 077
mkdir -p "$place" || exit 80
find "$place" -maxdepth 1 -type f -mtime +"$kept_days" -delete 2>/dev/null
at=$place/$token
exec 9>"$at.lock" || exit 80
flock -w 5 9 2>/dev/null
[ $? -eq 1 ] && exit 81  # another status: this file system knows no locks
known() {
  [ "$(head -n 1 "$at.begun" 2>/dev/null)" = "$digest" ] || exit 83
  printf 'known %s\n' "$(cat "$at.id")"
  exit 0
}
[ -s "$at.id" ] && known
if [ -s "$at.begun" ]; then
  [ "$(head -n 1 "$at.begun")" = "$digest" ] || exit 83
  listed=$(squeue -h -a -t all -u "$(id -un)" -o '%F|%k') || exit 85
  found=$(printf '%s\n' "$listed" | awk -F'|' -v mark="MARK$token" \
    'index($0, mark) && substr($0, length($0) - length(mark) + 1) == mark { print $1; exit }')
  if [ -n "$found" ]; then
    printf '%s\n' "$found" >"$at.new" && mv "$at.new" "$at.id" || exit 80
    known
  fi
  # Both times are the file server's: its clock need not be this machine's.
  : >"$at.new" || exit 80
  age_s=$(( $(stat -c %Y "$at.new") - $(stat -c %Y "$at.begun") ))
  [ "$age_s" -lt "$settles_s" ] && exit 82
fi
if [ -n "$work" ]; then cd "$work" 2>/dev/null || exit 84; else cd || exit 84; fi
printf '%s\n' "$digest" >"$at.new" && mv "$at.new" "$at.begun" && sync "$at.begun" 2>/dev/null
[ -s "$at.begun" ] || exit 80
body=()
while [ "$pieces" -gt 0 ]; do body+=("$1"); shift; pieces=$((pieces - 1)); done
printf '%s' "${body[@]}" | base64 -d | sbatch --parsable "$@" >"$at.out" 2>"$at.err" 9>&-
status=$?
cat "$at.err" >&2
if [ "$status" -eq 0 ]; then
  sed -n 's/^\([0-9][0-9]*\)\(;.*\)\{0,1\}$/\1/p' "$at.out" | tail -n 1 >"$at.new"
  [ -s "$at.new" ] || exit 85
  mv "$at.new" "$at.id" || exit 85
  printf 'new %s\n' "$(cat "$at.id")"
  exit 0
fi
grep -qiE 'timed out|unable to contact|connection|communication|transport' "$at.err" && exit 85
rm -f "$at.begun" "$at.out" "$at.err"
exit "$status"
""".replace("MARK", MARK)


def submit_section(request: SubmitRequest) -> Section:
    """Give what submits a job, or finds the one that this token has submitted before."""
    encoded = base64.b64encode(request.script.encode()).decode()
    pieces = [encoded[at : at + _PIECE] for at in range(0, len(encoded), _PIECE)]
    return Section(
        name=SUBMIT,
        argv=(
            *("bash", "-c", _SCRIPT, "submit"),
            *(request.token, request.digest, request.work_dir),
            *(str(SETTLES_AFTER_S), str(_KEPT_DAYS), str(len(pieces))),
            *pieces,
            *sbatch_options(request.options, request.token),
        ),
        limit_s=SUBMIT_LIMIT_S,
        asks=2,
    )


def sbatch_options(options: Mapping[str, str | bool], token: str) -> tuple[str, ...]:
    """Give sbatch's arguments; each value stays in the argument of its option.

    The token goes to the end of the comment, whatever the user's says.
    """
    comment = options.get("comment", "")
    told = f"{comment} {MARK}{token}" if isinstance(comment, str) and comment else f"{MARK}{token}"
    named = {**options, "comment": told}
    return tuple(
        f"--{name}" if value is True else f"--{name}={value}" for name, value in named.items()
    )


_ANSWER = re.compile(r"^(new|known) ([0-9]{1,10})$", re.MULTILINE)


def submitted(stdout: str) -> tuple[JobId, bool] | None:
    """Give the job's id and whether its token was known; None where the answer has neither."""
    match = _ANSWER.search(stdout)
    if match is None:
        return None
    try:
        return job_id(match[2]), match[1] == "known"
    except ProblemError:
        return None
