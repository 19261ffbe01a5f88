"""A backup that is killed, or that meets a full disk, leaves nothing that looks like one."""

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from slurmfleet.backup.restoring import check_backup
from slurmfleet.backup.shelf import Shelf
from tests.plugins.services import REPOSITORY, Fleet

KILLS = 6
TINY_KIB = 256
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a folder on a file system of its own that is soon full."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={TINY_KIB}k", "none", folder],
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode != 0:
        pytest.skip(f"by design: no file system can be mounted here ({mounted.stderr.strip()})")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


async def test_kills_leave_no_half_backup(
    fleet: Fleet, record_property: Callable[[str, object], None]
):
    seed = int(time.time())
    record_property("seed", seed)
    draw = random.Random(seed)  # noqa: S311 no secret
    await _make_it_large(fleet)
    shelf = Shelf(fleet.folder / "shelf")
    began_s = time.monotonic()
    assert await _backup(fleet, shelf) == 0
    whole_s = time.monotonic() - began_s
    done = {one.file for one in shelf.backups()}

    for _ in range(KILLS):
        await _backup(fleet, shelf, kill_after_s=draw.uniform(0.2, 1.1) * whole_s)
        for one in shelf.backups():
            check_backup(one.file)  # whatever has the final name is whole

    assert await _backup(fleet, shelf) == 0, f"seed {seed}"
    left = {file for file in shelf.folder.iterdir() if file not in done}
    assert left <= {one.file for one in shelf.backups()}, f"seed {seed}"


async def test_a_full_disk_is_said_and_leaves_nothing(fleet: Fleet, tiny_disk: Path):
    await _make_it_large(fleet)
    shelf = Shelf(tiny_disk / "shelf")
    said = fleet.folder / "said"

    status = await _backup(fleet, shelf, errors=said)

    assert status == 1
    assert "There is no space left" in said.read_text()
    assert list(shelf.folder.iterdir()) == []


async def _make_it_large(fleet: Fleet) -> None:
    """Give the store rows that take a second or so to copy and do not compress to nothing."""
    async with await psycopg.AsyncConnection.connect(
        fleet.database.superuser_dsn, autocommit=True
    ) as db:
        await db.execute(
            """
            INSERT INTO run_jobs (run_id, cluster, job_id, submitted_at, stage, joined_by, revision)
            SELECT md5(no::text), 'alpha', no::text, now(), md5((-no)::text), 'name', no
            FROM generate_series(1, 150000) AS no
            """
        )


async def _backup(
    fleet: Fleet, shelf: Shelf, *, kill_after_s: float | None = None, errors: Path | None = None
) -> int:
    """Run `slurmfleet backup`; give its exit status."""
    output = (errors or fleet.folder / "errors").open("wb")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "slurmfleet.cli.main", "backup"),
        *("--dsn", fleet.database.superuser_dsn, "--to", str(shelf.folder)),
        env={
            **fleet.environment("projector"),
            "PYTHONPATH": str(REPOSITORY),
            "SLURMFLEET_DATA_DIR": str(fleet.folder),
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=output,
    )
    output.close()
    try:
        if kill_after_s is not None:
            await asyncio.sleep(kill_after_s)
        else:
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
    return await process.wait()
