"""The commands that Slurm is asked, as argument lists; the only place where they are built.

Every value from outside passes its grammar here and is quoted by `frames.composite`.
What each costs the controller: a full queue is one request however many users there are; a
single user's is filtered in the controller and 10 to 25 times cheaper; several users are not.

Source: squeue(1), sacct(1) of Slurm 22.05 and 24.11; docs/slurm-output.md.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

from slurmfleet.contracts.sections import SectionName
from slurmfleet.slurm.columns import (
    ALL_DETAIL_COLUMNS,
    ANY_SLURM,
    FREE_TEXT_COLUMNS,
    NODE_COLUMNS,
    Dialect,
)
from slurmfleet.slurm.costs import requests_of
from slurmfleet.slurm.errors import UnsafeArgumentError
from slurmfleet.slurm.records import Separators

QUEUE_LIMIT_S = 30.0
"""A controller that is down costs squeue 9 s, one that hangs 10 s (Slurm's MessageTimeout)."""

ACCOUNTING_LIMIT_S = 30.0
PROBE_LIMIT_S = 10.0
IDS_PER_SECTION = 500
WINDOW_SECTION = f"{SectionName.ACCOUNTING}-window"
"""How the names of sections about a window of time begin."""

KEPT_VARIABLES = ("PATH", "SLURM_CONF", "LD_LIBRARY_PATH")
"""What a login shell sets that later calls, which start no login shell, need as well."""

_LOGIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}")
_ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,127}")
_LARGEST_ID = 2**32 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One command of a composite: it succeeds or fails by itself."""

    name: str
    """`[a-z0-9_-]+`, once per composite."""

    argv: tuple[str, ...]
    """Unquoted."""

    limit_s: float
    """Seconds after which it is ended on the login node."""

    asks: int | None = None
    """How many requests it makes of Slurm's daemons, where its arguments do not tell."""

    @property
    def requests(self) -> int:
        """How many requests it makes of Slurm's daemons; 0 for a command that asks nothing."""
        return requests_of(self.argv) if self.asks is None else self.asks


def queue_section(dialect: Dialect = ANY_SLURM, *, limit_s: float = QUEUE_LIMIT_S) -> Section:
    """Ask for everybody's jobs, in columns that suffice to count them."""
    columns = ",".join(f"{column}:|" for column in dialect.queue)
    return Section(
        name=SectionName.QUEUE,
        argv=("squeue", "-h", "-a", "-t", "all", "-O", columns),
        limit_s=limit_s,
    )


def detail_section(
    users: Iterable[str],
    separators: Separators,
    dialect: Dialect = ANY_SLURM,
    *,
    limit_s: float = QUEUE_LIMIT_S,
) -> Section:
    """Ask for the users' jobs in full, also those that ended within the last MinJobAge.

    Raises:
        UnsafeArgumentError: No user is named, or one is no login name.
    """
    names = _checked(users, _LOGIN, "a login name")
    columns = _detail_columns(dialect, separators)
    return _detail(SectionName.DETAIL, ("-u", names), columns, limit_s)


def detail_accounts_section(
    accounts: Iterable[str],
    separators: Separators,
    dialect: Dialect = ANY_SLURM,
    *,
    limit_s: float = QUEUE_LIMIT_S,
) -> Section:
    """Ask for the accounts' jobs in full, also those that ended within the last MinJobAge.

    Raises:
        UnsafeArgumentError: No account is named, or one is no account's name.
    """
    names = _checked(accounts, _ACCOUNT, "a Slurm account")
    columns = _detail_columns(dialect, separators)
    return _detail(SectionName.DETAIL_ACCOUNTS, ("-A", names), columns, limit_s)


def _detail(name: SectionName, who: tuple[str, str], columns: str, limit_s: float) -> Section:
    return Section(
        name=name,
        argv=("squeue", "-h", "-a", "-t", "all", *who, "-O", columns),
        limit_s=limit_s,
    )


def _detail_columns(dialect: Dialect, separators: Separators) -> str:
    ends = field_ends(dialect, separators)
    return ",".join(f"{name}:{end}" for name, end in zip(dialect.detail, ends, strict=True))


def field_ends(dialect: Dialect, separators: Separators) -> tuple[str, ...]:
    """Give what ends each field of a detail record; what users write stands between `field`s."""
    inner = separators.inner or separators.field
    ends = (
        separators.field if {column, following} & _FREE_TEXT else inner
        for column, following in pairwise(dialect.detail)
    )
    return (*ends, separators.record)


_FREE_TEXT = frozenset(FREE_TEXT_COLUMNS)


def _checked(names: Iterable[str], grammar: re.Pattern[str], kind: str) -> str:
    listed = tuple(dict.fromkeys(names))
    for name in listed or ("",):
        if not grammar.fullmatch(name):
            raise UnsafeArgumentError(kind, name)
    return ",".join(listed)


def accounting_sections(
    raw_ids: Iterable[int],
    separators: Separators,
    dialect: Dialect = ANY_SLURM,
    *,
    every_run: bool = False,
    limit_s: float = ACCOUNTING_LIMIT_S,
) -> tuple[Section, ...]:
    """Ask accounting about jobs by Slurm's own numbers, 500 to a section; none for no ids.

    An array's number gives all its tasks, a het job's all its components. Sections are named
    `accounting`, `accounting-2`, …

    Args:
        raw_ids: Job numbers.
        separators: Of this call.
        dialect: Which fields this sacct knows.
        every_run: Also the runs before a requeue (sacct -D), told apart by their submit time.
        limit_s: For each section.

    Raises:
        UnsafeArgumentError: A number is none of Slurm's.
    """
    flags = ("-a", "-X", "-n", "-P", *(("-D",) if every_run else ()))
    columns = ",".join(dialect.accounting)
    return tuple(
        Section(
            name=SectionName.ACCOUNTING if part == 1 else f"{SectionName.ACCOUNTING}-{part}",
            argv=("sacct", *flags, f"--delimiter={separators.field}", "-j", ids, "-o", columns),
            limit_s=limit_s,
        )
        for part, ids in enumerate(_id_lists(raw_ids), start=1)
    )


def accounting_window_sections(
    users: Iterable[str],
    accounts: Iterable[str],
    window: tuple[int, int],
    separators: Separators,
    dialect: Dialect = ANY_SLURM,
    *,
    limit_s: float = ACCOUNTING_LIMIT_S,
) -> tuple[Section, ...]:
    """Ask accounting which jobs of users, and of accounts, ended within a window of time.

    Jobs that never became eligible are not among them, whatever became of them.

    Args:
        users: Login names; none: no section about users.
        accounts: Likewise.
        window: Begin and end in seconds since 1970.
        separators: Of this call.
        dialect: Which fields this sacct knows.
        limit_s: For each section.

    Raises:
        UnsafeArgumentError: A name is none.

    Source: sacct(1), --starttime, --state; parse_time.c for `uts…` (Slurm 22.05 and 24.11).
    """
    since, until = window
    columns = ",".join(dialect.accounting)
    asked = (
        ("-u", tuple(users), _LOGIN, "a login name"),
        ("-A", tuple(accounts), _ACCOUNT, "a Slurm account"),
    )
    return tuple(
        Section(
            name=f"{WINDOW_SECTION}{option.lower()}",
            argv=(
                *("sacct", "-a", "-X", "-n", "-P", f"--delimiter={separators.field}"),
                *("-S", f"uts{since:d}", "-E", f"uts{until:d}", "-s", _ENDED_STATES),
                *(option, _checked(names, grammar, kind), "-o", columns),
            ),
            limit_s=limit_s,
        )
        for option, names, grammar, kind in asked
        if names
    )


_ENDED_STATES = "CD,F,CA,TO,NF,PR,BF,DL,OOM"


def _id_lists(raw_ids: Iterable[int]) -> Iterator[str]:
    waiting = iter(sorted(set(raw_ids)))
    while chunk := tuple(islice(waiting, IDS_PER_SECTION)):
        for raw_id in chunk:
            if not 1 <= raw_id <= _LARGEST_ID:
                raise UnsafeArgumentError("a job number", str(raw_id))
        yield ",".join(map(str, chunk))


def capacity_sections(*, limit_s: float = QUEUE_LIMIT_S) -> tuple[Section, ...]:
    """Ask for all nodes, partitions and reservations, hidden ones too.

    `-d` adds GresUsed to the nodes and costs no request more. Four requests to the controller, as
    sdiag counts them: scontrol reads the partitions too when it shows nodes. sinfo would save
    none: it makes the same two requests for a line per node and partition, and knows neither
    AllocTRES nor who may use a partition.
    """
    return tuple(
        Section(name=name, argv=("scontrol", "-a", *detail, "-o", "show", entity), limit_s=limit_s)
        for name, entity, detail in (
            (SectionName.NODES, "node", ("-d",)),
            (SectionName.PARTITIONS, "partition", ()),
            (SectionName.RESERVATIONS, "reservation", ()),
        )
    )


PROGRAMS = (
    *("sacct", "sacctmgr", "scancel", "sdiag", "sinfo", "sprio", "sreport", "srun", "sshare"),
    *("sstat", "nvidia-smi", "lfs", "mmlsquota", "quota", "df", "timeout", "python3"),
)
"""Programs of which a login node may have some."""

_FIND_PROGRAMS = ("bash", "-c", 'type -P "$@"; exit 0', "bash", *PROGRAMS)
_PROBED = ",".join(f"{column}:|" for column in ALL_DETAIL_COLUMNS)
_PROBED_OF_NODES = ",".join(f"{column}:|" for column in NODE_COLUMNS)
_NO_SUCH_PARTITION = "slurmfleet-asks-for-the-header"


def probe_sections(*, limit_s: float = PROBE_LIMIT_S) -> tuple[Section, ...]:
    """Ask once per connection, in a login shell: who, which Slurm, what it can do.

    squeue and sinfo are asked for a header and, as far as it can be, for no rows: fields that
    they do not know have an empty title there. All in all that is four requests to the
    controller: our own jobs, nodes, partitions, configuration.
    """
    asked = {
        "probe_user": ("id", "-un"),
        "probe_version": ("squeue", "--version"),
        "probe_programs": _FIND_PROGRAMS,
        "probe_queue_help": ("squeue", "--help"),
        "probe_data_parsers": ("squeue", "--json=list"),
        "probe_accounting_fields": ("sacct", "-e"),
        "probe_queue_fields": ("squeue", "-a", "--me", "-t", "BOOT_FAIL", "-O", _PROBED),
        "probe_node_fields": ("sinfo", "-p", _NO_SUCH_PARTITION, "-O", _PROBED_OF_NODES),
        "probe_config": ("scontrol", "show", "config"),
    } | {f"probe_{name.lower()}": ("printenv", name) for name in KEPT_VARIABLES}
    return tuple(Section(name=name, argv=argv, limit_s=limit_s) for name, argv in asked.items())
