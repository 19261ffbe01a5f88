"""What is said to the supervisor of steps and what it says, word by word; pure.

The supervisor is a shell script on the login node that holds many steps on one stream
(`supervisor.sh`, `one_step.sh`): orders go in, pieces of the steps' lines come out, each with the
number of its step in front.
"""

from dataclasses import dataclass, field
from pathlib import Path

from services.collector.sampling.sidecar import script
from slurmfleet.slurm.errors import UnsafeArgumentError

_HERE = Path(__file__)
READY = b"0 =ready"
"""Its first line, after which it takes orders."""

MOST_LINE_BYTES = 256 * 2**10
"""A step's line beyond this is no sample: a node of 16 GPUs in 112 slices tells some 30 KiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How the supervisor is started."""

    command: str
    """Plain words for any login shell."""

    stdin: bytes
    """Sent first; orders follow."""


@dataclass(frozen=True, slots=True)
class Line:
    """A whole line that a step wrote."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class End:
    """A step is over; the end of what srun wrote to standard error."""

    number: int
    said: str


def launch(token: str) -> Launch:
    """Give how to start a supervisor whose processes carry `token`: letters, digits, hyphens.

    It runs in a session of its own: what ends the login's processes must leave it the time to end
    its steps. A shell gives /dev/null to what it starts in the background unless told otherwise.
    """
    supervisor, one_step, sampler = (
        _HERE.with_name("supervisor.sh").read_bytes(),
        _HERE.with_name("one_step.sh").read_bytes(),
        script(),
    )
    start = (
        f"s=$(head -c {len(supervisor)}); exec 3<&0; "
        f'setsid sh -c "$s" slurmfleet-steps {token} {len(one_step)} {len(sampler)} <&3 3<&- & '
        "wait"
    )
    return Launch(command=f"exec sh -c '{start}'", stdin=supervisor + one_step + sampler)


def opening(number: int, command: str) -> bytes:
    """Give the order to start a step.

    Raises:
        UnsafeArgumentError: The command has more than one line: an order has one.
    """
    if not command.isprintable():
        raise UnsafeArgumentError("a command of one line", command)
    return f"open {number} {command}\n".encode()


def closing(number: int) -> bytes:
    """Give the order to end a step."""
    return f"close {number}\n".encode()


@dataclass(slots=True, kw_only=True)
class Sorter:
    """Puts the pieces of many steps together again."""

    _begun: dict[int, bytearray] = field(default_factory=dict[int, bytearray])

    def take(self, piece: bytes) -> Line | End | None:
        """Read one line of the supervisor's.

        Returns:
            What is whole now; None for a part, and for what no supervisor of ours has written.
        """
        head, _, rest = piece.partition(b" ")
        if not head.isdigit() or len(head) > 9 or rest[:1] not in (b"+", b"=", b"!"):  # noqa: PLR2004 far more steps than are ever opened
            return None
        number, kind, text = int(head), rest[:1], rest[1:]
        if kind == b"!":
            self._begun.pop(number, None)
            return End(number, text.decode("utf-8", "replace").strip())
        begun = self._begun.setdefault(number, bytearray())
        if len(begun) <= MOST_LINE_BYTES:
            begun += text
        if kind == b"+":
            return None
        del self._begun[number]
        return Line(number, begun[:MOST_LINE_BYTES].decode("utf-8", "replace"))
