"""sshare: the tree of accounts and users, and what each has used.

Source: sshare(1); recordings of Slurm 24.11.5. Use does not decay here, and every account and user
has one share.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.simulator.calls import Answer, Call, grammar, read_options, refused
from services.simulator.cluster import Cluster
from services.simulator.model import ClusterSpec, Job, State

GRAMMAR = grammar(
    flags="a,all l,long P,parsable2 n,noheader U,Users m,partition V,version",
    valued="u,users A,accounts o,format",
)
PLAIN = ("Account", "User", "RawShares", "NormShares", "RawUsage", "EffectvUsage", "FairShare")
LONG = (
    *("Account", "User", "RawShares", "NormShares", "RawUsage", "NormUsage", "EffectvUsage"),
    *("FairShare", "LevelFS", "GrpTRESMins", "TRESRunMins"),
)
KNOWN = (*LONG, "Cluster", "Partition", "GrpTRESRaw", "ID")
_MINUTE_S = 60

Row = Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class _Used:
    """What somebody used, in CPU and GPU seconds, and what is still promised to running jobs."""

    cpu_s: int = 0
    gpu_s: int = 0
    promised_cpu_s: int = 0
    promised_gpu_s: int = 0

    def add(self, other: "_Used") -> None:
        self.cpu_s += other.cpu_s
        self.gpu_s += other.gpu_s
        self.promised_cpu_s += other.promised_cpu_s
        self.promised_gpu_s += other.promised_gpu_s


def sshare(cluster: Cluster, call: Call) -> Answer:
    """Answer one call of sshare; without -P in columns of twelve."""
    options = read_options("sshare", call.argv, GRAMMAR)
    if "version" in options.flags:
        return Answer(stdout=f"slurm-wlm {cluster.spec.version}\n")
    known = {name.lower(): name for name in KNOWN}
    wanted = options.values.get("format")
    names = wanted.split(",") if wanted else LONG if "long" in options.flags else PLAIN
    unknown = next((name for name in names if name.partition("%")[0].lower() not in known), None)
    if unknown is not None:
        return refused(f'sshare: error: Invalid field requested: "{unknown.lower()}"')
    columns = [known[name.partition("%")[0].lower()] for name in names]
    users = {name for name in options.values.get("users", "").split(",") if name}
    shown = None if "all" in options.flags else users or {call.user}
    rows = [[row[column] for column in columns] for row in _rows(cluster, shown)]
    lines = rows if "noheader" in options.flags else [columns, *rows]
    if "parsable2" in options.flags:
        return Answer(stdout="".join("|".join(line) + "\n" for line in lines))
    return Answer(stdout="".join(" ".join(f"{text:>12}" for text in line) + "\n" for line in lines))


def accounts_of(spec: ClusterSpec) -> tuple[str, ...]:
    """Give the accounts below root, in order."""
    return tuple(sorted({account for user in spec.users for account in user.accounts}))


def _rows(cluster: Cluster, shown: set[str] | None) -> list[Row]:
    """Give the tree; None shows all users."""
    spec, used = cluster.spec, _used(cluster)
    accounts = accounts_of(spec)
    whole = _Used()
    for one in used.values():
        whole.add(one)
    rows: list[Row] = [_row(spec, "root", used=whole, of=whole)]
    for account in accounts:
        members = sorted(user.name for user in spec.users if account in user.accounts)
        team = _Used()
        for name in members:
            team.add(used.get((account, name), _Used()))
        rows.append(_row(spec, f" {account}", used=team, of=whole, siblings=len(accounts)))
        for name in members:
            if shown is None or name in shown:
                own = used.get((account, name), _Used())
                more = {"User": name, "FairShare": f"{_factor(own, team, len(members)):.6f}"}
                rows.append(
                    _row(spec, f"  {account}", used=own, of=team, siblings=len(members)) | more
                )
    return rows


def _row(
    spec: ClusterSpec, account: str, *, used: _Used, of: _Used, siblings: int = 0
) -> dict[str, str]:
    part = used.cpu_s / of.cpu_s if of.cpu_s else 0.0
    share = 1 / siblings if siblings else 0.0
    level = "" if not siblings else f"{share / part:.6f}" if part else "inf"
    kind = f"gres/gpu:{spec.gpu_type}" if spec.gpu_type else "gres/gpu:none"

    def minutes(cpu_s: int, gpu_s: int) -> str:
        cpus, gpus = cpu_s // _MINUTE_S, gpu_s // _MINUTE_S
        return f"cpu={cpus},mem=0,energy=0,node=0,billing={cpus},gres/gpu={gpus},{kind}={gpus}"

    return {
        "Account": account,
        "User": "",
        "Cluster": spec.name,
        "Partition": "",
        "RawShares": "1" if siblings else "",
        "NormShares": f"{share:.6f}",
        "RawUsage": str(used.cpu_s),
        "NormUsage": f"{part:.6f}" if siblings else "",
        "EffectvUsage": f"{part if siblings else 1.0:.6f}",
        "FairShare": "",
        "LevelFS": level,
        "GrpTRESMins": "",
        "GrpTRESRaw": minutes(used.cpu_s, used.gpu_s),
        "TRESRunMins": minutes(used.promised_cpu_s, used.promised_gpu_s),
        "ID": "",
    }


def _factor(own: _Used, team: _Used, members: int) -> float:
    part = own.cpu_s / team.cpu_s if team.cpu_s else 0.0
    return 2 ** (-part * members)


def _used(cluster: Cluster) -> dict[tuple[str, str], _Used]:
    """Add up by account and user."""
    used: dict[tuple[str, str], _Used] = {}
    for job in cluster.accounting.rows():
        if job.started_at is not None and job.nodes:
            key = (job.request.account, job.request.user)
            used.setdefault(key, _Used()).add(_of_job(job, cluster.now))
    return used


def _of_job(job: Job, now: int) -> _Used:
    shape = job.request.shape
    cpus, spent_s = shape.nodes * shape.cpus, job.used_s(now)
    left_s = 0
    if job.state is State.RUNNING and job.request.time_limit_s is not None:
        left_s = max(0, job.request.time_limit_s - spent_s)
    return _Used(
        cpu_s=spent_s * cpus,
        gpu_s=spent_s * job.gpus,
        promised_cpu_s=left_s * cpus,
        promised_gpu_s=left_s * job.gpus,
    )
