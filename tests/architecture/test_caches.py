"""No answer of a cluster can fill a machine by way of a cache."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]

ALLOWED = {
    "slurmfleet/contracts/job_codec.py": "requests up to LONGEST_REMEMBERED alone",
    "slurmfleet/contracts/mirror.py": "by type",
    "slurmfleet/contracts/moments.py": "moments, no texts",
    "slurmfleet/contracts/nouns.py": "moments, no texts",
    "slurmfleet/contracts/text.py": "by type",
    "slurmfleet/contracts/use_codec.py": "moments, no texts",
    "slurmfleet/slurm/job_record.py": "by dialect; rows up to LONGEST_REMEMBERED alone",
    "slurmfleet/slurm/quantities.py": "understands nothing long, and no error is remembered",
    "slurmfleet/contracts/remembering.py": "what all others use",
    "slurmfleet/slurm/squeue.py": "rows up to LONGEST_REMEMBERED alone",
    "slurmfleet/store/job_details.py": "requests and dependencies of few characters alone",
    "slurmfleet/store/sample_text.py": "by type",
    "slurmfleet/store/write/columns.py": "moments, no texts",
    "slurmfleet/store/statements.py": "by the name of a statement",
}
"""Modules with a cache of their own, and why it cannot be filled with long texts."""


def caches(path: Path) -> bool:
    """Whether a module has a cache of functools."""
    return any(
        isinstance(node, ast.ImportFrom | ast.Import)
        and (getattr(node, "module", None) == "functools" or node.names[0].name == "functools")
        and (
            isinstance(node, ast.Import)
            or not {"cache", "lru_cache"}.isdisjoint(one.name for one in node.names)
        )
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


def test_texts_of_a_cluster_are_remembered_by_way_of_remembering():
    found = {
        str(path.relative_to(ROOT))
        for room in ("slurmfleet", "services")
        for path in (ROOT / room).rglob("*.py")
        if caches(path)
    }

    assert found == set(ALLOWED)
