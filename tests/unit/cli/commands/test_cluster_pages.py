"""How clusters look on a terminal, and what is said of those in trouble."""

from pydantic import JsonValue
from rich.console import Console

from slurmfleet.cli.answers import ClusterAnswer
from slurmfleet.cli.commands.cluster_pages import clusters_page, trouble
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.ssh.errors import SshNoMasterError
from slurmfleet.ssh.target import Endpoint


def _cluster(**more: JsonValue) -> dict[str, JsonValue]:
    jobs: dict[str, JsonValue] = {"RUNNING": 3, "PENDING": 1}
    return {
        "name": "alpha",
        "host": "login.alpha",
        "link": "ok",
        "age_s": 4,
        "live_jobs": jobs,
        "slurm_version": "24.11.5",
        **more,
    }


def _shown(*clusters: dict[str, JsonValue]) -> list[str]:
    items: list[JsonValue] = [*clusters]
    console = Console(width=100, force_terminal=False)
    with console.capture() as capture:
        console.print(clusters_page({"items": items}))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_clusters_show_link_jobs_and_age():
    assert _shown(_cluster(), _cluster(name="demo", simulated=True, link=None, age_s=None)) == [
        "CLUSTER           HOST         LINK     RUNNING  PENDING  SLURM    SEEN",
        "alpha             login.alpha  ok             3        1  24.11.5  4 s ago",
        "demo (simulated)  login.alpha  not yet        3        1  24.11.5  never",
    ]


def test_a_latched_denial_says_that_nothing_is_tried_and_what_mends_it():
    denied = ClusterAnswer(name="a", host="h", link="auth_denied", error="no key fits")

    assert trouble(denied) == (
        "login denied, not tried again until you act: no key fits "
        "(mend the key, then: slurmfleet cluster test a)"
    )


def test_a_master_that_is_not_open_shows_the_command_that_opens_it():
    error = str(
        SshNoMasterError(
            Endpoint(cluster=ClusterName("alpha"), host="login.alpha"),
            "no socket",
            command="ssh -M -N -f login.alpha",
        )
    )

    shown = _shown(_cluster(link="no_master", error=error, stale=True, age_s=60))

    assert shown[1].split()[2] == "no_master"
    assert "`ssh -M -N -f login.alpha`" in " ".join(shown[2:])


def test_staleness_is_told_below_the_table():
    late = _cluster(stale=True, stale_reason="not looked at for 9 min", age_s=540)

    shown = _shown(late)

    assert shown[1].endswith("9 min ago, stale")
    assert shown[2] == "alpha: not looked at for 9 min"


def test_a_site_without_accounting_says_so_below_the_table():
    shown = _shown(_cluster(accounting_error="This cluster keeps no accounting database."))

    assert shown[2:] == ["alpha: accounting: This cluster keeps no accounting database."]


def test_no_cluster_tells_how_to_add_one():
    assert _shown() == ["No cluster is configured: slurmfleet cluster add NAME --host LOGIN_NODE"]
