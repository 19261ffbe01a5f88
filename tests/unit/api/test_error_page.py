"""docs/errors.md lists every code with the status that it has."""

import re
from pathlib import Path

from services.api.errors import STATUS

PAGE = Path(__file__).parents[3] / "docs" / "errors.md"
ROW = re.compile(r"^\| `(\w+)` \| (\d+) \|", re.MULTILINE)


def test_the_page_of_errors_is_complete_and_right():
    listed = {code: int(status) for code, status in ROW.findall(PAGE.read_text(encoding="utf-8"))}

    assert listed == {str(code): int(status) for code, status in STATUS.items()}
