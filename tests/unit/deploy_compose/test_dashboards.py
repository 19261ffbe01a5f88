"""Dashboards as files: stable, tied to the provisioned sources, safe to show users' text in."""

import json
from pathlib import Path

import pytest
import yaml

GRAFANA = Path(__file__).parents[3] / "deploy/grafana"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))
KINDS = {"table", "barchart", "timeseries"}
"""Kinds that escape what they show; the kind `text` renders HTML."""

by_dashboard = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)


@by_dashboard
def test_file_is_written_one_way(path: Path):
    text = path.read_text(encoding="utf-8")

    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"


@by_dashboard
def test_panels_are_of_kinds_that_escape_text(path: Path):
    panels = json.loads(path.read_text())["panels"]

    assert {panel["type"] for panel in panels} <= KINDS
    assert "sanitize" not in path.read_text()


@by_dashboard
def test_panels_have_an_id_and_a_place_of_their_own(path: Path):
    panels = json.loads(path.read_text())["panels"]
    cells = [
        (column, row)
        for panel in panels
        for column in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for row in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(cells)) == len(cells)
    assert max(column for column, _ in cells) < 24


@by_dashboard
def test_every_source_is_provisioned(path: Path):
    text = (GRAFANA / "provisioning/datasources/slurmfleet.yml").read_text()
    provisioned = {one["uid"]: one["type"] for one in yaml.safe_load(text)["datasources"]}
    panels = json.loads(path.read_text())["panels"]
    sources = [target["datasource"] for panel in panels for target in panel["targets"]]

    assert {one["uid"]: one["type"] for one in sources} == provisioned


def test_the_store_is_read_as_the_role_that_sees_views_alone():
    text = (GRAFANA / "provisioning/datasources/slurmfleet.yml").read_text()
    (store,) = [
        one for one in yaml.safe_load(text)["datasources"] if one["uid"] == "slurmfleet-store"
    ]

    assert store["user"] == "slurmfleet_grafana"
    assert store["secureJsonData"] == {"password": "$STORE_PASSWORD"}
