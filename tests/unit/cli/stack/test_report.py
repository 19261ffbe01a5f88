"""What the supervisor says, to a person and to a program."""

import json
import sys
from pathlib import Path

import pytest

from slurmfleet.cli.output import Output
from slurmfleet.cli.stack.report import Reporter, program
from slurmfleet.testing.clock import ManualClock

URLS = {"api": "http://127.0.0.1:7272", "mcp": "http://127.0.0.1:7273"}


def test_a_program_reads_one_document_a_line(capsys: pytest.CaptureFixture[str]):
    reporter = Reporter(Output(as_json=True), ManualClock())

    reporter.say("bus", "started")
    reporter.ready(URLS, ["a"], demo=False)

    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"at": "2026-01-01T12:00:00+00:00", "part": "bus", "event": "started"},
        {"event": "ready", "urls": URLS, "clusters": ["a"], "demo": False},
    ]


@pytest.mark.parametrize(
    ("demo", "board"), [(True, "2 simulated clusters: a, b"), (False, "2 clusters: a, b")]
)
def test_a_person_reads_where_the_doors_are_and_whether_it_is_a_demo(
    capsys: pytest.CaptureFixture[str], *, demo: bool, board: str
):
    Reporter(Output(as_json=False), ManualClock()).ready(URLS, ["a", "b"], demo=demo)

    said = capsys.readouterr()
    assert said.out == ""
    assert board in said.err
    assert "http://127.0.0.1:7273/mcp" in said.err
    assert ("cluster add NAME --host LOGIN_NODE" in said.err) is demo


def test_hints_name_a_program_that_can_be_typed_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    monkeypatch.chdir(tmp_path)

    assert program() == ".venv/bin/slurmfleet"

    (tmp_path / "slurmfleet").touch(mode=0o755)
    assert program() == "slurmfleet"
