"""Subjects against wildcards, as the server matches them.

Source: NATS documentation, "Subject-Based Messaging": `*` is one token, `>` is one or more.
"""


def matches(pattern: str, subject: str) -> bool:
    """Tell whether a subject falls under a pattern."""
    wanted, given = pattern.split("."), subject.split(".")
    for position, part in enumerate(wanted):
        if part == ">":
            return len(given) > position
        if position >= len(given) or part not in ("*", given[position]):
            return False
    return len(wanted) == len(given)
