"""A cache for readers of values that come again and again, which no answer can blow up."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

LONGEST_REMEMBERED = 2_048
"""Characters; longer values are seldom the same, and thousands of them fill a machine."""

Value = TypeVar("Value")
Texts = ParamSpec("Texts")


def remembers_short_texts(
    maxsize: int,
) -> Callable[[Callable[[str], Value]], Callable[[str], Value]]:
    """Keep what a reader gave for `maxsize` texts, unless they are long."""

    def decorate(read: Callable[[str], Value]) -> Callable[[str], Value]:
        remembered = lru_cache(maxsize)(read)

        @wraps(read)
        def reading(text: str) -> Value:
            return remembered(text) if len(text) <= LONGEST_REMEMBERED else read(text)

        return reading

    return decorate


def remembers_short_rows(
    maxsize: int,
) -> Callable[[Callable[Texts, Value]], Callable[Texts, Value]]:
    """The same for a reader of several texts, which are short or long together."""

    def decorate(read: Callable[Texts, Value]) -> Callable[Texts, Value]:
        remembered = lru_cache(maxsize)(read)

        @wraps(read)
        def reading(*args: Texts.args, **named: Texts.kwargs) -> Value:
            texts = (one for one in (*args, *named.values()) if isinstance(one, str))
            if sum(map(len, texts)) > LONGEST_REMEMBERED:
                return read(*args, **named)
            return remembered(*args, **named)

        return reading

    return decorate
