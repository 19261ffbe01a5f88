"""What the surveys of shares, limits and use make of good, empty and failing answers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from services.collector.budget import RpcBudget
from services.collector.desk import Answer, Desk, Known
from services.collector.surveys import sharebook
from services.collector.surveys.limits import LimitSurvey
from services.collector.surveys.sharebook import ShareBook, accounts_to_tell
from services.collector.surveys.shares import ShareSurvey
from services.collector.surveys.usage import DAYS_AT_ONCE, WAITING_INTERVAL_S, UsageSurvey
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.contracts.shares import QosSampled, ShareSampled, UsageSampled
from slurmfleet.slurm.frames import Frames, SectionOutput
from slurmfleet.slurm.probe import Probe
from slurmfleet.slurm.records import PLAIN
from slurmfleet.slurm.sshare import SHARE_COLUMNS, ShareRow, parse_shares
from slurmfleet.ssh.link import SshLink
from slurmfleet.ssh.target import SshTarget
from slurmfleet.testing.clock import ManualClock

FIXTURES = Path(__file__).parents[3] / "fixtures"
RECORDINGS = FIXTURES / "shares" / "26.05.5"
SLURM_RECORDINGS = FIXTURES / "slurm" / "26.05.5"
CONFIG = """\
AccountingStorageEnforce = associations,limits,qos
AccountingStorageType   = accounting_storage/slurmdbd
ClusterName             = gamma
PriorityType            = priority/multifactor
"""
DOWN = SectionOutput(
    raw=b"", stderr="sacctmgr: error: Sending PersistInit msg: Connection refused", exit_status=1
)


def well(stdout: str) -> SectionOutput:
    return SectionOutput(raw=stdout.encode(), stderr="", exit_status=0)


def recorded(case: str) -> SectionOutput:
    return well((RECORDINGS / case / "stdout").read_text())


def good_answers() -> dict[str, SectionOutput]:
    return {
        "config": well(CONFIG),
        "partitions": well((SLURM_RECORDINGS / "partitions" / "stdout").read_text()),
        "shares": recorded("shares"),
        "associations": recorded("associations"),
        "user_associations": recorded("associations-users"),
        "qos": recorded("qos"),
        "today": well("2026-01-01\n"),
        **{f"usage-{days}": recorded("usage-today") for days in range(10)},
    }


class ScriptedDesk(Desk):
    """A desk whose login node says what the test wrote down."""

    def __init__(self, answers: Mapping[str, SectionOutput], **config: object) -> None:
        self.manual = ManualClock()
        target = SshTarget(cluster=ClusterName("gamma"), host="login")
        probe = Probe(user="alice", slurm_version="26.05.5", environment={})
        super().__init__(
            ClusterConfig.model_validate({"name": "gamma", "host": "login", **config}),
            link=SshLink(target, clock=self.manual),
            budget=RpcBudget(per_minute=0, burst=0, clock=self.manual),
            known=Known(probe=replace(probe), memory={}, population=()),
            clock=self.manual,
        )
        self.answers = dict(answers)
        self.asked: list[str] = []

    async def ask(self, sections_with: object, *, limit_s: float) -> Answer:  # noqa: ARG002
        names = [section.name for section in sections_with(PLAIN)]  # type: ignore[operator]
        self.asked += names
        said = {str(name): self.answers[name] for name in names if name in self.answers}
        frames = Frames(sections=said, remote_epoch_s=None, done=True)
        return Answer(frames=frames, separators=PLAIN, observed_at=self.manual.now())


def shares_in(facts: Sequence[object]) -> list[ShareSampled]:
    return [fact for fact in facts if isinstance(fact, ShareSampled)]


async def test_head_room_needs_limits_and_queue():
    book, desk = ShareBook(), ScriptedDesk(good_answers())

    before = await ShareSurvey(book).ask(desk)
    await LimitSurvey(book).ask(desk)
    after = await ShareSurvey(book).ask(desk)
    desk.known.population = None
    blind = await ShareSurvey(book).ask(desk)

    assert before is not None
    assert after is not None
    assert blind is not None
    assert {one.head_room_told for one in shares_in(before.facts)} == {False}
    assert {one.head_room_told for one in shares_in(after.facts)} == {True}
    assert {one.head_room_told for one in shares_in(blind.facts)} == {False}
    assert {one.gpus_running for one in shares_in(blind.facts)} == {None}


async def test_limits_that_were_not_read_for_long_are_not_believed():
    book, desk = ShareBook(), ScriptedDesk(good_answers())
    await LimitSurvey(book).ask(desk)
    desk.manual.advance(sharebook.LIMITS_HOLD_S + 1)

    finding = await ShareSurvey(book).ask(desk)

    assert finding is not None
    assert {one.head_room_told for one in shares_in(finding.facts)} == {False}


async def test_accounts_that_are_hidden_are_no_evidence():
    desk = ScriptedDesk({**good_answers(), "associations": well("")})
    book = ShareBook()

    finding = await LimitSurvey(book).ask(desk)

    assert finding is not None
    assert "PrivateData" in finding.error
    assert book.limits is None
    assert {type(fact) for fact in finding.facts} == {QosSampled}


async def test_shares_that_are_hidden_are_no_evidence():
    book = ShareBook()

    finding = await ShareSurvey(book).ask(ScriptedDesk({"shares": well("")}))

    assert finding is not None
    assert ("PrivateData" in finding.error, finding.facts, book.shares) == (True, (), ())


async def test_site_without_accounting_is_asked_no_further():
    config = CONFIG.replace("slurmdbd", "none")
    desk = ScriptedDesk({**good_answers(), "config": well(config)})

    finding = await LimitSurvey(ShareBook()).ask(desk)

    assert finding is not None
    assert finding.error == "This cluster keeps no accounting database."
    assert desk.asked == ["config"]


async def test_accounting_that_is_down_keeps_what_was_known():
    book, desk = ShareBook(), ScriptedDesk(good_answers())
    await LimitSurvey(book).ask(desk)
    known = book.limits
    desk.answers |= {"associations": DOWN, "user_associations": DOWN, "qos": DOWN}

    finding = await LimitSurvey(book).ask(desk)

    assert finding is not None
    assert "slurmdbd" in finding.error
    assert (finding.facts, book.limits) == ((), known)


async def test_numbers_of_fair_share_mean_nothing_without_it():
    config = CONFIG.replace("multifactor", "basic")
    book, desk = ShareBook(), ScriptedDesk({**good_answers(), "config": well(config)})
    await LimitSurvey(book).ask(desk)

    finding = await ShareSurvey(book).ask(desk)

    assert finding is not None
    assert {(one.level_fs, one.fair_share) for one in shares_in(finding.facts)} == {(None, None)}


async def test_use_waits_until_it_is_known_whose_and_costs_nothing_meanwhile():
    book, desk = ShareBook(), ScriptedDesk(good_answers())
    survey = UsageSurvey(book)

    assert (await survey.ask(desk), survey.interval_s, desk.asked) == (None, WAITING_INTERVAL_S, [])
    await ShareSurvey(book).ask(desk)
    assert await survey.ask(desk) is not None
    assert survey.interval_s == 3600


async def test_past_days_are_asked_for_a_few_at_once_and_once_each():
    """The recording is of a day long over, so what is asked for counts as complete."""
    desk = ScriptedDesk(good_answers(), track_accounts=["vision"])
    for name in desk.answers:
        if name.startswith("usage-"):
            text = desk.answers[name].stdout.replace("1795564800", "1767139200")
            desk.answers[name] = well(text.replace("1795651199", "1767225599"))
    survey = UsageSurvey(ShareBook(), days_back=5)
    rounds: list[list[str]] = []
    for _ in range(4):
        desk.asked.clear()
        await survey.ask(desk)
        rounds.append(desk.asked[1:])

    # At noon of the first of January, yesterday was over twelve hours ago.
    assert len(rounds[0]) == DAYS_AT_ONCE
    assert rounds == [
        ["usage-0", "usage-1", "usage-2", "usage-3"],
        ["usage-0", "usage-4", "usage-5"],
        ["usage-0"],
        ["usage-0"],
    ]


async def test_use_that_could_not_be_read_is_asked_for_again():
    desk = ScriptedDesk(good_answers(), track_accounts=["vision"])
    desk.answers |= {f"usage-{days}": DOWN for days in range(10)}
    survey = UsageSurvey(ShareBook(), days_back=1)

    first = await survey.ask(desk)
    await survey.ask(desk)

    assert first is not None
    assert ([one.ok for one in first.sections], first.facts) == ([False, False], ())
    assert desk.asked == ["today", "usage-0", "usage-1"] * 2


async def test_use_of_others_in_an_account_that_is_not_tracked_is_not_told():
    book, desk = ShareBook(), ScriptedDesk(good_answers(), track_users=["nobody"])
    await ShareSurvey(book).ask(desk)

    finding = await UsageSurvey(book, days_back=0).ask(desk)

    assert finding is not None
    told = {fact.user for fact in finding.facts if isinstance(fact, UsageSampled)}
    assert told == {"", "alice"}


def row(account: str, parent: str) -> ShareRow:
    text = "|".join(account if column == "Account" else "" for column in SHARE_COLUMNS)
    (one,) = parse_shares(text).rows
    return replace(one, parent_account=parent)


def test_facts_are_told_of_paths_siblings_and_what_is_below(monkeypatch: pytest.MonkeyPatch):
    tree = [row("root", ""), row("a", "root"), row("b", "root"), row("a1", "a"), row("b1", "b")]
    tree += [row("b11", "b1"), row("c", "root")]

    chosen = accounts_to_tell(tree, own=["a1"], followed=["b"], weights={})
    assert chosen == {"root", "a", "b", "a1", "b1", "b11", "c"}

    monkeypatch.setattr(sharebook, "MOST_ACCOUNTS", 4)
    few = accounts_to_tell(tree, own=["a1"], followed=[], weights={"c": 9.0})
    assert few == {"root", "a", "a1", "c"}


def test_accounts_far_from_us_are_left_out():
    tree = [row("root", ""), row("a", "root"), row("b", "root"), row("b1", "b")]

    assert accounts_to_tell(tree, own=["a"], followed=[], weights={}) == {"root", "a", "b"}


async def test_limits_of_a_partitions_own_qos_are_told_to_those_who_may_use_it():
    partitions = good_answers()["partitions"].stdout
    assert "QoS=N/A" in partitions
    own = replace(
        good_answers()["partitions"], raw=partitions.replace("QoS=N/A", "QoS=capped").encode()
    )
    desk = ScriptedDesk({**good_answers(), "partitions": own}, track_users=["alice"])
    book = ShareBook()

    finding = await LimitSurvey(book).ask(desk)

    assert finding is not None
    assert finding.error == ""
    alice = [one for one in shares_in(finding.facts) if one.user == "alice" and one.rooms]
    rooms = {(one.qos, one.partition): one for one in alice[0].rooms}
    assert {partition for _, partition in rooms} > {""}
    bounds = {one.bounded_by for (_, partition), one in rooms.items() if partition}
    assert any("under QOS capped: MaxTRESPU gres/gpu=" in one for one in bounds)


@pytest.mark.parametrize("version", ["22.05.8", "24.11.5", "26.05.5"])
async def test_rooms_are_made_of_what_each_version_of_slurm_tells(version: str):
    recorded = {
        "associations": "associations", "user_associations": "associations-users", "qos": "qos"
    }  # fmt: skip
    told = {
        name: well((FIXTURES / "shares" / version / case / "stdout").read_text())
        for name, case in recorded.items()
    }
    partitions = FIXTURES / "slurm" / version / "partitions" / "stdout"
    answers = {**good_answers(), **told, "partitions": well(partitions.read_text())}

    finding = await LimitSurvey(ShareBook()).ask(ScriptedDesk(answers, track_users=["alice"]))

    assert finding is not None
    assert (finding.error, finding.bad_rows) == ("", ())
    alice = [one for one in shares_in(finding.facts) if one.user == "alice"]
    for one in alice:
        assert [(room.qos, room.partition) for room in one.rooms] == [
            (name, "") for name in sorted(one.qos)
        ]
    capped = next(room for one in alice for room in one.rooms if room.qos == "capped")
    told = {one.name: one.allowed for one in capped.limits}
    assert told["MaxJobsPU"] == 2
    assert capped.gpus is not None
    assert capped.gpus <= 4


async def test_partitions_that_are_not_told_make_rooms_upper_bounds():
    desk = ScriptedDesk({**good_answers(), "partitions": DOWN}, track_users=["alice"])
    book = ShareBook()

    finding = await LimitSurvey(book).ask(desk)

    assert finding is not None
    assert book.limits is not None
    assert book.limits.partitions is None
    rooms = [room for one in shares_in(finding.facts) if one.user == "alice" for room in one.rooms]
    assert rooms
    assert all(one.at_most or one.gpus == 0 for one in rooms)
