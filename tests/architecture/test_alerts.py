"""Alerts, runbooks, their tests and the metrics that they read belong together."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from slurmfleet.telemetry import metrics

ROOT = Path(__file__).parents[2]
RULES = yaml.safe_load((ROOT / "deploy/prometheus/rules/slurmfleet.yml").read_text())
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"]
}
DASHBOARDS = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))
METRIC = re.compile(r"slurmfleet_\w+")
RUNBOOK_HEADINGS = ["## What it means", "## Look first", "## Mend", "## Afterwards"]

by_alert = pytest.mark.parametrize("alert", sorted(ALERTS))


def file_name(alert: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", alert).lower()


def series_names() -> set[str]:
    names: set[str] = set()
    for metric in vars(metrics).values():
        if isinstance(metric, Histogram):
            names |= {f"{metric._name}_{end}" for end in ("bucket", "sum", "count")}
        elif isinstance(metric, Counter):
            names.add(f"{metric._name}_total")
        elif isinstance(metric, Gauge):
            names.add(metric._name)
    return names


def dashboard_expressions() -> list[str]:
    return [
        target["expr"]
        for path in DASHBOARDS
        for panel in json.loads(path.read_text())["panels"]
        for target in panel["targets"]
        if "expr" in target
    ]


@by_alert
def test_alert_names_a_runbook_that_says_what_to_do(alert: str):
    runbook = ROOT / "docs/runbooks" / f"{file_name(alert)}.md"
    headings = [line for line in runbook.read_text().splitlines() if line.startswith("#")]

    assert ALERTS[alert]["annotations"]["runbook"] == str(runbook.relative_to(ROOT))
    assert headings == [f"# {alert}", *RUNBOOK_HEADINGS]


@by_alert
def test_alert_has_a_promtool_test_that_sees_it_silent_and_firing(alert: str):
    suite = yaml.safe_load(
        (ROOT / "deploy/prometheus/tests" / f"{file_name(alert)}.yml").read_text()
    )
    checks = [
        bool(check["exp_alerts"])
        for one in suite["tests"]
        for check in one["alert_rule_test"]
        if check["alertname"] == alert
    ]

    assert set(checks) == {True, False}


@by_alert
def test_alert_has_a_severity_that_people_know(alert: str):
    assert ALERTS[alert]["labels"]["severity"] in {"critical", "warning"}


def test_every_metric_of_alerts_and_dashboards_exists():
    texts = [rule["expr"] for rule in ALERTS.values()] + dashboard_expressions()
    used = {name for text in texts for name in METRIC.findall(text)}

    assert used - series_names() == set()
    assert len(used) > len(ALERTS)


def test_every_service_is_scraped_where_it_shows_its_metrics():
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())

    targets = {
        job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]
    }

    assert targets == {
        "collector": ["collector:9464"],
        "projector": ["projector:9464"],
        "api": ["api:7272"],
        "mcp": ["mcp:7273"],
        "prometheus": ["127.0.0.1:9090"],
    }
