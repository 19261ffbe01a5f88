"""The scripts that read files on a login node, and the argument lists that run them; pure.

A script is a constant. Whatever comes from outside is an argument of it: paths and patterns in
base 64, so that any name a file can have arrives as it is, and numbers. What is read is opened
first, and then the kernel is asked what is open: between a check of a name and its use somebody
might put another file there.

They need bash and GNU's coreutils, findutils and grep, as Linux clusters have them.

Source: proc(5), /proc/pid/fd; tail(1), grep(1), find(1) of GNU; docs/files.md.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from slurmfleet.slurm.commands import Section

READ_LIMIT_S = 15.0
SEARCH_LIMIT_S = 25.0
FIND_LIMIT_S = 12.0
MOST_FOLDER_BYTES = 4 * 2**20
"""Of a listing: some 60,000 names."""

MOST_MATCH_BYTES = 2**20
MOST_SCRIPT_BYTES = 256 * 1_024
_NEWEST = 200
_MOST_RUNS = 8


class Refusal(IntEnum):
    """Exit statuses of ours; what the tools themselves give is below 3 or above 123."""

    MISSING = 40
    DENIED = 41
    NOT_A_FILE = 42
    NOT_A_FOLDER = 43
    OUTSIDE = 44
    """What was opened lies in none of the folders that were named."""

    BAD_PATTERN = 45


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """What follows a place in a file."""

    after: int
    """Bytes before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backward:
    """The newest lines before a place in a file."""

    before: int | None
    """Bytes before its end; None: the end of the file."""

    lines: int
    """One more is read, so that whoever wants so many knows that the first is whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What lines are searched for."""

    text: str
    is_regex: bool = False
    """Extended, as grep -E reads it; else the text itself."""

    ignores_case: bool = False
    context_lines: int = 0


_PATHS = r"""
set -fuo pipefail
export LC_ALL=C
decoded() { printf '%s' "$1" | base64 -d; printf x; }
decode_all() { # a list into `told`
  local one
  local -a words
  told=()
  IFS=, read -r -a words <<<"$1"
  for one in "${words[@]}"; do one=$(decoded "$one"); told+=("${one%x}"); done
}
"""

_OPEN = (
    _PATHS
    + r"""
path=$(decoded "$1"); path=${path%x}
roots=$2 user=$3
shift 3
home=$(readlink -f -n -- ~; printf x); home=${home%x}
check_within() {
  local real=$1 root
  # What is hidden at the top of a home is settings and keys, never output, whoever names it.
  [[ $real == "$home"/.* ]] && exit 44
  decode_all "$roots"
  for root in "${told[@]}"; do
    root=$(readlink -f -n -- "$root"; printf x); root=${root%x}
    [[ -n $root ]] || continue
    [[ $real == "$root" ]] && return 0
    # A job that was submitted at the very top has no claim to all that lies below.
    [[ $root == / || $home == "$root"/* ]] && continue
    [[ $real == "$root"/* ]] && return 0
  done
  exit 44
}
open_path() { # -f or -d, and what it means when it is neither
  # First by name, so that nobody learns what exists elsewhere; then what is really open.
  real=$(readlink -m -n -- "$path"; printf x); real=${real%x}
  check_within "$real"
  if [[ ! -e $path ]]; then
    # A folder on the way that may not be entered looks like nothing at all.
    stat -- "$path" 2>&1 >/dev/null | grep -qi 'permission denied' && exit 41
    exit 40
  fi
  test "$1" "$path" || exit "$2"
  { exec 3<"$path"; } 2>/dev/null || exit 41
  real=$(readlink -n /proc/self/fd/3; printf x); real=${real%x}; real=${real% (deleted)}
  check_within "$real"
  # Anybody may say that a job writes to a file of ours: that makes it none of the job's.
  me=$(id -un)
  [[ $user == "$me" || $(stat -L -c %U /proc/self/fd/3) != "$me" ]] || exit 44
}
open_file() {
  open_path -f 42
  read -r size id modified < <(stat -L -c '%s %d-%i %Y' /proc/self/fd/3)
}
tell() {
  local head
  head=$(head -c 64 </proc/self/fd/3 | od -An -v -tx1 | tr -d ' \n')
  printf '%s\0%s\0%s\0%s\0%s\0%s\0' "$size" "$id" "$modified" "$1" "$2" "$head"
}
"""
)

_FORWARD = (
    _OPEN
    + r"""
open_file
after=$(($1 < size ? $1 : size))
tell "$after" -1
tail -c "+$((after + 1))" <&3 | head -c "$2"
[[ ${PIPESTATUS[0]} =~ ^(0|141)$ ]]
"""
)

_BACKWARD = (
    _OPEN
    + r"""
open_file
end=$size
[[ $1 == - ]] || end=$(($1 < size ? $1 : size))
begin=$((end > $2 ? end - $2 : 0))
tell -1 "$end"
tail -c "+$((begin + 1))" <&3 | head -c "$((end - begin))" | tail -n "$3"
[[ ${PIPESTATUS[0]} =~ ^(0|141)$ ]]
"""
)

_SEARCH = (
    _OPEN
    + r"""
open_file
after=$(($1 < size ? $1 : size)) most_bytes=$2 most=$3 kind=$4 case=$5 context=$6 wide=$7
pattern=$(decoded "$8"); pattern=${pattern%x}
options=(-a -n -b -m "$most" "$kind" -C "$context")
ulimit -v 1048576 # a pattern may be small and yet want all the memory there is
[[ $case == i ]] && options+=(-i)
grep "${options[@]}" -e "$pattern" </dev/null
(($? < 2)) || exit 45
end=$size
if ((end - after > most_bytes)); then # up to the end of a line
  end=$((after + most_bytes))
  rest=$(tail -c "+$((end - 65535))" </proc/self/fd/3 | head -c 65536 | tail -n 1 | wc -c)
  end=$((end - rest))
fi
tell "$after" "$end"
tail -c "+$((after + 1))" <&3 | head -c "$((end - after))" | grep "${options[@]}" -e "$pattern" |
  cut -b "-$wide" | head -c "$9"
[[ ${PIPESTATUS[0]} =~ ^(0|141)$ ]]
"""
)

_LIST = (
    _OPEN
    + r"""
open_path -d 43
printf '%s\0' "$real"
find /proc/self/fd/3/ -mindepth 1 -maxdepth 1 -printf '%Y %s %T@ %f\0' | head -c "$1"
[[ ${PIPESTATUS[0]} =~ ^(0|1|141)$ ]]
"""
)

_FIND = (
    _PATHS
    + r"""
record='%Y %s %T@ %p\0'
decode_all "$1"; files=("${told[@]}")
decode_all "$2"; folders=("${told[@]}")
decode_all "$3"; outputs=("${told[@]}")
number=$4 newest=$5
show() { (($# < 2)) || find -H "${@:2}" $1 -printf "$record" 2>/dev/null; }
show '-maxdepth 0' "${files[@]}"
{
  show "-mindepth 1 -maxdepth 1 -name *$number*" "${folders[@]}"
  mapfile -d '' -t own < <(find -H "${folders[@]}" -mindepth 1 -maxdepth 1 -type d \
    -name "*$number*" -print0 2>/dev/null)
  show '-mindepth 1 -maxdepth 1' "${own[@]}" "${outputs[@]}"
} | sort -z -u | sort -z -r -n -k3,3 | head -z -n "$newest"
"""
)

_RUNS = (
    _PATHS
    + r"""
decode_all "$1"; bases=("${told[@]}")
name=$(decoded "$2"); name=${name%x}
mapfile -d '' -t own < <(find -H "${bases[@]}" -mindepth 1 -maxdepth "$3" -type d -name "$name" \
  -print0 2>/dev/null | head -z -n "$4")
((${#own[@]})) || exit 0
find -H "${own[@]}" -mindepth 1 -maxdepth 1 -printf '%Y %s %T@ %p\0' 2>/dev/null |
  sort -z -r -n -k3,3 | head -z -n "$5"
"""
)

_HEAD = (
    _PATHS
    + r"""
path=$(decoded "$1"); path=${path%x}
[[ -f $path ]] || exit 40
head -c "$2" -- "$path"
"""
)


def read_section(
    path: bytes, roots: Sequence[bytes], user: str, part: Forward | Backward, *, most_bytes: int
) -> Section:
    """Read a part of a file that lies in one of the folders, or is one of the roots itself.

    Of a job of somebody else, nothing is read that belongs to the user we log in as.
    """
    match part:
        case Forward():
            script, numbers = _FORWARD, (str(part.after), str(most_bytes))
        case Backward():
            before = "-" if part.before is None else str(part.before)
            script, numbers = _BACKWARD, (before, str(most_bytes), str(part.lines + 1))
    return _section("read", script, (_word(path), _words(roots), user, *numbers), READ_LIMIT_S)


def search_section(
    path: bytes,
    roots: Sequence[bytes],
    user: str,
    pattern: Pattern,
    *,
    after: int,
    most_bytes: int,
    most_matches: int,
    most_line_bytes: int,
) -> Section:
    """Find the lines of a file that match, from a byte on.

    Args:
        path: Of the file.
        roots: As for reading.
        user: Whose job it is.
        pattern: What they hold.
        after: Bytes that are not searched; a line begins there.
        most_bytes: So many are searched.
        most_matches: So many lines are given, beside those around them.
        most_line_bytes: More of a line is left out.
    """
    arguments = (
        *(_word(path), _words(roots), user, str(after), str(most_bytes), str(most_matches)),
        "-E" if pattern.is_regex else "-F",
        "i" if pattern.ignores_case else "-",
        *(str(pattern.context_lines), str(most_line_bytes)),
        *(_word(pattern.text.encode()), str(MOST_MATCH_BYTES)),
    )
    return _section("search", _SEARCH, arguments, SEARCH_LIMIT_S)


def list_section(path: bytes, roots: Sequence[bytes], user: str) -> Section:
    """List a folder, in no order; whose is not, as for reading."""
    arguments = (_word(path), _words(roots), user, str(MOST_FOLDER_BYTES))
    return _section("list", _LIST, arguments, FIND_LIMIT_S)


def find_section(
    *, files: Sequence[bytes], folders: Sequence[bytes], outputs: Sequence[bytes], number: int
) -> Section:
    """Find a job's files: those that are named, and what lies beside them.

    Args:
        files: Told of if they are there.
        folders: Of these, what has the number in its name, and what lies in such folders. A
            number that is part of a greater one is among it: telling them apart is the reader's.
        outputs: Of these, everything; the newest are told.
        number: The job's.
    """
    arguments = (_words(files), _words(folders), _words(outputs), str(number), str(_NEWEST))
    return _section("find", _FIND, arguments, FIND_LIMIT_S)


def runs_section(bases: Sequence[bytes], name: str) -> Section:
    """List what lies in folders that are called just so, up to three levels below the bases."""
    # What a pattern of find(1) would take for more than itself stands behind a backslash.
    literal = re.sub(r"([\\*?\[\]])", r"\\\1", name)
    arguments = (_words(bases), _word(literal.encode()), "3", str(_MOST_RUNS), str(_NEWEST))
    return _section("find", _RUNS, arguments, FIND_LIMIT_S)


def head_section(path: bytes) -> Section:
    """Read the beginning of a job's script, to learn from and not to show."""
    return _section("script", _HEAD, (_word(path), str(MOST_SCRIPT_BYTES)), READ_LIMIT_S)


def _section(name: str, script: str, arguments: Sequence[str], limit_s: float) -> Section:
    argv = ("nice", "-n", "10", "bash", "-c", script, "slurmfleet", *arguments)
    return Section(name=name, argv=argv, limit_s=limit_s, asks=0)


def _word(text: bytes) -> str:
    return base64.b64encode(text).decode()


def _words(texts: Sequence[bytes]) -> str:
    return ",".join(map(_word, texts))
