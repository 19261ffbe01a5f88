"""When backups are taken, and what follows a failure."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from slurmfleet.backup.shelf import Shelf
from slurmfleet.cli.checks import backup_check
from slurmfleet.cli.errors import FailedError
from slurmfleet.cli.stack.backups import Rota, back_up_again_and_again, look_after_backups
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.trouble import read_trouble, record_trouble

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY_S = 86_400


class QuickClock:
    """A clock that jumps over every sleep; after so many of them the test is over."""

    def __init__(self, sleeps: int) -> None:
        self.moment = NOON
        self.left = sleeps

    def now(self) -> datetime:
        return self.moment

    def monotonic_s(self) -> float:
        return self.moment.timestamp()

    async def sleep(self, delay_s: float) -> None:
        self.left -= 1
        if not self.left:
            raise asyncio.CancelledError
        self.moment += timedelta(seconds=delay_s)
        await asyncio.sleep(0)


def shelve(folder: Path, moment: datetime) -> None:
    with Shelf(folder).writing(moment) as draft:
        draft.file.write_bytes(b"x")
        draft.finish()


def rota(folder: Path, every_h: float = 24) -> Rota:
    return Rota(shelf=Shelf(folder), every_h=every_h, keep=3)


def test_without_a_backup_one_is_due_at_once(tmp_path: Path):
    assert rota(tmp_path).due_in_s(NOON) == 0


def test_the_next_is_due_an_interval_after_the_newest(tmp_path: Path):
    shelve(tmp_path, NOON - timedelta(hours=30))
    shelve(tmp_path, NOON - timedelta(hours=20))

    assert rota(tmp_path).due_in_s(NOON) == 4 * 3_600
    assert rota(tmp_path, every_h=6).due_in_s(NOON) == 0


def test_a_backup_of_the_future_neither_counts_nor_starts_a_flood(tmp_path: Path):
    shelve(tmp_path, NOON + timedelta(days=300))
    assert rota(tmp_path).due_in_s(NOON) == 0

    shelve(tmp_path, NOON)
    assert rota(tmp_path).due_in_s(NOON) == DAY_S


def test_fresh_is_younger_than_two_intervals(tmp_path: Path):
    assert not rota(tmp_path).is_fresh(NOON)
    shelve(tmp_path, NOON - timedelta(hours=47))

    assert rota(tmp_path).is_fresh(NOON)
    assert not rota(tmp_path).is_fresh(NOON + timedelta(hours=2))


async def test_one_is_taken_each_interval(tmp_path: Path):
    clock, taken = QuickClock(5_000), list[datetime]()

    async def take() -> None:
        taken.append(clock.now())
        shelve(tmp_path, clock.now())

    with pytest.raises(asyncio.CancelledError):
        await back_up_again_and_again(rota(tmp_path), take, clock=clock, on_failure=pytest.fail)

    gaps = [later - earlier for earlier, later in pairwise(taken)]
    assert len(taken) == 4
    assert set(gaps) == {timedelta(days=1)}


async def test_one_that_fails_is_tried_again_later_and_later(tmp_path: Path):
    clock, tried, told = QuickClock(7), list[datetime](), list[str]()

    async def take() -> None:
        tried.append(clock.now())
        raise FailedError("No space left.")

    with pytest.raises(asyncio.CancelledError):
        await back_up_again_and_again(rota(tmp_path), take, clock=clock, on_failure=told.append)

    gaps = [(later - earlier).seconds for earlier, later in pairwise(tried)]
    assert gaps == sorted(gaps)
    assert gaps[0] >= 60
    assert gaps[-1] <= 3_600
    assert told == ["No space left."] * 7


def test_doctor_says_how_old_the_last_one_is(tmp_path: Path):
    layout = Layout(tmp_path)
    layout.create()
    checks = [backup_check(layout, rota(layout.backup_dir), NOON)]
    shelve(layout.backup_dir, NOON - timedelta(hours=20))
    checks.append(backup_check(layout, rota(layout.backup_dir), NOON))
    checks.append(backup_check(layout, rota(layout.backup_dir), NOON + timedelta(days=3)))
    record_trouble(layout, "The disk is full.")
    checks.append(backup_check(layout, rota(layout.backup_dir), NOON))

    assert [one.ok for one in checks] == [None, True, False, False]
    assert "the last 20 h ago; The disk is full." in checks[-1].detail
    assert all(one.remedy for one in checks if one.ok is False)


def test_trouble_is_forgotten_when_it_is_over(tmp_path: Path):
    layout = Layout(tmp_path)
    layout.create()
    record_trouble(layout, "The disk is full.")

    record_trouble(layout, "")

    assert read_trouble(layout) is None


async def test_a_disk_that_takes_nothing_ends_no_stack(tmp_path: Path):
    layout = Layout(tmp_path / "data")
    layout.backup_trouble_file.mkdir(parents=True)  # no file can take its place
    (layout.backup_trouble_file / "x").touch()
    said: list[str] = []

    with pytest.raises(asyncio.CancelledError):
        await look_after_backups(
            layout,
            rota(tmp_path / "shelf"),
            {},
            clock=QuickClock(sleeps=3),
            say=lambda _, what: said.append(what),
        )

    assert [what.split(":")[0] for what in said][:2] == ["failed", "cannot be noted for doctor"]
