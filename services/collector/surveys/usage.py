"""Use by account and user: one sreport a day of the cluster's own calendar, asked every hour.

At first the last days are asked for, a few at once; from then on today so far, and yesterday
until it was reported after its end. Each costs the accounting database one conversation, and the
controller nothing: two an hour in the long run.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from services.collector.desk import Desk
from services.collector.surveys.headroom import parents_of, path_up
from services.collector.surveys.outcomes import failed, read_section, well
from services.collector.surveys.sharebook import ShareBook, tracked_accounts, tracked_users
from services.collector.surveys.survey import Finding
from slurmfleet.contracts.sample import Sample, Topic
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.contracts.shares import UsageSampled
from slurmfleet.slurm.errors import SlurmParseError
from slurmfleet.slurm.frames import Frames
from slurmfleet.slurm.records import BadRow
from slurmfleet.slurm.share_commands import TODAY, is_account, today_section, usage_section
from slurmfleet.slurm.sreport import UsageReport, parse_usage
from slurmfleet.slurm.tres_limits import without_zeros

SREPORT = "sreport"
USAGE_INTERVAL_S = 3_600.0
WAITING_INTERVAL_S = 60.0
"""Until it is known in which accounts the users are."""

DAYS_BACK = 7
DAYS_AT_ONCE = 4
MOST_ACCOUNTS = 100
"""Names on one command line."""

DATE_LIMIT_S = 30.0
ROUND_TRIP_LIMIT_S = 140.0
ROLL_UP_LATE = timedelta(hours=2)
"""slurmdbd adds up an hour soon after it is over; a day is complete when this has passed too."""

_NOTHING = (
    "sreport told nothing: no use in that time, its hourly roll-up does not run, or PrivateData "
    "hides it from this user."
)


class UsageSurvey:
    """Asks for the use of one cluster."""

    topic = Topic.USAGE

    def __init__(
        self,
        book: ShareBook,
        *,
        interval_s: float = USAGE_INTERVAL_S,
        days_back: int = DAYS_BACK,
    ) -> None:
        """Ask every `interval_s`, at first about `days_back` days before today as well."""
        self._book = book
        self._interval_s = interval_s
        self._days_back = days_back
        self._complete: set[date] = set()
        self._waits = True

    @property
    def interval_s(self) -> float:
        """Between two askings; short while there is nothing to ask yet, which costs nothing."""
        return min(WAITING_INTERVAL_S, self._interval_s) if self._waits else self._interval_s

    async def ask(self, desk: Desk) -> Finding | None:
        """Ask once; None while no account is known to ask about.

        Raises:
            SshError: The login node cannot be reached.
            IncompleteAnswerError: The login node ran nothing.
        """
        accounts = self._accounts(desk)
        self._waits = not accounts
        if not accounts:
            return None
        today = await self._today(desk)
        if isinstance(today, SectionOutcome):
            return Finding(source=SREPORT, sections=(today,))
        days = self._days(today)
        answer = await desk.ask(
            lambda _: tuple(
                usage_section(day, accounts, days_ago=(today - day).days) for day in days
            ),
            limit_s=ROUND_TRIP_LIMIT_S,
        )
        reading = _Reading()
        for day in days:
            report = reading.read(answer.frames, f"{SectionName.USAGE}-{(today - day).days}")
            if report is None:
                continue
            if report.until_at + ROLL_UP_LATE <= answer.observed_at and day < today:
                self._complete.add(day)
            reading.facts += self._facts(report, desk, answer.observed_at)
        self._complete = {day for day in self._complete if (today - day).days <= self._days_back}
        return Finding(
            source=SREPORT,
            facts=tuple(reading.facts),
            sections=tuple(reading.outcomes),
            bad_rows=tuple(reading.bad),
        )

    def _accounts(self, desk: Desk) -> tuple[str, ...]:
        """Give the accounts to ask about: tracked ones, and those of the users that matter."""
        names = (
            *tracked_accounts(desk),
            *sorted(self._book.accounts_of(tracked_users(desk))),
        )
        return tuple(name for name in dict.fromkeys(names) if is_account(name))[:MOST_ACCOUNTS]

    async def _today(self, desk: Desk) -> date | SectionOutcome:
        """Give the day that it is on the login node, in whose time zone sreport counts days."""
        answer = await desk.ask(lambda _: (today_section(),), limit_s=DATE_LIMIT_S)
        output = read_section(answer.frames, TODAY, SectionName.USAGE)
        if isinstance(output, SectionOutcome):
            return output
        try:
            return date.fromisoformat(output.stdout.strip())
        except ValueError:
            return failed(SectionName.USAGE, "The login node's `date` did not tell the day.")

    def _days(self, today: date) -> tuple[date, ...]:
        """Give the days to ask about now, newest first."""
        wanted = (today - timedelta(days=back) for back in range(self._days_back + 1))
        return tuple(day for day in wanted if day not in self._complete)[:DAYS_AT_ONCE]

    def _facts(
        self, report: UsageReport, desk: Desk, observed_at: datetime
    ) -> Iterable[UsageSampled]:
        """Give the facts of one report: all its accounts, and the users that matter."""
        users = set(tracked_users(desk))
        rows = (*self._book.shares, *(self._book.limits.associations if self._book.limits else ()))
        parents = parents_of(rows)
        followed = set(tracked_accounts(desk))
        for row in report.rows:
            in_team = not followed.isdisjoint(path_up(row.account, parents))
            if row.user and row.user not in users and not in_team:
                continue
            yield UsageSampled(
                cluster=desk.config.name,
                observed_at=observed_at,
                source=SREPORT,
                account=row.account,
                user=row.user,
                since_at=report.since_at,
                # Slurm 26.05 names the end of a day that is not over yet.
                until_at=min(report.until_at, observed_at),
                tres_seconds=without_zeros(row.tres_seconds),
            )


class _Reading:
    """The reports of one asking, each for itself."""

    def __init__(self) -> None:
        self.outcomes: list[SectionOutcome] = []
        self.bad: list[BadRow] = []
        self.facts: list[Sample] = []

    def read(self, frames: Frames, section: str) -> UsageReport | None:
        """Give a report; None where it is no evidence."""
        output = read_section(frames, section, SectionName.USAGE)
        if isinstance(output, SectionOutcome):
            self.outcomes.append(output)
            return None
        try:
            report = parse_usage(output.stdout)
        except SlurmParseError as exc:
            self.outcomes.append(failed(SectionName.USAGE, str(exc), exit_status=0))
            return None
        self.bad += report.bad
        remark = "" if report.rows or report.bad else _NOTHING
        self.outcomes.append(
            well(SectionName.USAGE, rows=len(report.rows), bad_rows=len(report.bad), remark=remark)
        )
        return report
