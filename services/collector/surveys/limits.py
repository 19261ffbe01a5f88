"""Limits: associations of accounts and of the users that matter, and all QOS, every half an hour.

Costs the controller three requests (`scontrol show config`, which tells Slurm's own name of the
cluster and whether limits hold at all, and the partitions, which may have QOS of their own) and the
accounting database three conversations.
"""

from collections.abc import Mapping

from services.collector.desk import Answer, Desk
from services.collector.surveys.outcomes import failed, read_section, well
from services.collector.surveys.records import read_listed
from services.collector.surveys.share_facts import SACCTMGR, Scene, ShareFacts, qos_fact
from services.collector.surveys.sharebook import (
    Limits,
    ShareBook,
    accounts_to_tell,
    tracked_accounts,
    tracked_users,
    users_to_ask,
)
from services.collector.surveys.survey import Finding
from slurmfleet.contracts.sample import Sample, Topic
from slurmfleet.contracts.sections import SectionName, SectionOutcome
from slurmfleet.slurm.associations import Association, parse_associations
from slurmfleet.slurm.config import SlurmConfig, parse_config
from slurmfleet.slurm.faults import EXPLANATIONS, FaultKind
from slurmfleet.slurm.partitions import parse_partitions
from slurmfleet.slurm.qos import Qos, parse_qos
from slurmfleet.slurm.records import BadRow
from slurmfleet.slurm.share_commands import (
    account_associations_section,
    config_section,
    partitions_section,
    qos_section,
    user_associations_section,
)

LIMITS_INTERVAL_S = 1_800.0
CONFIG_LIMIT_S = 45.0
ROUND_TRIP_LIMIT_S = 140.0
"""Three conversations with a database that may be slow, and one with the controller, 30 s each."""


class LimitSurvey:
    """Asks for the limits of one cluster."""

    topic = Topic.LIMITS

    def __init__(self, book: ShareBook, *, interval_s: float = LIMITS_INTERVAL_S) -> None:
        """Ask every `interval_s`; what is learnt goes to `book`."""
        self.interval_s = interval_s
        self._book = book

    async def ask(self, desk: Desk) -> Finding | None:
        """Ask once.

        Raises:
            SshError: The login node cannot be reached.
            IncompleteAnswerError: The login node ran nothing.
        """
        config, outcome = await self._config(desk)
        if config is None:
            return Finding(source=SACCTMGR, sections=(outcome,))
        users = users_to_ask(desk)
        answer = await desk.ask(
            lambda _: (
                partitions_section(),
                account_associations_section(config.cluster_name),
                user_associations_section(config.cluster_name, users),
                qos_section(),
            ),
            limit_s=ROUND_TRIP_LIMIT_S,
        )
        partitions = read_listed(answer, SectionName.PARTITIONS, parse_partitions)
        reading = _Reading(answer)
        facts: list[Sample] = []
        if reading.is_whole:
            self._book.limits = Limits(
                read_at=answer.observed_at,
                config=config,
                associations=reading.associations,
                qualities=reading.qualities,
                partitions=partitions.rows,
            )
            facts += self._share_facts(desk, answer)
        facts += [
            qos_fact(qos, desk.config.name, answer.observed_at)
            for qos in reading.qualities.values()
        ]
        return Finding(
            source=SACCTMGR,
            facts=tuple(facts),
            sections=(outcome, partitions.outcome, *reading.outcomes),
            bad_rows=(*partitions.bad, *reading.bad),
        )

    async def _config(self, desk: Desk) -> tuple[SlurmConfig | None, SectionOutcome]:
        section = config_section()
        answer = await desk.ask(lambda _: (section,), limit_s=CONFIG_LIMIT_S)
        output = read_section(answer.frames, section.name, SectionName.CONFIG)
        if isinstance(output, SectionOutcome):
            return None, output
        config = parse_config(output.stdout)
        if config.has_accounting is False:
            return None, failed(SectionName.ASSOCIATIONS, EXPLANATIONS[FaultKind.ACCOUNTING_ABSENT])
        if not config.cluster_name:
            return None, failed(SectionName.CONFIG, "scontrol did not tell the cluster's name.")
        return config, well(SectionName.CONFIG, rows=1, bad_rows=0)

    def _share_facts(self, desk: Desk, answer: Answer) -> list[Sample]:
        limits = self._book.limits_at(answer.observed_at)
        associations = limits.associations if limits else ()
        users = tracked_users(desk)
        chosen = accounts_to_tell(
            associations,
            own=self._book.accounts_of(users),
            followed=tracked_accounts(desk),
            weights={
                one.account: one.raw_usage_s or 0 for one in self._book.shares if not one.user
            },
        )
        facts = ShareFacts(
            Scene(
                cluster=desk.config.name,
                observed_at=answer.observed_at,
                population=desk.known.population,
                memory=desk.known.memory,
                followed_users=frozenset(users),
                limits=limits,
                shares=self._book.shares,
            )
        )
        return [
            facts.of_association(one) for one in associations if one.user or one.account in chosen
        ]


class _Reading:
    """The three answers of the accounting database, each for itself."""

    def __init__(self, answer: Answer) -> None:
        self.outcomes: list[SectionOutcome] = []
        self.bad: list[BadRow] = []
        self._answer = answer
        accounts = self._associations(SectionName.ASSOCIATIONS)
        if accounts == ():
            # The database knows root of every cluster it holds: nothing at all is no evidence.
            self.outcomes[-1] = failed(
                SectionName.ASSOCIATIONS,
                "Slurm's accounting told of no account of this cluster: PrivateData may hide them "
                "from this user, or the cluster is not registered there.",
            )
            accounts = None
        users = self._associations(SectionName.USER_ASSOCIATIONS)
        self.qualities = self._qos()
        self.is_whole = accounts is not None and users is not None
        self.associations = (*(accounts or ()), *(users or ()))

    def _associations(self, name: SectionName) -> tuple[Association, ...] | None:
        output = read_section(self._answer.frames, name, name)
        if isinstance(output, SectionOutcome):
            self.outcomes.append(output)
            return None
        told = parse_associations(output.stdout)
        self.bad += told.bad
        self.outcomes.append(well(name, rows=len(told.rows), bad_rows=len(told.bad)))
        return told.rows

    def _qos(self) -> Mapping[str, Qos]:
        name = SectionName.QOS
        output = read_section(self._answer.frames, name, name)
        if isinstance(output, SectionOutcome):
            self.outcomes.append(output)
            return {}
        told = parse_qos(output.stdout)
        self.bad += told.bad
        self.outcomes.append(well(name, rows=len(told.rows), bad_rows=len(told.bad)))
        return {one.name: one for one in told.rows}
