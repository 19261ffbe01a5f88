"""What can be wrong with the text of file systems' programs, and with what they are asked.

FileSystemError
├── MalformedUsageError     text that cannot be understood; carries it
└── UnsafeWordError         a path or an owner that must not reach a command line
"""

LINE_LIMIT = 500
"""Characters of a program's text that an error carries."""


class FileSystemError(Exception):
    """Anything that this room refuses."""


class MalformedUsageError(FileSystemError, ValueError):
    """What a program printed cannot be understood."""

    def __init__(self, problem: str, line: str) -> None:
        """Keep what is wrong and the text, capped."""
        super().__init__(f"{problem}: {line[:LINE_LIMIT]!r}")
        self.problem = problem
        self.line = line[:LINE_LIMIT]


class UnsafeWordError(FileSystemError, ValueError):
    """A value that does not fit its grammar was about to become part of a command."""

    def __init__(self, kind: str, value: str) -> None:
        """Keep what the value was meant to be, and the value, capped."""
        super().__init__(f"{value[:64]!r} is not {kind}")
        self.kind = kind
        self.value = value[:64]
