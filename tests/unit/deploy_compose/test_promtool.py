"""Alert rules and the dashboards' expressions, judged by Prometheus' own tool."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "deploy/prometheus"
SUITES = sorted((PROMETHEUS / "tests").glob("*.yml"))
DASHBOARDS = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))
MACROS = {"$__rate_interval": "1m", "${cluster:regex}": "(alpha|beta)"}


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed: deploy/testbed/install.sh, or apt prometheus")
    return found


def run(*command: str | Path, cwd: Path = PROMETHEUS) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def test_configuration_and_rules_are_understood(promtool: str):
    assert run(promtool, "check", "config", "--lint-fatal", "prometheus.yml") == ""


@pytest.mark.parametrize("suite", SUITES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should(promtool: str, suite: Path):
    assert run(promtool, "test", "rules", suite) == ""


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_expressions_of_dashboards_are_understood(promtool: str, dashboard: Path, tmp_path: Path):
    rules = [
        {"record": f"panel:{panel['id']}", "expr": expanded(target["expr"])}
        for panel in json.loads(dashboard.read_text())["panels"]
        for target in panel["targets"]
        if "expr" in target
    ]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}))

    assert len(rules) > 0
    assert run(promtool, "check", "rules", "rules.yml", cwd=tmp_path) == ""


def expanded(expression: str) -> str:
    for macro, value in MACROS.items():
        expression = expression.replace(macro, value)
    return expression
