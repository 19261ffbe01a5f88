"""What can be wrong with the text of a GPU tool.

GpuTextError
├── MalformedRowError      a line that is neither a row nor a complaint that is known
└── UnknownFormatError     a sampler's line of a format that this version does not read
"""

LINE_LIMIT = 500
"""Characters of the text that an error carries."""


class GpuTextError(ValueError):
    """Anything that this room cannot read."""

    def __init__(self, problem: str, line: str) -> None:
        """Keep what is wrong and the text, capped."""
        super().__init__(f"{problem}: {line[:LINE_LIMIT]!r}")
        self.problem = problem
        self.line = line[:LINE_LIMIT]


class MalformedRowError(GpuTextError):
    """A line is neither a row nor a complaint that is known."""


class UnknownFormatError(GpuTextError):
    """A sampler wrote this in a format that is not known here."""
