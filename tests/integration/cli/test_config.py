"""The configuration by the command line, on a running stack: one document, many, and files."""

import json
import subprocess
import tomllib
from pathlib import Path

import psycopg
import pytest

from tests.integration.cli.conftest import Place, eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]
USAGE, NOT_FOUND, REFUSED = 2, 3, 5

GROUP = """
[[cluster]]
name = "real"
host = "login.real.invalid"
port = 2222

[[team]]
login = "grace"
display_name = "Grace Hopper"

[[project]]
name = "compiler"
prefixes = ["cc_", "ld-"]
emoji = "🧑‍💻"

[settings]
team_gpus = {real = 64}
"""
CLAUSIUS = {
    "team": "Navy",
    "team_members": ["grace"],
    "ppps": {"navy": 5},
    "sdk_ingest_token": "s3cret-value",
    "projects": {"flow": {"prefix": "flow_", "color": "#00ff00"}},
}


def failing(place: Place, status: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = place.cli(*arguments)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done


def test_documents_are_added_listed_changed_and_removed(running_place: Place):
    added = running_place.json("account", "add", "navy@x", "--id", "5")
    twice = failing(running_place, REFUSED, "account", "add", "navy@x", "--json")
    running_place.cli("account", "update", "navy@x", "--description", "ships")
    late = failing(
        running_place,
        REFUSED,
        *("account", "update", "navy@x", "--description", "boats", "--json"),
        *("--revision", str(added["registry_revision"])),
    )
    shown = running_place.cli("account", "list").stdout
    running_place.cli("path", "add", "/lustre/logs/", "--kind", "logs")
    running_place.cli("path", "remove", "/lustre/logs", "--kind", "logs")
    running_place.cli("account", "remove", "navy@x")
    gone = failing(running_place, NOT_FOUND, "account", "remove", "navy@x", "--json")

    assert json.loads(twice.stderr)["code"] == "already_exists"
    assert json.loads(late.stderr)["code"] == "revision_conflict"
    assert shown.splitlines()[1].split()[:3] == ["navy@x", "5", "ships"]
    assert json.loads(gone.stderr)["code"] == "not_found"
    assert running_place.json("path", "list", "--kind", "logs")["items"] == []


def test_settings_are_set_shown_and_get_their_default_again(running_place: Place):
    running_place.cli("set", "dimmed_suffixes", "_judge,_server")
    shown = running_place.json("get", "dimmed_suffixes")
    wrong = failing(running_place, USAGE, "set", "team_gpus", "many")
    unknown = failing(running_place, NOT_FOUND, "set", "colour", "red")
    running_place.cli("set", "dimmed_suffixes", "--default")
    again = {one["key"]: one for one in running_place.json("settings")["items"]}

    assert shown["value"] == ["_judge", "_server"]
    assert "JSON" in wrong.stderr
    assert "Settings are: team_name" in unknown.stderr
    assert (again["dimmed_suffixes"]["value"], again["dimmed_suffixes"]["registry_revision"]) == (
        ["_server"],
        None,
    )


def test_a_file_goes_in_and_comes_out_the_same_and_reaches_the_tables(
    running_place: Place, tmp_path: Path
):
    file = tmp_path / "group.toml"
    file.write_text(GROUP)
    looked = running_place.json("config", "import", str(file), "--dry-run")["import"]
    still = running_place.json("team", "list")["items"]
    running_place.cli("config", "import", str(file))
    again = running_place.json("config", "import", str(file))["import"]
    running_place.cli("config", "export", "--output", str(tmp_path / "out.toml"))
    third = running_place.json("config", "import", str(tmp_path / "out.toml"))["import"]
    exported = tomllib.loads((tmp_path / "out.toml").read_text())

    assert [one["action"] for one in looked["steps"]] == ["add"] * 4
    assert still == []
    assert {one["action"] for one in again["steps"] + third["steps"]} == {"keep"}
    given = tomllib.loads(GROUP)
    assert exported["cluster"] == given["cluster"], "and no simulated one"
    assert (exported["team"], exported["project"]) == (given["team"], given["project"])
    assert exported["settings"]["team_gpus"] == {"real": 64}
    eventually("the tables show it", lambda: _projects(running_place) == [["cc_", "ld-"]])
    for arguments in (
        ("team", "remove", "grace"),
        ("project", "remove", "compiler"),
        ("cluster", "remove", "real", "--yes"),
        ("set", "team_gpus", "--default"),
    ):
        running_place.cli(*arguments)
    eventually("and that it is gone", lambda: _projects(running_place) == [])


def test_of_a_file_with_one_wrong_document_nothing_is_written(running_place: Place, tmp_path: Path):
    file = tmp_path / "group.toml"
    file.write_text(GROUP + '\n[[account]]\nname = "no name"\n')

    done = failing(running_place, USAGE, "config", "import", str(file))

    assert f"{file}, line 19, account 1 is not valid: name:" in done.stderr
    assert running_place.json("team", "list")["items"] == []


def test_a_file_of_clausius_is_taken_over_without_its_secret(running_place: Place, tmp_path: Path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(CLAUSIUS))

    told = running_place.json("config", "import", str(file), "--from", "clausius")
    again = running_place.json("config", "import", str(file), "--from", "clausius")
    exported = running_place.cli("config", "export").stdout

    unused = [one["key"] for one in told["notes"] if not one["used"]]
    assert unused == ["sdk_ingest_token"]
    assert {one["action"] for one in told["import"]["steps"]} == {"add"}
    assert {one["action"] for one in again["import"]["steps"]} == {"keep"}
    assert "s3cret-value" not in exported
    assert 'colour = "#00ff00"' in exported


def _projects(place: Place) -> list[list[str]]:
    dsn = place.running().record.access["SLURMFLEET_STORE_DSN"]
    with psycopg.connect(dsn) as connection:
        query = "SELECT prefixes FROM projects WHERE name = 'compiler'"
        return [row[0] for row in connection.execute(query).fetchall()]
