"""Values of filters, brought into the form that the statements take."""

from collections.abc import Sequence

from slurmfleet.contracts.problems import ProblemCode, ProblemError

MAX_LIMIT = 1_000


def any_of(values: Sequence[str], *, name: str) -> list[str] | None:
    """Give the values of a filter; None when there are none, which lets everything through."""
    return [storable(value, name=name) for value in values] or None


def containing(text: str) -> str | None:
    r"""Give the ILIKE pattern for a literal text anywhere; None for no text.

    `%`, `_` and `\` stand for themselves.
    """
    if not text:
        return None
    literal = storable(text, name="q")
    for special in ("\\", "%", "_"):
        literal = literal.replace(special, f"\\{special}")
    return f"%{literal}%"


def storable(text: str, *, name: str) -> str:
    """Give the text if PostgreSQL can hold it.

    Raises:
        ProblemError: It has a NUL or half of a surrogate pair in it.
    """
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ProblemError(
            ProblemCode.INVALID_PARAMETER,
            f"{name} has characters that no stored text can have.",
            remedy="Leave out NUL and unpaired surrogates.",
        )
    return text


def within_limit(limit: int) -> int:
    """Give the number of items of a page.

    Raises:
        ProblemError: It is below 1 or above 1,000.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise ProblemError(
            ProblemCode.INVALID_PARAMETER,
            f"limit is {limit}.",
            remedy=f"Ask for 1 to {MAX_LIMIT} items and follow next_cursor.",
        )
    return limit
