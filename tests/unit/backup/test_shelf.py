"""Where backups lie: what counts as one, what stays, and what an interrupted one leaves."""

import errno
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slurmfleet.backup.errors import ShelfBusyError, ShelfError
from slurmfleet.backup.shelf import Shelf

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def put(shelf: Shelf, moment: datetime, content: bytes = b"x") -> Path:
    with shelf.writing(moment) as draft:
        draft.file.write_bytes(content)
        return draft.finish()


def test_backups_are_listed_newest_first_and_nothing_else_is(tmp_path: Path):
    shelf = Shelf(tmp_path / "new" / "shelf")
    files = [put(shelf, NOON + timedelta(hours=hour)) for hour in (1, 3, 2)]
    (shelf.folder / "notes.txt").write_text("mine")
    (shelf.folder / "slurmfleet-20261341T000000Z.backup.zip").write_text("no such day")

    assert [one.file for one in shelf.backups()] == [files[1], files[2], files[0]]


def test_a_folder_that_is_not_there_has_no_backups(tmp_path: Path):
    assert Shelf(tmp_path / "nowhere").backups() == []


def test_only_the_newest_stay(tmp_path: Path):
    shelf = Shelf(tmp_path)
    files = [put(shelf, NOON + timedelta(hours=hour)) for hour in range(4)]
    (tmp_path / "notes.txt").write_text("mine")

    removed = shelf.forget(keep=2)

    assert sorted(removed) == files[:2]
    assert [one.file for one in shelf.backups()] == [files[3], files[2]]
    assert (tmp_path / "notes.txt").exists()


def test_what_fails_leaves_nothing(tmp_path: Path):
    shelf = Shelf(tmp_path)

    def fail() -> None:
        with shelf.writing(NOON) as draft:
            draft.file.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_one_left_goes_with_the_next(tmp_path: Path):
    shelf = Shelf(tmp_path)
    (tmp_path / ".unfinished-slurmfleet-20260301T110000Z.backup.zip").write_bytes(b"half")

    file = put(shelf, NOON)

    assert list(tmp_path.iterdir()) == [file]


def test_two_do_not_write_at_once(tmp_path: Path):
    shelf = Shelf(tmp_path)

    with shelf.writing(NOON), pytest.raises(ShelfBusyError, match="being written"):
        put(shelf, NOON + timedelta(hours=1))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EDQUOT, "no space left"),
        (errno.EACCES, "can be written to"),
    ],
)
def test_a_folder_that_cannot_be_written_is_named_with_its_mend(
    tmp_path: Path, code: int, said: str
):
    def fail() -> None:
        with Shelf(tmp_path).writing(NOON):
            raise OSError(code, "told by the system")

    with pytest.raises(ShelfError, match=said) as caught:
        fail()
    assert str(tmp_path) in caught.value.detail
    assert "--to" in caught.value.remedy
