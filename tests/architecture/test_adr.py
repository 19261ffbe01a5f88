"""Decisions are numbered, complete, short and listed."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs/adr"
FILES = sorted(FOLDER.glob("[0-9]*.md"))
HEAD = re.compile(
    r"# (?P<number>\d{4}) (?P<title>[^\n]+)\n\n"
    r"Status: (?P<status>accepted|superseded by ADR-\d{4})\n"
    r"Date: \d{4}-\d{2}-\d{2}\n\n"
)
SECTIONS = ["## Context", "## Decision", "## Consequences", "## We would revisit if"]
ONE_PAGE_LINES = 70
CITATION = re.compile(r"\bADR-(\d{4})\b")
CITED_IN = ("slurmfleet", "services", "docs", "tests/architecture", "deploy", "proto")

by_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def head(path: Path) -> dict[str, str]:
    match = HEAD.match(path.read_text(encoding="utf-8"))
    assert match is not None, f"{path.name} has no head as docs/adr/README.md describes it"
    return match.groupdict()


@by_file
def test_decision_has_its_sections_with_something_in_them(path: Path):
    text = path.read_text(encoding="utf-8")
    parts = re.split(r"^(## .+)$", text, flags=re.MULTILINE)[1:]

    assert parts[0::2] == SECTIONS
    assert [
        title for title, body in zip(SECTIONS, parts[1::2], strict=True) if not body.strip()
    ] == []


@by_file
def test_decision_fits_a_page(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= ONE_PAGE_LINES


@by_file
def test_file_is_named_by_its_number(path: Path):
    assert path.name.startswith(head(path)["number"] + "-")


def test_numbers_have_no_gap():
    numbers = [int(head(path)["number"]) for path in FILES]

    assert numbers == list(range(1, len(FILES) + 1))


def test_index_lists_every_decision_with_its_title_and_status():
    listed = re.findall(
        r"^\| \[(\d{4})\]\((\S+)\) \| (.+) \| (.+) \|$",
        (FOLDER / "README.md").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )

    assert listed == [
        (head(path)["number"], path.name, head(path)["title"], head(path)["status"])
        for path in FILES
    ]


def test_every_cited_decision_exists():
    numbers = {head(path)["number"] for path in FILES}
    sources = [
        path
        for folder in CITED_IN
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".md", ".sql", ".proto", ".yml"}
    ]
    cited = {
        (str(path.relative_to(ROOT)), number)
        for path in sources
        for number in CITATION.findall(path.read_text(encoding="utf-8"))
    }

    assert {(path, number) for path, number in cited if number not in numbers} == set()
    assert len(cited) > 0
