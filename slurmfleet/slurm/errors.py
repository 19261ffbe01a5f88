"""What can be wrong with Slurm's text, and with what we are asked to send.

SlurmError
├── SlurmParseError            text that cannot be understood; carries it
│   ├── MalformedValueError    one value: a duration, a time, a count, a TRES string, a job id
│   ├── MalformedRowError      one record: wrong number of fields, or a field it cannot do without
│   └── HostlistTooLargeError  a host list that names more hosts than the caller allows
└── UnsafeArgumentError        a user, account or nonce that must not reach a command line
"""

LINE_LIMIT = 500
"""Characters of Slurm's text that an error carries."""


class SlurmError(Exception):
    """Anything that this room refuses."""


class SlurmParseError(SlurmError, ValueError):
    """Slurm's text cannot be understood."""

    def __init__(self, problem: str, line: str) -> None:
        """Keep what is wrong and the text, capped."""
        super().__init__(f"{problem}: {line[:LINE_LIMIT]!r}")
        self.problem = problem
        self.line = line[:LINE_LIMIT]


class MalformedValueError(SlurmParseError):
    """One value is not of the kind that its field holds."""


class MalformedRowError(SlurmParseError):
    """One record has the wrong number of fields, or lacks one that it needs."""


class HostlistTooLargeError(SlurmParseError):
    """A host list names more hosts than the caller allows."""


class UnsafeArgumentError(SlurmError, ValueError):
    """A value that does not fit its grammar was about to become part of a command."""

    def __init__(self, kind: str, value: str) -> None:
        """Keep what the value was meant to be, and the value, capped."""
        super().__init__(f"{value[:64]!r} is not {kind}")
        self.kind = kind
        self.value = value[:64]
