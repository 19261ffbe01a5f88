"""Each dependency has its reason in docs/dependencies.md, and nothing else stands there."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"[A-Za-z0-9_.-]+")
SHORTEST_REASON = 15


def declared() -> dict[str, list[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    sections = {
        "Runtime": project["project"]["dependencies"],
        "Extra `embedded`": project["project"]["optional-dependencies"]["embedded"],
        "Development": project["dependency-groups"]["dev"],
    }
    return {title: sorted(map(package_name, listed)) for title, listed in sections.items()}


def package_name(requirement: str) -> str:
    match = NAME.match(requirement)
    assert match is not None, requirement
    return match[0].lower()


def explained() -> dict[str, dict[str, str]]:
    text = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return {
        title.partition(":")[0]: dict(
            re.findall(r"^\| (?!package )([\w.-]+) \| (.+) \|$", body, flags=re.MULTILINE)
        )
        for title, body in zip(parts[0::2], parts[1::2], strict=True)
    }


def test_every_dependency_has_its_line_and_no_other():
    assert {title: sorted(lines) for title, lines in explained().items()} == declared()


def test_every_line_gives_a_reason():
    reasons = [reason for lines in explained().values() for reason in lines.values()]

    assert [reason for reason in reasons if len(reason) < SHORTEST_REASON] == []
