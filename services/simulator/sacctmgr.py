"""sacctmgr: associations and QOS with their limits; it only shows, and changes nothing.

Source: sacctmgr(1); recordings of Slurm 24.11.5.
"""

from collections.abc import Sequence

from services.simulator.calls import Answer, Call, Options, grammar, read_options, refused
from services.simulator.cluster import Cluster
from services.simulator.model import ClusterSpec, Qos
from services.simulator.sshare import accounts_of

GRAMMAR = grammar(
    flags="n,noheader P,parsable2 p,parsable r,readonly Q,quiet i,immediate V,version", valued=""
)
ASSOCIATION = (
    *("Cluster", "Account", "User", "Partition", "Share", "GrpJobs", "GrpTRES", "GrpSubmit"),
    *("GrpWall", "GrpTRESMins", "MaxJobs", "MaxTRES", "MaxTRESPerNode", "MaxSubmit", "MaxWall"),
    *("MaxTRESMins", "QOS", "Def QOS", "GrpTRESRunMins"),
)
QOS = (
    *("Name", "Priority", "GraceTime", "Preempt", "PreemptMode", "Flags", "UsageFactor"),
    *("GrpTRES", "GrpTRESMins", "GrpTRESRunMins", "GrpJobs", "GrpSubmit", "GrpWall", "MaxTRES"),
    *("MaxTRESPerNode", "MaxTRESMins", "MaxWall", "MaxTRESPU", "MaxJobsPU", "MaxSubmitPU"),
    *("MaxTRESPA", "MaxJobsPA", "MaxSubmitPA", "MinTRES"),
)
ALIASES = {"fairshare": "Share", "defaultqos": "Def QOS", "parentname": "ParentName"}
MORE = ("ParentName",)


def sacctmgr(cluster: Cluster, call: Call) -> Answer:
    """Answer one call of sacctmgr."""
    options = read_options("sacctmgr", call.argv, GRAMMAR)
    if "version" in options.flags:
        return Answer(stdout=f"slurm-wlm {cluster.spec.version}\n")
    match options.words:
        case ["show" | "list", noun, *words]:
            return _show(cluster, options, noun.lower(), words)
        case _:
            return refused(f"invalid keyword: {' '.join(options.words[:1])}")


def _show(cluster: Cluster, options: Options, noun: str, words: Sequence[str]) -> Answer:
    asked = dict(word.lower().split("=", 1) for word in words if "=" in word)
    if noun.startswith("assoc"):
        columns, rows = ASSOCIATION, _associations(cluster.spec, asked)
    elif noun == "qos":
        columns, rows = QOS, [_qos(one) for one in cluster.spec.qos]
    else:
        return refused("No valid entity in list command")
    known = {name.lower(): name for name in (*columns, *MORE)} | ALIASES
    wanted = asked.get("format", "").split(",") if "format" in asked else list(columns)
    unknown = next((name for name in wanted if name.lower() not in known), None)
    if unknown is not None:
        return refused(f"Unknown field '{unknown.lower()}'")
    names = [known[name.lower()] for name in wanted]
    lines = [[row.get(name, "") for name in names] for row in rows]
    if "noheader" not in options.flags:
        lines.insert(0, names)
    if options.flags & {"parsable2", "parsable"}:
        return Answer(stdout="".join("|".join(line) + "\n" for line in lines))
    return Answer(stdout="".join(" ".join(f"{text:>10}" for text in line) + "\n" for line in lines))


def _associations(spec: ClusterSpec, asked: dict[str, str]) -> list[dict[str, str]]:
    if asked.get("cluster", spec.name) != spec.name:
        return []
    every = ",".join(sorted(qos.name for qos in spec.qos))
    limits = dict(spec.account_gpu_limits)
    common = {"Cluster": spec.name, "Share": "1", "QOS": every}
    rows = [{**common, "Account": "root", "QOS": "normal"}]
    for account in accounts_of(spec):
        limit = f"gres/gpu={limits[account]}" if account in limits else ""
        rows.append({**common, "Account": account, "ParentName": "root", "GrpTRES": limit})
        rows += [
            {**common, "Account": account, "User": user.name}
            for user in spec.users
            if account in user.accounts
        ]
    if "user" not in asked:
        return rows
    names = set(asked["user"].split(",")) if asked["user"] else {""}
    return [row for row in rows if row.get("User", "") in names]


def _qos(qos: Qos) -> dict[str, str]:
    gpus, jobs = qos.max_gpus_per_user, qos.max_jobs_per_user
    return {
        "Name": qos.name,
        "Priority": str(max(0, qos.priority)),
        "GraceTime": "00:00:00",
        "Preempt": ",".join(qos.preempts),
        "PreemptMode": "cluster",
        "UsageFactor": "1.000000",
        "MaxTRESPU": "" if gpus is None else f"gres/gpu={gpus}",
        "MaxJobsPU": "" if jobs is None else str(jobs),
    }
