"""Output that has come and that nobody has taken yet, with its end or the error that ended it."""

import asyncio
from collections import deque

from slurmfleet.ssh.duplex import HIGH_WATER_BYTES, Piece
from slurmfleet.ssh.errors import SshError


class Inbox:
    """One writer fills it, one reader empties it."""

    def __init__(self) -> None:
        """Begin empty."""
        self._pieces: deque[Piece] = deque()
        self._unread_bytes = 0
        self._news = asyncio.Event()
        self._error: SshError | None = None
        self._is_over = False

    @property
    def is_full(self) -> bool:
        """Whether the writer has to wait."""
        return self._unread_bytes > HIGH_WATER_BYTES

    @property
    def has_room(self) -> bool:
        """Whether a writer that waited may go on."""
        return self._unread_bytes < HIGH_WATER_BYTES // 2

    @property
    def has_news(self) -> bool:
        """Whether `take` would return at once."""
        return bool(self._pieces) or self._is_over or self._error is not None

    @property
    def error(self) -> SshError | None:
        """What ended it before its time."""
        return self._error

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self._is_over

    @property
    def is_empty(self) -> bool:
        """Whether all that came was taken."""
        return not self._pieces

    def put(self, piece: Piece) -> None:
        """Add a piece."""
        self._pieces.append(piece)
        self._unread_bytes += len(piece.data)
        self._news.set()

    def clear(self) -> None:
        """Forget what nobody will take."""
        self._pieces.clear()
        self._unread_bytes = 0

    def fail(self, error: SshError) -> None:
        """End it with an error; the first one counts."""
        self._error = self._error or error
        self._news.set()

    def finish(self) -> None:
        """Say that nothing more comes."""
        self._is_over = True
        self._news.set()

    def ring(self) -> None:
        """Wake who waits in `rung`."""
        self._news.set()

    async def rung(self) -> None:
        """Wait for anything to happen."""
        self._news.clear()
        await self._news.wait()

    async def take(self) -> Piece | None:
        """Give the next piece, or None at the end.

        Raises:
            SshError: It ended with this error, after all pieces were taken.
        """
        while not self.has_news:
            await self.rung()
        if self._pieces:
            piece = self._pieces.popleft()
            self._unread_bytes -= len(piece.data)
            return piece
        if self._error is not None:
            raise self._error
        return None
