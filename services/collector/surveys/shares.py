"""Fair-share: one sshare for all accounts and the users that matter, every ten minutes.

Costs the controller one request, and no more on a site with thousands of users: sshare lists all
accounts, and by -u only the users that were named.
"""

from services.collector.desk import Desk
from services.collector.surveys.outcomes import failed, read_section, well
from services.collector.surveys.share_facts import SSHARE, Scene, ShareFacts
from services.collector.surveys.sharebook import (
    ShareBook,
    accounts_to_tell,
    tracked_accounts,
    tracked_users,
    users_to_ask,
)
from services.collector.surveys.survey import Finding
from slurmfleet.contracts.sample import Topic
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.slurm.share_commands import shares_section
from slurmfleet.slurm.sshare import parse_shares

SHARES_INTERVAL_S = 600.0
ROUND_TRIP_LIMIT_S = 45.0


class ShareSurvey:
    """Asks for the shares of one cluster."""

    topic = Topic.SHARES

    def __init__(self, book: ShareBook, *, interval_s: float = SHARES_INTERVAL_S) -> None:
        """Ask every `interval_s`; what is learnt goes to `book`, limits come from it."""
        self.interval_s = interval_s
        self._book = book

    async def ask(self, desk: Desk) -> Finding | None:
        """Ask once.

        Raises:
            SshError: The login node cannot be reached.
            IncompleteAnswerError: The login node ran nothing.
        """
        section = shares_section(users_to_ask(desk))
        answer = await desk.ask(lambda _: (section,), limit_s=ROUND_TRIP_LIMIT_S)
        output = read_section(answer.frames, section.name, SectionName.SHARES)
        if isinstance(output, SectionOutcome):
            return Finding(source=SSHARE, sections=(output,))
        shares = parse_shares(output.stdout)
        if not shares.rows:
            nothing = failed(
                SectionName.SHARES,
                "sshare told of no account, not even root: the controller has none, or PrivateData "
                "hides them from this user.",
                exit_status=output.exit_status,
            )
            return Finding(source=SSHARE, sections=(nothing,), bad_rows=shares.bad)
        self._book.shares = shares.rows
        users = tracked_users(desk)
        chosen = accounts_to_tell(
            shares.rows,
            own=self._book.accounts_of(users),
            followed=tracked_accounts(desk),
            weights={one.account: one.raw_usage_s or 0 for one in shares.rows if not one.user},
        )
        facts = ShareFacts(
            Scene(
                cluster=desk.config.name,
                observed_at=answer.observed_at,
                population=desk.known.population,
                memory=desk.known.memory,
                followed_users=frozenset(users),
                limits=self._book.limits_at(answer.observed_at),
                shares=shares.rows,
            )
        )
        return Finding(
            source=SSHARE,
            facts=tuple(
                facts.of_share(row) for row in shares.rows if row.user or row.account in chosen
            ),
            sections=(well(SectionName.SHARES, rows=len(shares.rows), bad_rows=len(shares.bad)),),
            bad_rows=shares.bad,
        )
