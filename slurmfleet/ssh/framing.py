"""Scripts and their answers on a bash's input and output; pure.

A request is text for a bash that reads its commands from standard input: the script by its length,
so that no byte of it can be taken for anything else, then what runs it in a subshell and writes
marks around both outputs. The mark is random and fresh, and on no command line. What stands before
the first mark is noise of dotfiles and banners. The frame ends when every process that could still
write has let go of the output, as sshd waits for all of a command's output.

Source: bash(1), read -N, eval, PIPESTATUS; seen on bash 5.2, the manual of 4.2 says the same.
"""

import re
import secrets
from dataclasses import dataclass, field
from typing import Final

SHELL_COMMAND: Final = "exec bash --noprofile --norc -s"
LOGIN_SHELL_COMMAND: Final = "exec bash -l -s"
"""Plain words, which sh, bash, csh, zsh and fish understand alike."""

_MARK_BYTES = 16
_MARK = re.compile(r"[0-9a-f]{32}")
_LONGEST_END = 64
_NOISE_KEPT_BYTES = 4_096

# `read` counts bytes only in the C locale, and takes the script in blocks. The subshell sees no
# variable of ours. One `cat` waits for the last writer of each output.
_REQUEST = """\
LC_ALL=C IFS= read -r -N {length} slurmfleet_script || exit 125
{script}printf '\\n%s BEGIN\\n' {mark}; printf '\\n%s BEGIN\\n' {mark} >&2
{{ {{ (eval "unset -v slurmfleet_script; $slurmfleet_script") </dev/null 2>&1 >&3 3>&- | cat >&2; \
exit "${{PIPESTATUS[0]}}"; }} 3>&1 | cat; slurmfleet_script=${{PIPESTATUS[0]}}; }}
printf '\\n%s END %s\\n' {mark} "$slurmfleet_script"; printf '\\n%s END %s\\n' {mark} 0 >&2
"""


def new_mark() -> str:
    """Give a mark that nobody can guess."""
    return secrets.token_hex(_MARK_BYTES)


def request(script: str, mark: str) -> bytes:
    """Give what makes a bash run a script and frame its output.

    Raises:
        ValueError: The script holds a NUL, which bash cannot, or the mark is none.
    """
    if "\0" in script:
        raise ValueError("a bash script cannot hold a NUL byte")
    if not _MARK.fullmatch(mark):
        raise ValueError("a mark is 32 hexadecimal digits")
    data = script.encode()
    if not data:
        data = b":"
    head, tail = _REQUEST.split("{script}")
    return head.format(length=len(data)).encode() + data + tail.format(mark=mark).encode()


@dataclass(slots=True)
class Frame:
    """One output's part between its marks, fed piece by piece."""

    mark: str
    begun: bool = False
    status: int | None = None
    """What stands after END; None before that."""

    noise: bytes = b""
    """The start of what came before the frame, at most 4,096 bytes."""

    rest: bytes = b""
    """What came behind it: out of frame."""

    _body: bytearray = field(default_factory=bytearray)
    _searched: int = 0

    @property
    def body(self) -> bytes:
        """What stands between the marks."""
        return bytes(self._body)

    @property
    def heard(self) -> bytes:
        """The start of what came where no frame ever began."""
        return (self.noise + bytes(self._body))[:_NOISE_KEPT_BYTES] if not self.begun else b""

    @property
    def size_bytes(self) -> int:
        """Bytes held, noise not counted."""
        return len(self._body)

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        if self.status is not None:
            self.rest += data
            return
        self._body += data
        if not self.begun:
            self._look_for_begin()
        if self.begun:
            self._look_for_end()

    def _look_for_begin(self) -> None:
        begin = f"\n{self.mark} BEGIN\n".encode()
        at = self._body.find(begin)
        if at >= 0:
            self.noise = (self.noise + bytes(self._body[:at]))[:_NOISE_KEPT_BYTES]
            del self._body[: at + len(begin)]
            self.begun = True
            return
        spare = len(self._body) - len(begin)
        if spare > 0:
            self.noise = (self.noise + bytes(self._body[:spare]))[:_NOISE_KEPT_BYTES]
            del self._body[:spare]

    def _look_for_end(self) -> None:
        end = f"\n{self.mark} END ".encode()
        at = self._body.find(end, max(0, self._searched - _LONGEST_END))
        self._searched = len(self._body)
        if at < 0:
            return
        newline = self._body.find(b"\n", at + len(end))
        if newline < 0:
            self._searched = at
            return
        word = bytes(self._body[at + len(end) : newline])
        self.status = int(word) if word.isdigit() else -1
        self.rest = bytes(self._body[newline + 1 :])
        del self._body[at:]
