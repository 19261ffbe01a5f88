"""The pages say what the code does."""

import re
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

from slurmfleet.contracts.streams import BUCKETS, DAY_S, STREAMS
from slurmfleet.store.roles import Role
from tests.plugins.compose import SECRETS, compose

ROOT = Path(__file__).parents[2]
ARCHITECTURE = (ROOT / "docs/ARCHITECTURE.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PAGES = sorted(
    [*(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md"), *ROOT.glob("*.md")]
)
PLACE = re.compile(r"`((?:slurmfleet|services|tests|deploy|docs|proto)/[\w./-]+|\.\w[\w./-]+)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
TARGET = re.compile(r"\bmake ([a-z][a-z0-9-]*)")

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def table(text: str, first_heading: str) -> list[list[str]]:
    """Give the rows of the table whose first column has that heading."""
    _, _, rest = text.partition(f"| {first_heading} |")
    lines = rest.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_architecture_lists_every_room():
    rooms = {
        f"`{path.parent.relative_to(ROOT)}`"
        for library in ("slurmfleet", "services")
        for path in (ROOT / library).glob("*/__init__.py")
    }

    assert [row[0].strip("| ") for row in table(ARCHITECTURE, "folder")] == sorted(
        rooms, key=lambda room: (room.startswith("`services"), room)
    )


def test_architecture_gives_the_ports_of_compose():
    services = compose(SECRETS)["services"]
    ports = {row[0].strip("| "): row[1] for row in table(ARCHITECTURE, "process")}
    published = {
        name: services[name]["ports"][0].split(":")[-1] if "ports" in services[name] else "9464"
        for name in ports
    }

    assert ports == published


def test_architecture_gives_the_roles_of_compose():
    services = compose(SECRETS)["services"]
    roles = {row[0].strip("| "): row[3] for row in table(ARCHITECTURE, "process")}
    dsns = {
        name: services[name]["environment"].get("SLURMFLEET_STORE_DSN", "")
        for name in ("projector", "api", "mcp")
    }
    source = yaml.safe_load(
        (ROOT / "deploy/grafana/provisioning/datasources/slurmfleet.yml").read_text()
    )

    assert [roles[name] for name in ("projector", "api", "mcp")] == [
        f"`{Role.WRITER}`",
        f"`{Role.READER}`",
        f"`{Role.READER}`",
    ]
    assert [roles[name].strip("`") in dsn for name, dsn in dsns.items()] == [True] * 3
    assert source["datasources"][0]["user"] == Role.GRAFANA
    assert roles["grafana"].startswith(f"`{Role.GRAFANA}`")


def test_architecture_gives_streams_and_buckets_with_their_ages():
    rows = {row[0].strip("| "): row[2].rstrip("| ") for row in table(ARCHITECTURE, "where")}
    expected = {
        f"stream `{stream.name}`": f"{stream.max_age_s // DAY_S} days" for stream in STREAMS
    } | {
        f"bucket `{bucket.name}`": f"{bucket.ttl_s} seconds" if bucket.ttl_s else "until removed"
        for bucket in BUCKETS
    }

    assert {name: rows.get(name) for name in expected} == expected


def test_contributing_explains_every_import_contract():
    contracts = ConfigParser()
    contracts.read_string((ROOT / ".importlinter").read_text(encoding="utf-8"))
    numbers = [
        section.rpartition(":")[2]
        for section in contracts.sections()
        if section.startswith("importlinter:contract:")
    ]

    assert [row[0].strip("| ") for row in table(CONTRIBUTING, "number")] == numbers


def test_glossary_is_sorted_and_says_each_word_once():
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    words = [row[0].strip("| ") for row in table(text, "word")]

    assert words == sorted(set(words), key=lambda word: word.lower().replace("_", " "))


@by_page
def test_places_that_a_page_names_are_there(page: Path):
    named = PLACE.findall(page.read_text(encoding="utf-8"))
    made = {".env", ".venv"}

    assert [place for place in named if place not in made and not (ROOT / place).exists()] == []


@by_page
def test_links_of_a_page_lead_somewhere(page: Path):
    links = LINK.findall(page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


@by_page
def test_make_targets_that_a_page_names_exist(page: Path):
    known = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = re.findall(r"`[^`]+`|^make .*$", page.read_text(encoding="utf-8"), re.MULTILINE)
    named = {target for text in code for target in TARGET.findall(text)}

    assert sorted(named - known) == []
