"""Backups on a schedule: when the next one is due, and trying again after a failure."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from slurmfleet.backup.shelf import Shelf
from slurmfleet.cli.errors import CliError
from slurmfleet.cli.settings import CliSettings
from slurmfleet.cli.stack.layout import PRIVATE_FILE, Layout
from slurmfleet.cli.stack.parts import rotate
from slurmfleet.cli.stack.trouble import record_trouble
from slurmfleet.runtime.process import Backoff
from slurmfleet.timing.clock import Clock

SETTLE_S = 300.0
"""A stack that has just started has better things to do."""

_LOOK_EVERY_S = 60.0
"""Backups may be taken or removed by hand meanwhile, and clocks may be set."""

_AGAIN = Backoff(first_s=300.0, most_s=3_600.0)


class ScheduledBackupError(Exception):
    """The program that takes the backup failed; says what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rota:
    """How often backups are taken, where they lie and how many stay."""

    shelf: Shelf
    every_h: float
    keep: int

    def due_in_s(self, now: datetime) -> float:
        """Give the seconds until the next one is due; 0 when it is.

        Backups of the future were taken while the clock was wrong and do not count.
        """
        newest = next((one for one in self.shelf.backups() if one.taken_at <= now), None)
        if newest is None:
            return 0.0
        due_at = newest.taken_at + timedelta(hours=self.every_h)
        return max(0.0, (due_at - now).total_seconds())

    def is_fresh(self, now: datetime) -> bool:
        """Tell whether the newest one is younger than two intervals."""
        newest = next(iter(self.shelf.backups()), None)
        return newest is not None and now - newest.taken_at < timedelta(hours=2 * self.every_h)


def rota_of(
    settings: CliSettings, layout: Layout, *, to: Path | None = None, keep: int | None = None
) -> Rota:
    """Give what the settings say, unless a command says otherwise."""
    folder = (to or settings.backup_dir or layout.backup_dir).expanduser().absolute()
    return Rota(
        shelf=Shelf(folder), every_h=settings.backup_every_h, keep=keep or settings.backup_keep
    )


async def back_up_again_and_again(
    rota: Rota,
    take: Callable[[], Awaitable[None]],
    *,
    clock: Clock,
    on_failure: Callable[[str], None],
) -> None:
    """Take a backup whenever one is due, for ever; one that fails is tried again, later and later.

    Args:
        rota: When.
        take: Takes one; what it raises as an error of its kinds is a failure.
        clock: Tells what time it is.
        on_failure: Told why one failed, once for each time.
    """
    failures = 0
    while True:
        if wait_s := rota.due_in_s(clock.now()):
            await clock.sleep(min(wait_s, _LOOK_EVERY_S))
            continue
        try:
            await take()
        except (CliError, ScheduledBackupError) as exc:
            failures += 1
            on_failure(str(exc))
            await clock.sleep(_AGAIN.delay_s(failures))
        else:
            failures = 0
            await clock.sleep(_LOOK_EVERY_S)


async def look_after_backups(
    layout: Layout,
    rota: Rota,
    environment: Mapping[str, str],
    *,
    clock: Clock,
    say: Callable[[str, str], None],
) -> None:
    """Take the backups of a running stack, each in a process of its own, for ever.

    A process of its own, because reading whole tables must neither hold up the supervisor nor
    stay in its memory.
    """
    if not rota.every_h:
        return
    await clock.sleep(SETTLE_S)

    async def take() -> None:
        try:
            file = await _run(layout, rota, environment)
            record_trouble(layout, "")
        except OSError as exc:
            raise ScheduledBackupError(f"{exc.filename or 'a file'}: {exc.strerror}") from exc
        say("backup", f"written: {file}")

    def failed(error: str) -> None:
        say("backup", f"failed: {error}")
        try:
            record_trouble(layout, error)
        except OSError as exc:
            # On a full disk a backup fails and so does writing that down; the stack goes on.
            say("backup", f"cannot be noted for doctor: {exc.strerror}")

    await back_up_again_and_again(rota, take, clock=clock, on_failure=failed)


async def _run(layout: Layout, rota: Rota, environment: Mapping[str, str]) -> str:
    """Have a backup taken; give its file.

    Raises:
        ScheduledBackupError: It failed.
    """
    log_file = layout.log_file("backup")
    rotate(log_file)
    log_file.touch(mode=PRIVATE_FILE)
    command = (
        *(sys.executable, "-m", "slurmfleet.cli.main", "backup", "--json"),
        *("--to", str(rota.shelf.folder), "--keep", str(rota.keep)),
        *("--data-dir", str(layout.data_dir)),
    )
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**environment, "PYTHONSAFEPATH": "1", "SLURMFLEET_STORE_DSN": ""},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    with contextlib.suppress(OSError), log_file.open("ab") as log:
        # What the program said decides, whether the log has room for it or not.
        log.write(output + errors)
    if process.returncode != 0:
        raise ScheduledBackupError(_reason(errors))
    return str(_last(output).get("file", ""))


def _reason(errors: bytes) -> str:
    told = _last(errors)
    words = f"{told.get('detail', '')} {told.get('remedy', '')}".strip()
    return words or errors.decode(errors="replace").strip()[-500:] or "no reason was told"


def _last(output: bytes) -> Mapping[str, object]:
    """Give the last line as the JSON object that it is; empty where it is none."""
    lines = output.decode(errors="replace").strip().splitlines()
    try:
        document: object = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return cast("Mapping[str, object]", document) if isinstance(document, dict) else {}
