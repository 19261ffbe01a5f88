"""sreport: use by account and user, of whole hours that are over.

Source: sreport(1), AccountUtilizationByUser; recordings of Slurm 24.11.5.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

from services.simulator.calls import Answer, Call, grammar, read_options, refused
from services.simulator.cluster import Cluster
from services.simulator.model import Job
from services.simulator.text import moment

GRAMMAR = grammar(
    flags="n,noheader P,parsable2 p,parsable Q,quiet a,all_clusters V,version", valued="t T,tres M"
)
FIELDS = {
    "cluster": "Cluster",
    "account": "Account",
    "login": "Login",
    "proper": "Proper Name",
    "tresname": "TRES Name",
    "used": "Used",
}
HOUR_S = 3600
DAY_S = 86_400
RULE = "-" * 80

Use = Counter[tuple[str, str, str]]
"""Seconds by account, user (empty: all of them) and TRES."""


def sreport(cluster: Cluster, call: Call) -> Answer:
    """Answer `sreport cluster AccountUtilizationByUser`."""
    options = read_options("sreport", call.argv, GRAMMAR)
    if "version" in options.flags:
        return Answer(stdout=f"slurm-wlm {cluster.spec.version}\n")
    match options.words:
        case ["cluster", report, *words] if report.lower() == "accountutilizationbyuser":
            asked = dict(word.split("=", 1) for word in words if "=" in word)
        case _:
            return refused(f"Not valid report {' '.join(options.words)}")
    asked = {name.lower(): value for name, value in asked.items()}
    wanted = asked.get("format", "cluster,account,login,proper,tresname,used").split(",")
    unknown = next((name for name in wanted if name.lower() not in FIELDS), None)
    if unknown is not None:
        return refused(f"Unknown field '{unknown.lower()}'")
    begin, end = _span(asked, cluster.now)
    lines = ["|".join(row) for row in _rows(cluster, asked, wanted, begin, end)]
    if "noheader" not in options.flags:
        times = [moment(at, time_format=call.time_format) for at in (begin, end - 1)]
        title = f"Cluster/Account/User Utilization {times[0]} - {times[1]} ({end - begin} secs)"
        names = "|".join(FIELDS[name.lower()] for name in wanted)
        lines = [RULE, title, "Usage reported in TRES Seconds", RULE, names, *lines]
    return Answer(stdout="".join(f"{line}\n" for line in lines))


def _span(asked: Mapping[str, str], now: int) -> tuple[int, int]:
    """Give the time of a report: never past the last hour that is over."""
    today = now - now % DAY_S
    begin = _moment(asked.get("start", ""), missing=today - DAY_S)
    end = _moment(asked.get("end", ""), missing=today)
    return begin, max(begin + HOUR_S, min(end, now - now % HOUR_S))


def _moment(text: str, *, missing: int) -> int:
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return missing
    return int((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp())


def _rows(
    cluster: Cluster, asked: Mapping[str, str], wanted: list[str], begin: int, end: int
) -> list[list[str]]:
    use = _use(cluster, begin, end)
    accounts = {name for name in asked.get("accounts", "").split(",") if name}
    users = {name for name in asked.get("users", "").split(",") if name}
    rows: list[list[str]] = []
    for (account, user, tres), seconds in sorted(use.items()):
        below_asked = not accounts or account in accounts or "root" in accounts
        if below_asked and (not users or user in users):
            row = {"cluster": cluster.spec.name, "account": account, "login": user}
            row |= {"proper": user, "tresname": tres, "used": str(seconds)}
            rows.append([row[name.lower()] for name in wanted])
    return rows


def _use(cluster: Cluster, begin: int, end: int) -> Use:
    use: Use = Counter()
    for job in cluster.accounting.rows():
        for tres, seconds in _of_job(job, begin, end, cluster.spec.gpu_type).items():
            account = job.request.account
            for key in (("root", ""), (account, ""), (account, job.request.user)):
                use[(*key, tres)] += seconds
    return use


def _of_job(job: Job, begin: int, end: int, gpu_type: str) -> dict[str, int]:
    if job.started_at is None or not job.nodes:
        return {}
    ran_s = max(0, min(job.ended_at or end, end) - max(job.started_at, begin))
    cpus = job.request.shape.nodes * job.request.shape.cpus
    amounts = {"cpu": cpus, "node": job.request.shape.nodes, "billing": cpus, "gres/gpu": job.gpus}
    if gpu_type:
        amounts[f"gres/gpu:{gpu_type}"] = job.gpus
    return {tres: amount * ran_s for tres, amount in amounts.items()} if ran_s else {}
