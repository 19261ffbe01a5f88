"""A bus beside the databases."""

from tests.plugins.services import fleet

__all__ = ["fleet"]
