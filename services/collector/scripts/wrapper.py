"""The bash around a person's script, and what its answer means; pure.

The script comes by standard input and is read from a file that has no name any more: it stands on
no command line and, while it runs, in no folder. Its outputs go to files of limited size: of a
flood first what keeps them dies, and then the script of SIGPIPE. What it leaves running in the
background is not waited for.

Source: timeout(1): it leads a process group of its own and signals all of it, 124 when the limit
passed, 137 when it had to kill; bash(1), ulimit: SIGXFSZ; pipe(7): SIGPIPE; mktemp(1).
"""

import base64
import re
import shlex
from typing import NamedTuple

from slurmfleet.contracts.scripts import (
    MOST_SHOWN_BYTES,
    MOST_WRITTEN_BYTES,
    Interpreter,
    ScriptReport,
    ScriptRequest,
)

NO_PLACE = 80
NO_INTERPRETER = 81
KILL_AFTER_S = 5
STRAGGLERS_S = 3
"""How long outputs are read on after the script has ended: something it started may hold them."""

HEAD_BYTES = MOST_SHOWN_BYTES // 4
TAIL_BYTES = MOST_SHOWN_BYTES - HEAD_BYTES

_TIMED_OUT = frozenset({124, 137})
_SLACK_MS = 50
"""Clocks differ: the timer's and the one that is read."""

_READS_STDIN = {
    Interpreter.PYTHON3: ("python3", "-"),
    Interpreter.PYTHON: ("python", "-"),
    Interpreter.BASH: ("bash", "-s", "--"),
    Interpreter.SH: ("sh", "-s", "--"),
}

_WRAPPER = """\
{{
set +eux
place=$(mktemp -d "${{TMPDIR:-/tmp}}/slurmfleet.XXXXXXXX" 2>/dev/null) ||
  place=$(mktemp -d "$HOME/.slurmfleet.XXXXXXXX") || exit {no_place}
trap 'rm -rf -- "$place"' EXIT
base64 -d >"$place/script" <<'END' || exit {no_place}
{script}
END
command -v -- {interpreter} >/dev/null || exit {no_interpreter}
mkfifo -- "$place/out.pipe" "$place/err.pipe" || exit {no_place}
exec 4<"$place/script"
rm -f -- "$place/script"
exec 5>&2 2>/dev/null 3>&-
keep() {{ ulimit -c 0; ulimit -f {written_kib}; exec cat; }}
keep <"$place/out.pipe" >"$place/out" 4<&- 5>&- & out=$!
keep <"$place/err.pipe" >"$place/err" 4<&- 5>&- & err=$!
began_ms=$(date +%s%3N)
timeout -k {kill_after_s} {limit_s} {command} <&4 >"$place/out.pipe" 2>"$place/err.pipe" 4<&- 5>&- &
child=$!
trap 'kill -TERM "$child" 2>/dev/null; exit 143' TERM HUP INT
exec 4<&-
wait "$child"
status=$?
took_ms=$(($(date +%s%3N) - began_ms))
for _ in {tries}; do
  kill -0 "$out" 2>/dev/null || kill -0 "$err" 2>/dev/null || break
  sleep 0.1
done
kill "$out" "$err" 2>/dev/null
wait "$out" "$err"
show() {{
  if [ "$2" -le {shown} ]; then cat -- "$1"; else head -c {head} -- "$1"; tail -c {tail} -- "$1"; fi
}}
out_bytes=$(wc -c <"$place/out") err_bytes=$(wc -c <"$place/err")
printf '%s %s %s %s %s %s\\n' "$status" "$took_ms" "$((out_bytes))" "$((err_bytes))" \\
  "$(id -un)" "$(uname -n)"
show "$place/out" "$out_bytes"
show "$place/err" "$err_bytes" >&5
exit 0
}}
"""

_HEAD = re.compile(
    rb"(?P<status>\d{1,3}) (?P<took_ms>\d{1,9}) (?P<out>\d{1,12}) (?P<err>\d{1,12}) "
    rb"(?P<login>[^\s]{0,256}) (?P<machine>[^\s]{0,256})\n"
)


class UnreadableAnswerError(Exception):
    """What came back is not what the wrapper writes."""


class _Output(NamedTuple):
    text: str
    left_out_bytes: int


def wrapped(request: ScriptRequest) -> str:
    """Give the bash that runs a script and tells what it did."""
    return _WRAPPER.format(
        script="\n".join(_pieces(base64.b64encode(request.script.encode()).decode())),
        interpreter=shlex.quote(request.interpreter),
        command=shlex.join((*_READS_STDIN[request.interpreter], *request.arguments)),
        limit_s=request.limit_s,
        kill_after_s=KILL_AFTER_S,
        tries=f"{{1..{STRAGGLERS_S * 10}}}",
        written_kib=MOST_WRITTEN_BYTES // 1_024,
        shown=MOST_SHOWN_BYTES,
        head=HEAD_BYTES,
        tail=TAIL_BYTES,
        no_place=NO_PLACE,
        no_interpreter=NO_INTERPRETER,
    )


def report_of(request: ScriptRequest, stdout: bytes, stderr: bytes) -> ScriptReport:
    """Read what the wrapper wrote.

    Args:
        request: What was to be run.
        stdout: Its standard output.
        stderr: Its standard error.

    Raises:
        UnreadableAnswerError: That is not its answer.
    """
    head = _HEAD.match(stdout)
    if head is None:
        raise UnreadableAnswerError(stdout[:200].decode("utf-8", "replace"))
    status, took_ms = int(head["status"]), int(head["took_ms"])
    out_bytes, err_bytes = int(head["out"]), int(head["err"])
    out = _shown(stdout[head.end() :], out_bytes)
    err = _shown(stderr, err_bytes)
    return ScriptReport(
        exit_status=status,
        timed_out=status in _TIMED_OUT and took_ms >= request.limit_s * 1_000 - _SLACK_MS,
        flooded=max(out_bytes, err_bytes) >= MOST_WRITTEN_BYTES,
        stdout=out.text,
        stderr=err.text,
        stdout_bytes=out_bytes,
        stderr_bytes=err_bytes,
        stdout_left_out_bytes=out.left_out_bytes,
        stderr_left_out_bytes=err.left_out_bytes,
        duration_s=took_ms / 1_000,
        machine=head["machine"].decode("utf-8", "replace"),
        login=head["login"].decode("utf-8", "replace"),
    )


def _shown(data: bytes, size_bytes: int) -> _Output:
    """Give an output as text, with a line in the place of what is missing in its middle."""
    if size_bytes <= MOST_SHOWN_BYTES:
        return _Output(data.decode("utf-8", "replace"), 0)
    left_out = size_bytes - HEAD_BYTES - TAIL_BYTES
    begin, end = data[:HEAD_BYTES], data[HEAD_BYTES:]
    note = f"\n[… {left_out} bytes are left out here …]\n"
    return _Output(begin.decode("utf-8", "ignore") + note + end.decode("utf-8", "ignore"), left_out)


def _pieces(text: str) -> list[str]:
    """Give base 64 in lines: what reads a terminal's line takes no longer ones."""
    return [text[at : at + 76] for at in range(0, len(text), 76)] or [""]
