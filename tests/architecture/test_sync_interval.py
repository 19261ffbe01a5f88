"""Every NATS configuration, shipped or rendered, writes before it acknowledges.

JetStream's default flushes every two minutes: a power cut then loses acknowledged messages
(nats-io/nats-server#7564).
"""

import re
from pathlib import Path

import pytest

from slurmfleet.embedded.nats_files import render_nats_config

ROOT = Path(__file__).parents[2]
JETSTREAM = re.compile(r"^\s*jetstream\s*[:=]?\s*(\{|enabled|true)", re.MULTILINE)

Block = dict[str, "str | Block"]


def shipped() -> list[Path]:
    """Find what configures JetStream: files of NATS, and files that hold one, as a ConfigMap."""
    kinds = (".conf", ".yaml", ".yml")
    files = [*(ROOT / "deploy").rglob("*"), *ROOT.glob("*.yml"), *ROOT.glob("*.yaml")]
    return sorted(
        one
        for one in files
        if one.is_file() and one.suffix in kinds and JETSTREAM.search(one.read_text("utf-8"))
    )


def parse(text: str) -> Block:
    """Read as much of the configuration language as blocks and their scalars need."""
    root: Block = {}
    stack = [root]
    for line in text.splitlines():
        stripped = re.sub(r"(^|\s)(#|//).*", "", line).strip()
        if opened := re.fullmatch(r"(\w+)\s*[:=]?\s*\{", stripped):
            inner: Block = {}
            stack[-1][opened[1]] = inner
            stack.append(inner)
        elif stripped == "}" and len(stack) > 1:
            stack.pop()
        elif pair := re.fullmatch(r"(\w+)\s*[:=]\s*(.+)", stripped):
            stack[-1][pair[1]] = pair[2].strip('"')
    return root


def sync_intervals(text: str) -> list[str]:
    """Give the interval of each block `jetstream`; "default" where none stands."""
    blocks = [parse(text[found.start() :]).get("jetstream") for found in JETSTREAM.finditer(text)]
    return [
        str(block.get("sync_interval", "default")) if isinstance(block, dict) else "default"
        for block in blocks
    ]


@pytest.mark.parametrize("file", shipped(), ids=lambda file: str(file.relative_to(ROOT)))
def test_every_shipped_configuration_syncs_always(file: Path):
    assert set(sync_intervals(file.read_text("utf-8"))) == {"always"}


def test_the_compose_bus_is_among_the_shipped():
    assert ROOT / "deploy" / "nats" / "nats.conf" in shipped()


@pytest.mark.parametrize("http_port", [None, 8222])
def test_the_embedded_configuration_syncs_always(http_port: int | None):
    text = render_nats_config(
        port=4222,
        http_port=http_port,
        server_name="slurmfleet",
        users=(),
        store_dir=Path("/data/jetstream"),
        pid_file=Path("/data/nats.pid"),
        log_file=Path("/data/nats.log"),
    )

    assert sync_intervals(text) == ["always"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("jetstream: enabled", ["default"]),
        ("jetstream {\n  store_dir: x\n}\nsync_interval: always", ["default"]),
        ("jetstream {\n  # sync_interval: always\n}", ["default"]),
        ("jetstream {\n  sync_interval: 2m\n}", ["2m"]),
        ("data:\n  nats.conf: |\n    jetstream {\n      sync_interval: always\n    }", ["always"]),
    ],
)
def test_the_check_sees_what_it_must(text: str, found: list[str]):
    assert sync_intervals(text) == found
