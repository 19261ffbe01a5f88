"""Clausius' config.json: every key is used or told with the reason why not."""

import json
from pathlib import Path
from typing import Any

import pytest

from slurmfleet.contracts.problems import ProblemError
from slurmfleet.registry.clausius import read_clausius
from slurmfleet.registry.config_file import parse_config, render_config

SECRET = "s3cret-token"  # noqa: S105 made up
FULL: dict[str, Any] = {
    "port": 7272,
    "clusters": {
        "alpha": {
            "host": "login.alpha.example",
            "data_host": "dtn.alpha.example",
            "user": "ada",
            "key": "~/.ssh/id_ed25519",
            "port": 22,
            "gpu_type": "H100",
            "gpu_mem_gb": 80,
            "gpus_per_node": 8,
            "account": "vision",
            "mount_paths": ["/lustre/a", "/home/ada"],
            "mount_aliases": {"/lustre/fs1": "/lustre/a"},
        },
        "local": {"host": "localhost"},
        "Not_A_Name": {"host": "x"},
        "odd": 3,
    },
    "team": "Vision",
    "team_members": ["ada", {"username": "bob", "display_name": "Bob"}, "not a login"],
    "ppps": {"vision": 17},
    "ppp_accounts": ["vision", "speech"],
    "team_gpu_allocations": {"alpha": 64, "beta": "any"},
    "aihub_opensearch_url": f"https://u:{SECRET}@search.example",
    "dashboard_url": "https://dash.example/x",
    "aihub_cache_ttl_sec": 300,
    "wds_snapshot_interval_sec": 900,
    "sdk_ingest_token": SECRET,
    "log_search_bases": ["/lustre/logs", "relative"],
    "nemo_run_bases": ["/lustre/runs"],
    "mount_lustre_prefixes": ["/lustre"],
    "local_process_filters": {"include": ["train"], "exclude": ["jupyter"]},
    "ssh_timeout": 8,
    "cache_fresh_sec": 30,
    "stats_interval_sec": 1800,
    "backup_interval_hours": 24,
    "backup_max_keep": 7,
    "projects": {
        "atlas": {"prefix": "atlas_", "color": "#112233", "emoji": "🗺️", "campaign": "x"},
        "hermes": "he-",
    },
    "surprise": 1,
}


def leaves(key: str) -> str:
    return key.partition(".")[0].partition("[")[0]


def test_every_key_is_told():
    _, notes = read_clausius(json.dumps(FULL), "config.json")

    assert {leaves(one.key) for one in notes} == set(FULL)
    assert all(one.told for one in notes)
    assert {one.key for one in notes if not one.used} == {
        *("port", "aihub_opensearch_url", "aihub_cache_ttl_sec", "wds_snapshot_interval_sec"),
        *("sdk_ingest_token", "ssh_timeout", "cache_fresh_sec", "stats_interval_sec"),
        *("backup_interval_hours", "backup_max_keep", "surprise", "log_search_bases[1]"),
        *("clusters.local", "clusters.Not_A_Name", "clusters.odd", "team_members[2]"),
        *("clusters.alpha.gpu_mem_gb", "clusters.alpha.mount_aliases"),
        *("team_gpu_allocations.beta", "projects.atlas.campaign"),
    }


def test_what_is_used_is_ours():
    given, _ = read_clausius(json.dumps(FULL), "config.json")

    assert render_config(given) == (Path(__file__).parent / "clausius.toml").read_text()
    assert len(parse_config(render_config(given), Path("x"))) == len(given)


def test_secrets_are_taken_nowhere():
    given, notes = read_clausius(json.dumps(FULL), "config.json")

    assert SECRET not in render_config(given)
    assert SECRET not in "".join(one.key + one.told for one in notes)


@pytest.mark.parametrize("key", sorted(set(FULL) - {"surprise"}))
@pytest.mark.parametrize("value", [None, 3, "x", [3], {"x": 3}, [{"x": [None]}], {"x": {"y": {}}}])
def test_a_value_of_any_shape_spoils_nothing_else(key: str, value: object):
    _, notes = read_clausius(json.dumps({"team": "Vision", key: value}), "config.json")

    assert notes or value in ([], {})


@pytest.mark.parametrize("text", ["", "[]", "{", "3"])
def test_another_file_is_told(text: str):
    with pytest.raises(ProblemError, match=r"config\.json is not clausius'"):
        read_clausius(text, "config.json")
