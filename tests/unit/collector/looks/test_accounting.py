"""What accounting's answer is worth when a part of it failed."""

from services.collector.desk import Answer
from services.collector.looks.accounting import read_accounting
from slurmfleet.slurm.columns import ANY_SLURM
from slurmfleet.slurm.commands import accounting_sections, accounting_window_sections
from slurmfleet.slurm.frames import Frames, SectionOutput
from slurmfleet.slurm.records import PLAIN
from slurmfleet.testing.moments import NOON

WELL = SectionOutput(raw=b"", stderr="", exit_status=0)
BROKEN = SectionOutput(raw=b"", stderr="sacct: error: no such thing", exit_status=1)
(JOBS,) = (one.name for one in accounting_sections([7], PLAIN, ANY_SLURM))
(WINDOW,) = (
    one.name for one in accounting_window_sections(["alice"], [], (1, 2), PLAIN, ANY_SLURM)
)


def answer_of(jobs: SectionOutput, window: SectionOutput) -> Answer:
    frames = Frames(sections={JOBS: jobs, WINDOW: window}, remote_epoch_s=None, done=True)
    return Answer(frames=frames, separators=PLAIN, observed_at=NOON)


def test_a_window_that_is_not_understood_costs_no_evidence_about_jobs():
    heard = read_accounting(answer_of(WELL, BROKEN), [JOBS, WINDOW], ANY_SLURM)

    assert (heard.rows, heard.window_ok) == ((), False)
    assert [one.ok for one in heard.sections] == [True, False]


def test_jobs_that_were_not_answered_are_no_evidence_whatever_the_window_says():
    heard = read_accounting(answer_of(BROKEN, WELL), [JOBS, WINDOW], ANY_SLURM)

    assert heard.rows is None
    assert heard.error


def test_a_window_that_fails_by_itself_is_a_failure():
    heard = read_accounting(answer_of(WELL, BROKEN), [WINDOW], ANY_SLURM)

    assert (heard.rows, heard.window_ok) == (None, False)
