"""The fuzzer of `make fuzz`, for as long as a test may take."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 20


@pytest.fixture(scope="module", autouse=True)
def atheris() -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris has no wheel for this platform: `make init` on Linux installs it")


def fuzz(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"},
    )


@pytest.mark.timeout(300)
def test_a_few_seconds_of_fuzzing_find_nothing(tmp_path: Path):
    done = fuzz("--seconds", str(SECONDS), cwd=tmp_path)

    tries = re.search(r"stat::number_of_executed_units: *(\d+)", done.stderr)
    assert done.returncode == 0, f"{done.stdout[-2_000:]}\n{done.stderr[-4_000:]}"
    assert tries is not None
    assert int(tries[1]) > 1_000


@pytest.mark.timeout(120)
def test_what_fails_is_found(tmp_path: Path):
    """Without this, a harness that swallowed everything would look like code without bugs."""
    (tmp_path / "found").write_bytes(b"\x00anything")
    program = (
        "import sys, tests.fuzz.__main__ as fuzz\n"
        "def fail(text): raise KeyError(text)\n"
        "fuzz.TABLE.PARSERS[fuzz.NAMES[0]] = fuzz.TABLE.Parser(name='x', call=fail, errors=())\n"
        "sys.argv = ['fuzz', '--again', 'found']\n"
        "fuzz.main()\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"},
    )

    assert done.returncode != 0
    assert "KeyError: 'anything'" in done.stdout + done.stderr
