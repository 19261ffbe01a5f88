"""docs/configuration.md names every document, every field and every default there is."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from slurmfleet.contracts.documents import GroupSettings
from slurmfleet.registry.kinds import KINDS, SETTING

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"
MODELS: dict[str, type[BaseModel]] = {
    **{f"[[{kind.word}]]": kind.model for kind in KINDS if kind is not SETTING},
    "[settings]": GroupSettings,
}
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", re.MULTILINE)


@pytest.mark.parametrize("heading", MODELS)
def test_every_field_is_told_with_its_default_and_its_meaning(heading: str):
    text = PAGE.read_text(encoding="utf-8").partition(f"\n### `{heading}`\n")[2]
    rows = {name: default for name, default, _ in ROW.findall(re.split(r"\n##+ ", text)[0])}
    fields = MODELS[heading].model_fields

    assert list(rows) == list(fields)
    assert {name for name, default in rows.items() if default == "required"} == {
        name for name, field in fields.items() if field.is_required()
    }
    for name, field in fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, int | float):
            assert rows[name].strip("`") == str(default).lower()
