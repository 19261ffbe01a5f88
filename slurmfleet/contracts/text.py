"""Text that came from outside, made safe to show: job names, reasons, comments, errors.

Whoever may submit a job chooses its name, so a name can hold terminal escapes, newlines that
forge a line of a table, or marks that turn the reading direction. Stores keep what Slurm said;
every face passes it through here on its way out.
"""

import re

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
"""CSI sequences (colours, cursor), OSC sequences (titles, links) and two-character escapes."""

_BREAKS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""C0 and C1 controls, invisible and direction marks, lone surrogates, tag characters."""

ELLIPSIS = "…"


def clean_line(text: str, *, at_most_chars: int | None = None) -> str:
    """Give the text as one line without control or invisible characters.

    Args:
        text: Anything that came from outside.
        at_most_chars: Longer text is cut and ends in an ellipsis; None keeps all of it.
    """
    if not text.isprintable():
        text = _CONTROLS.sub("", _BREAKS.sub(" ", _ANSI.sub("", text)))
    if at_most_chars is not None and len(text) > at_most_chars:
        text = text[: at_most_chars - 1] + ELLIPSIS
    return text
