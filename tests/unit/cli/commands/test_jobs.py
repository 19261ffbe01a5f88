"""How jobs look on a terminal."""

import pytest
from pydantic import JsonValue
from rich.console import Console, RenderableType

from slurmfleet.cli.commands.jobs import job_page, jobs_page
from slurmfleet.cli.errors import FailedError
from tests.unit.cli.conftest import job, page, run_cli


def _shown(what: RenderableType, width: int = 120) -> str:
    console = Console(width=width, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(what)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _document(value: object) -> JsonValue:
    return value  # pyright: ignore[reportReturnType] built of JSON's own kinds


def test_a_page_shows_state_time_reason_and_age():
    waiting = job(
        job_id="4712",
        state="PENDING",
        started_at=None,
        array_pending="2-9%2",
        reason="Resources",
        gpus=0,
    )

    shown = _shown(jobs_page(_document(page([job(), waiting]))))

    assert shown == (
        "CLUSTER  JOB           NAME   USER  PARTITION  STATE    GPUS       TIME  REASON\n"
        "alpha    4711          train  ada   batch      RUNNING     8        1 h\n"
        "alpha    4712_[2-9%2]  train  ada   batch      PENDING        waits 2 h  Resources\n"
        "\n"
        "alpha: 12 s ago"
    )


def test_stale_is_marked_with_its_reason():
    clusters = {"alpha": {"age_s": 500, "stale": True, "stale_reason": "the last look failed"}}

    shown = _shown(jobs_page(_document(page([job(stale=True)], clusters=clusters))))

    assert "RUNNING (stale)" in shown
    assert shown.endswith("alpha: 8 min ago, stale (the last look failed)")


def test_a_page_fits_a_terminal_of_eighty_columns():
    long = job(name="n" * 200, partition="p" * 60, user="u" * 40, reason="r" * 60)

    shown = _shown(jobs_page(_document(page([long]))), width=80)

    assert max(len(line) for line in shown.splitlines()) <= 80
    assert len(shown.splitlines()) == 4


def test_names_of_others_are_not_read_as_markup():
    shown = _shown(jobs_page(_document(page([job(name="[bold]x[/] [link=evil]")]))))

    assert "[bold]x[/] [link=evil]" in shown


def test_an_empty_page_says_so_and_a_full_one_that_there_is_more():
    assert _shown(jobs_page(_document(page([])))) == "No jobs match."
    assert "so far" in _shown(jobs_page(_document(page([], next_cursor="abc"))))
    assert "There are more" in _shown(jobs_page(_document(page([job()], next_cursor="abc"))))


def test_one_job_shows_what_is_known_and_its_timeline():
    event = {
        "event_seq": 1,
        "cluster": "alpha",
        "job_id": "4711",
        "verb": "ended",
        "state": "OUT_OF_MEMORY",
        "reason": "OutOfMemory",
        "occurred_at": "2026-01-01T12:00:00Z",
    }
    ended = job(state="OUT_OF_MEMORY", exit_code=0, exit_signal=125, gpus_by_type={"h100": 8})

    shown = _shown(job_page(_document(ended), _document({"items": [event]})))

    assert "exit            signal 125" in shown
    assert "GPUs            8 (8 h100)" in shown
    assert "seen            12 s ago" in shown
    assert shown.splitlines()[-1].split()[-3:] == ["ended", "OUT_OF_MEMORY", "OutOfMemory"]
    assert "dependency" not in shown


def test_an_answer_without_a_state_is_an_error_that_names_it():
    broken = job()
    del broken["state"]

    with pytest.raises(FailedError, match=r"items\.0\.state"):
        jobs_page(_document(page([broken])))


def test_jobs_without_an_api_is_unreachable():
    done = run_cli("jobs", "--url", "127.0.0.1:1")

    assert (done.exit_code, done.stdout) == (4, "")
    assert "Nothing answers at http://127.0.0.1:1 (address from --url)." in done.stderr
    assert "fix: Start it with `slurmfleet up`" in done.stderr
