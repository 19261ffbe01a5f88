"""How clusters look on a terminal."""

from pydantic import JsonValue
from rich.console import Group, RenderableType
from rich.text import Text

from slurmfleet.cli.ages import age_text, duration_text, moment_text
from slurmfleet.cli.answers import ClusterAnswer, ClusterList
from slurmfleet.cli.client import understood
from slurmfleet.cli.output import Column, pairs, table

_COLUMNS = (
    Column("CLUSTER"),
    Column("HOST", elastic=True),
    Column("LINK"),
    Column("RUNNING", right=True),
    Column("PENDING", right=True),
    Column("SLURM"),
    Column("SEEN"),
)
_LATCHED = "auth_denied"


def clusters_page(document: JsonValue) -> RenderableType:
    """Give a table of clusters, and below it what is wrong with each."""
    found = understood(document, ClusterList).items
    if not found:
        return Text("No cluster is configured: slurmfleet cluster add NAME --host LOGIN_NODE")
    wrong = [Text(f"{one.name}: {trouble(one)}", style="yellow") for one in found if trouble(one)]
    of_accounting = [
        Text(f"{one.name}: accounting: {one.accounting_error}")
        for one in found
        if one.accounting_error
    ]
    return Group(table(_COLUMNS, [_row(one) for one in found]), *wrong, *of_accounting)


def cluster_page(document: JsonValue) -> RenderableType:
    """Give one cluster in full."""
    return pairs(_details(understood(document, ClusterAnswer)))


def trouble(one: ClusterAnswer) -> str:
    """Say in one sentence what is wrong with a cluster; empty when all is well."""
    if one.link == _LATCHED:
        return (
            f"login denied, not tried again until you act: {one.error or 'no key was accepted'} "
            f"(mend the key, then: slurmfleet cluster test {one.name})"
        )
    return one.error or (one.stale_reason if one.stale else "")


def _row(one: ClusterAnswer) -> list[str | Text]:
    good = one.link == "ok" and not one.stale
    return [
        one.name + (" (simulated)" if one.simulated else ""),
        one.host,
        Text(one.link or "not yet", style="green" if good else "yellow"),
        str(one.live_jobs.get("RUNNING", 0)),
        str(one.live_jobs.get("PENDING", 0)),
        one.slurm_version,
        Text(age_text(one.age_s, stale=one.stale), style="" if good else "yellow"),
    ]


def _details(one: ClusterAnswer) -> list[tuple[str, str | Text]]:
    jobs = ", ".join(f"{count} {state}" for state, count in one.live_jobs.items() if count)
    return [
        ("cluster", one.name + (" (simulated)" if one.simulated else "")),
        ("login node", f"{one.user + '@' if one.user else ''}{one.host}:{one.port}"),
        ("link", one.link or "not reached yet"),
        ("error", Text(trouble(one), style="yellow")),
        ("accounting", one.accounting_error),
        ("failing since", moment_text(one.failing_since)),
        ("seen", age_text(one.age_s, stale=one.stale)),
        ("looks every", duration_text(one.interval_s) if one.interval_s else ""),
        ("Slurm", one.slurm_version),
        ("GPU type", one.gpu_type),
        ("follows users", ", ".join(one.track_users) or "the login user"),
        ("follows accounts", ", ".join(one.track_accounts)),
        ("jobs", jobs),
    ]
