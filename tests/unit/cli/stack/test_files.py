"""What the stack writes: private folders, record, lock, passwords, logs."""

import os
import stat
from pathlib import Path

import pytest

from slurmfleet.cli.errors import FailedError
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.lock import AlreadyRunningError, hold_lock, is_held
from slurmfleet.cli.stack.parts import LOG_LIMIT_BYTES, log_tail, rotate
from slurmfleet.cli.stack.passwords import role_passwords
from slurmfleet.cli.stack.procs import ProcessId
from slurmfleet.cli.stack.record import RunningStack, read_record, read_running, write_record
from slurmfleet.store.roles import Role

SUPERVISOR = ProcessId(name="supervisor", pid=11, birth="5", grouped=False)
API = ProcessId(name="api", pid=12, birth="6")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "deep" / "data")
    made.create()
    return made


def _write(layout: Layout) -> None:
    write_record(
        layout,
        supervisor=SUPERVISOR,
        children=[API],
        urls={"api": "http://127.0.0.1:1", "mcp": "http://127.0.0.1:2"},
        ports={"bus": 3},
        access={"SLURMFLEET_STORE_DSN": "postgresql://x"},
        started_at="2026-01-01T12:00:00+00:00",
        ready=True,
    )


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_and_files_are_the_owners_alone(layout: Layout):
    _write(layout)
    role_passwords(layout)

    folders = (layout.data_dir, layout.run_dir, layout.log_dir)
    files = (layout.record_file, layout.secrets_file)

    assert [_mode(path) for path in folders] == [0o700] * 3
    assert [_mode(path) for path in files] == [0o600] * 2


def test_a_folder_that_cannot_be_made_says_how_to_choose_another(tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(FailedError, match="--data-dir"):
        Layout(tmp_path / "file" / "data").create()


def test_the_record_is_read_as_it_was_written(layout: Layout):
    _write(layout)

    found = read_running(layout)
    record = read_record(layout)

    assert record is not None
    assert found == RunningStack(record=record, supervisor=SUPERVISOR, children=(API,))
    assert (record.ready, record.urls["api"]) == (True, "http://127.0.0.1:1")


@pytest.mark.parametrize("text", ["", "{", '{"supervisor": 3}'])
def test_a_record_that_cannot_be_read_counts_as_none(layout: Layout, text: str):
    layout.record_file.write_text(text)

    assert read_running(layout) is None


def test_a_held_lock_names_pid_and_doors(layout: Layout):
    _write(layout)

    with hold_lock(layout):
        assert is_held(layout)
        with pytest.raises(AlreadyRunningError) as refused, hold_lock(layout):
            pass

    assert not is_held(layout)
    assert refused.value.detail == (
        f"slurmfleet is already running on {layout.data_dir} (pid 11): "
        "API http://127.0.0.1:1, MCP http://127.0.0.1:2/mcp."
    )


def test_passwords_are_made_once_and_differ(layout: Layout):
    first, second = role_passwords(layout), role_passwords(layout)

    assert first == second
    assert set(first) == set(Role)
    assert len(set(first.values())) == len(Role)


def test_broken_passwords_name_the_file_to_remove(layout: Layout):
    layout.secrets_file.write_text("[]")

    with pytest.raises(FailedError, match="Remove it"):
        role_passwords(layout)


def test_a_log_that_grew_too_long_is_put_aside(layout: Layout):
    log = layout.log_file("api")
    log.write_bytes(b"old\n")
    os.truncate(log, LOG_LIMIT_BYTES + 1)
    rotate(log)
    log.write_text("short\n")
    rotate(log)

    assert log.with_suffix(".log.1").stat().st_size == LOG_LIMIT_BYTES + 1
    assert log_tail(log) == "short"
    assert log_tail(layout.log_file("never")) == ""
