"""The promises of the folder list, as code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for room in ("slurmfleet", "services")
    for path in (ROOT / room).rglob("*.py")
    if "pb" not in path.relative_to(ROOT).parts
)
PACKAGES = sorted({path.parent for path in SOURCES} | {ROOT / "slurmfleet/pb"})
FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "misc", "base", "manager", "types"}
LONGEST_MODULE = 400


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("package", PACKAGES, ids=relative)
def test_every_package_has_a_room_card(package: Path):
    card = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""

    assert [word for word in ("Belongs:", "Never:", "Read first:") if word not in card] == []


@pytest.mark.parametrize("package", PACKAGES, ids=relative)
def test_what_a_room_card_says_to_read_first_is_there(package: Path):
    card = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
    named = re.findall(r"[\w/.-]+\.(?:py|md|proto|sql)\b", card.partition("Read first:")[2])
    places = (package, package.parent, ROOT)

    assert [one for one in named if not any((place / one).exists() for place in places)] == []


def test_services_is_a_package_so_that_it_does_not_shadow_the_mcp_library():
    assert (ROOT / "services" / "__init__.py").exists()


def test_no_module_has_a_name_that_says_nothing():
    assert [relative(path) for path in SOURCES if path.stem in FORBIDDEN_NAMES] == []


def test_no_module_is_longer_than_a_reader_can_hold():
    modules = [*SOURCES, *(ROOT / "tests").rglob("*.py")]
    lengths = {relative(path): len(path.read_text().splitlines()) for path in modules}

    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_MODULE} == {}


def strings(tree: ast.AST) -> Iterator[ast.Constant]:
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
        ):
            yield node


def test_sql_for_the_store_stands_in_the_store_alone():
    """The collector's own SQLite file is the one exception, in the one module that opens it."""
    words = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ")
    found = {
        relative(path)
        for path in SOURCES
        if not relative(path).startswith("slurmfleet/store/")
        for text in strings(ast.parse(path.read_text()))
        if str(text.value).lstrip().startswith(words)
    }

    assert found <= {"services/collector/state.py", "services/collector/state_damage.py"}


def test_host_keys_are_never_left_unverified():
    found = [
        f"{relative(path)}:{keyword.value.lineno}"
        for path in SOURCES
        for keyword in ast.walk(ast.parse(path.read_text()))
        if isinstance(keyword, ast.keyword)
        and keyword.arg == "known_hosts"
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is None
    ]

    assert found == []


def test_no_shell_is_started_with_text():
    found = [
        relative(path)
        for path in SOURCES
        for keyword in ast.walk(ast.parse(path.read_text()))
        if isinstance(keyword, ast.keyword)
        and keyword.arg == "shell"
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is True
    ]

    assert found == []


def test_python_never_imports_from_where_it_was_started():
    """Else `services/mcp` would shadow the library `mcp` for a process started in services/."""
    places = ["Makefile", "deploy/Dockerfile", ".env.example", ".ci/run"]

    assert [place for place in places if "PYTHONSAFEPATH" not in (ROOT / place).read_text()] == []
