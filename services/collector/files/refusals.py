"""What it means when a script that reads files does not end well, and what mends it; pure."""

from collections.abc import Generator
from contextlib import contextmanager

from services.collector.files.scripts import Refusal
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.text import clean_line
from slurmfleet.slurm.frames import SectionOutput

_TOO_SLOW = frozenset({124, 137})
"""Of timeout(1): the limit passed; it had to be killed."""

_SHOWN = 160


def check(output: SectionOutput | None, path: str) -> SectionOutput:
    """Give the output of a script that ended well.

    Args:
        output: Of its section; None where that never began.
        path: What it was about.

    Raises:
        ProblemError: It did not.
    """
    shown = clean_line(path, at_most_chars=_SHOWN)
    status = None if output is None else output.exit_status
    match status:
        case 0 if output is not None:
            return output
        case Refusal.MISSING:
            raise ProblemError(
                ProblemCode.FILE_NOT_FOUND,
                f"There is no {shown}.",
                remedy="List the job's files; a job that has not started has written none.",
            )
        case Refusal.DENIED:
            raise ProblemError(
                ProblemCode.FILE_NOT_READABLE,
                f"{shown} may not be read by the user that slurmfleet logs in as.",
                remedy="Ask its owner to let that user, or its group, read it.",
            )
        case Refusal.NOT_A_FILE | Refusal.NOT_A_FOLDER:
            wanted = "file" if status == Refusal.NOT_A_FILE else "folder"
            raise ProblemError(
                ProblemCode.INVALID_PARAMETER,
                f"{shown} is no {wanted}.",
                remedy="List a folder, read a file.",
            )
        case Refusal.OUTSIDE:
            raise ProblemError(
                ProblemCode.PATH_NOT_ALLOWED,
                f"{shown} leads to what is none of the job's folders.",
                remedy="Only what lies where the job works and writes is shown, and nothing "
                "hidden at the top of a home.",
            )
        case Refusal.BAD_PATTERN:
            said = "" if output is None else clean_line(output.stderr, at_most_chars=_SHOWN)
            raise ProblemError(
                ProblemCode.INVALID_PARAMETER,
                f"That is no pattern: {said}",
                remedy="Write an extended regular expression as grep -E takes it, or search for "
                "plain text.",
            )
        case _ if status in _TOO_SLOW:
            raise ProblemError(
                ProblemCode.FILES_TOO_SLOW,
                f"The file system took too long over {shown}.",
                remedy="Try again; ask for less, or search from a later place on.",
            )
        case _:
            said = "" if output is None else clean_line(output.stderr, at_most_chars=_SHOWN)
            raise ProblemError(
                ProblemCode.FILE_NOT_READABLE,
                f"{shown} could not be read (exit status {status}). {said}".strip(),
                remedy="The login node needs bash and GNU's coreutils, findutils and grep.",
            )


@contextmanager
def readable() -> Generator[None]:
    """Turn an answer that makes no sense into a problem."""
    try:
        yield
    except (ValueError, OverflowError) as exc:
        raise ProblemError(
            ProblemCode.INTERNAL,
            f"What the login node said of a file makes no sense: {clean_line(str(exc)[:_SHOWN])}",
            remedy="Try again; if it stays so, its tools are others than GNU's.",
        ) from exc
