import json

import pytest

from slurmfleet.cli.group import NOT_YET
from tests.unit.cli.conftest import run_cli


def test_what_is_not_built_answers_with_one_sentence_and_is_not_listed():
    answered = {name: run_cli(name, "C", "1", "--follow").exit_code for name in NOT_YET}
    listed = run_cli("--help").stdout

    assert answered == dict.fromkeys(NOT_YET, 5)
    assert [name for name in sorted(NOT_YET) if f" {name} " in listed.replace("│", " ")] == []


def test_an_error_under_json_is_a_document_on_stderr():
    done = run_cli("idle", "--json")

    assert (done.exit_code, done.stdout) == (5, "")
    assert json.loads(done.stderr) == {
        "code": "not_available_yet",
        "detail": "`slurmfleet idle` is not available yet.",
        "remedy": "`slurmfleet --help` lists what is.",
        "exit_code": 5,
    }


@pytest.mark.parametrize(
    "arguments",
    [("jbos",), ("jobs", "--limit", "many"), ("cluster", "add", "x"), ("job", "alpha")],
)
def test_a_wrong_command_line_is_exit_code_2_without_a_traceback(arguments: tuple[str, ...]):
    done = run_cli(*arguments)

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_a_misspelt_command_is_told_the_right_one():
    assert "Did you mean" in run_cli("jbos").stderr


def test_version_prints_one_line_or_one_document():
    text, document = run_cli("version"), run_cli("version", "--json")

    assert text.stdout.startswith("slurmfleet 0.")
    assert set(json.loads(document.stdout)) == {"slurmfleet", "python"}
