"""Real services on a real bus and a real store."""

from tests.plugins.services import fleet

__all__ = ["fleet"]
