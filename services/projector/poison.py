"""Which refusals of the store are the data's own fault, and would come again for ever; pure."""

from slurmfleet.store.errors import StatementError, StoreError

_POISON_CLASSES = frozenset({"", "22", "23", "54"})
"""SQLSTATE classes that blame the values: data exception, constraint, limit exceeded.

Empty is what the driver refuses before it is sent, such as a NUL in a text. Every other refusal
would hit the next batch as well, so it is waited out and nothing is put aside.
"""


def blames_values(error: StoreError) -> bool:
    """Whether a refusal is of the values, so that what holds them is to be put aside."""
    return isinstance(error, StatementError) and error.sqlstate[:2] in _POISON_CLASSES
