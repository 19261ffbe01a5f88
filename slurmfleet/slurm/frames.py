"""Several commands in one call, and their outputs told apart again.

One bash script goes to `bash -s` on the login node by stdin, whatever the user's login shell is.
Each section's output stands between lines that hold a random nonce, so that neither banners,
dotfiles' noise nor job names can forge them; the nonce is never on a command line. A section
whose END is missing is no evidence of anything.

Source: docs/slurm-output.md; bash(1); timeout(1): 124 when the limit passed, 137 when it killed.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from slurmfleet.slurm.commands import Section
from slurmfleet.slurm.errors import UnsafeArgumentError
from slurmfleet.slurm.records import Buffer, checked_nonce

STDERR_LIMIT_BYTES = 4_096
KILL_AFTER_S = 2

_SECTION_NAME = re.compile(r"[a-z0-9_-]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,15}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_ENVIRONMENT = {
    # C rather than C.UTF-8: every system has it, bytes pass through, messages are in English.
    "LC_ALL": "C",
    "SLURM_TIME_FORMAT": "%s",
    "SLURM_BITSTR_LEN": "0",
}
_SCRIPT = """\
{{
set +eux
unset ${{!SQUEUE_@}} ${{!SACCT_@}}
unset SLURM_CLUSTERS SLURM_DEBUG SLURM_DEBUG_FLAGS SLURM_JSON SLURM_YAML
{exports}
frame='{mark}'
exec 3>&1
section() {{
  local name=$1 limit_s=$2 errors status
  shift 2
  printf '\\n%s BEGIN %s\\n' "$frame" "$name"
  errors=$( {{
    timeout -k {kill_after_s} "$limit_s" "$@" </dev/null 2>&1 1>&3 3>&- |
      {{ head -c {stderr_limit} | tr -d '\\000'; cat >/dev/null; }}
    exit "${{PIPESTATUS[0]}}"
  }} )
  status=$?
  printf '\\n%s ERRORS %s\\n%s\\n%s END %s\\n' "$frame" "$name" "$errors" "$frame" "$status"
}}
printf '\\n%s NOW %s\\n' "$frame" "$(date +%s)"
{sections}
printf '\\n%s DONE\\n' "$frame"
exit 0
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionOutput:
    """What one section gave."""

    raw: Buffer
    """Its standard output, a part of the whole answer and no copy. The listing of a large queue is
    read from here record by record: as text it would take up to four times as much memory once a
    single name holds an emoji."""

    stderr: str
    """At most 4,096 bytes of it; bytes that are no UTF-8 are replaced."""

    exit_status: int | None
    """None when it never reported an end."""

    @property
    def stdout(self) -> str:
        """Give its standard output as text; bytes that are no UTF-8 are replaced."""
        return str(self.raw, "utf-8", "replace")

    @property
    def complete(self) -> bool:
        """Whether its end arrived; without it, the output is no evidence."""
        return self.exit_status is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """What a composite gave."""

    sections: Mapping[str, SectionOutput]
    """By name; a section that never began is not in it."""

    remote_epoch_s: int | None
    """The login node's clock as the script began."""

    done: bool
    """Whether the script reached its end."""


def composite(sections: Iterable[Section], nonce: str, env: Mapping[str, str] | None = None) -> str:
    """Give the script that runs the sections one after the other.

    bash reads the braces as a whole before it runs anything, so a script that was cut on its way
    does nothing.

    Args:
        sections: Names must differ.
        nonce: 16 to 64 hexadecimal digits, fresh for each call and told to nobody.
        env: More variables to export, such as what a login shell had set.

    Raises:
        UnsafeArgumentError: A name or the nonce does not fit its grammar.
    """
    mark = f"%%{checked_nonce(nonce)}"
    chosen = tuple(sections)
    names = [_checked(section.name, _SECTION_NAME, "a section's name") for section in chosen]
    if len(set(names)) != len(names):
        raise UnsafeArgumentError("a list of different section names", " ".join(names))
    variables = {**(env or {}), **_ENVIRONMENT}
    return _SCRIPT.format(
        mark=mark,
        exports="\n".join(_export(name, value) for name, value in variables.items()),
        kill_after_s=KILL_AFTER_S,
        stderr_limit=STDERR_LIMIT_BYTES,
        sections="\n".join(
            f"section {section.name} {section.limit_s:g} {shlex.join(section.argv)}"
            for section in chosen
        ),
    )


def _export(name: str, value: str) -> str:
    if "\0" in value:
        raise UnsafeArgumentError("an environment variable's value", value)
    return f"export {_checked(name, _VARIABLE, 'a variable name')}={shlex.quote(value)}"


def _checked(value: str, grammar: re.Pattern[str], kind: str) -> str:
    if not grammar.fullmatch(value):
        raise UnsafeArgumentError(kind, value)
    return value


def parse_frames(stdout: bytes, nonce: str) -> Frames:
    """Tell the sections of a composite's output apart; what stands outside them is ignored.

    Raises:
        UnsafeArgumentError: The nonce is none.
    """
    sections: dict[str, SectionOutput] = {}
    remote_epoch_s: int | None = None
    done = False
    opened = _Open()
    for word, rest, body in _marks(stdout, checked_nonce(nonce)):
        match word:
            case "NOW":
                remote_epoch_s = _number(rest)
            case "BEGIN":
                opened = _Open(name=rest, stdout=body)
                sections[rest] = opened.output()
            case "ERRORS" if rest == opened.name:
                opened = _Open(name=rest, stdout=opened.stdout, stderr=body)
                sections[rest] = opened.output()
            case "END" if opened.name and opened.stderr is not None:
                sections[opened.name] = opened.output(_number(rest))
                opened = _Open()
            case "DONE":
                done = True
            case _:
                opened = _Open()
    return Frames(sections=sections, remote_epoch_s=remote_epoch_s, done=done)


def _number(text: str) -> int | None:
    """Give a number; None for what is none, or is so long that nothing of ours wrote it."""
    return int(text) if _NUMBER.fullmatch(text) else None


def _marks(stdout: bytes, nonce: str) -> Iterator[tuple[str, str, memoryview]]:
    """Give each mark's word and argument, and what stands between it and the next."""
    whole = memoryview(stdout)
    mark = f"%%{nonce} ".encode()
    begins = [0] if stdout.startswith(mark) else []
    at = -1
    while (at := stdout.find(b"\n" + mark, at + 1)) >= 0:
        begins.append(at + 1)
    for begin, following in zip_longest(begins, begins[1:], fillvalue=len(whole) + 1):
        newline = stdout.find(b"\n", begin, following - 1)
        if newline >= 0:  # else its line has no end of its own
            word, _, rest = _ascii(whole[begin + len(mark) : newline]).partition(" ")
            yield word, rest, whole[newline + 1 : following - 1]


def _ascii(part: memoryview) -> str:
    return str(part, "ascii", "replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """A section whose end has not been read yet."""

    name: str = ""
    stdout: Buffer = b""
    stderr: Buffer | None = None

    def output(self, exit_status: int | None = None) -> SectionOutput:
        return SectionOutput(
            raw=self.stdout,
            stderr=str(self.stderr or b"", "utf-8", "replace"),
            exit_status=exit_status,
        )
