"""`slurmfleet cluster …`: which clusters are watched, and how each is reached."""

from typing import Annotated

import typer
from pydantic import JsonValue
from rich.text import Text

from slurmfleet.cli.answers import ClusterList
from slurmfleet.cli.client import ApiClient, segment, understood
from slurmfleet.cli.commands.cluster_pages import cluster_page, clusters_page
from slurmfleet.cli.commands.reports import report_page
from slurmfleet.cli.errors import ExitCode, RefusedError
from slurmfleet.cli.options import AsJson, ClusterArgument, Url, Yes
from slurmfleet.cli.output import Output
from slurmfleet.cli.running import with_api
from slurmfleet.contracts.commands import ConnectionReport
from slurmfleet.contracts.registry import Transport
from slurmfleet.contracts.sample import Topic

app = typer.Typer(help="Which clusters are watched, and how each is reached.", no_args_is_help=True)

Many = list[str]
NONE: Many = []
TOPICS = tuple(str(topic) for topic in Topic if topic is not Topic.UNKNOWN)
Host = Annotated[str | None, typer.Option(help="Login node: a name or an address.")]
User = Annotated[str | None, typer.Option(help="Login name; default: yours.")]
Port = Annotated[int | None, typer.Option(min=1, max=65_535, help="SSH port; default 22.")]
Key = Annotated[Many, typer.Option(help="Private key file; default: agent and ~/.ssh.")]
Jump = Annotated[str | None, typer.Option(help=r"Server to go through: \[user@]host\[:port].")]
Via = Annotated[
    Transport | None,
    typer.Option(
        "--transport",
        help="Our own SSH (default), an open OpenSSH master, or local: this is the login node.",
    ),
]
ControlPath = Annotated[
    str | None, typer.Option(help="Socket of the master; default: what ssh_config says.")
]
GpuType = Annotated[str | None, typer.Option(help="As people call it: h100.")]
GpusPerNode = Annotated[int | None, typer.Option(min=0, max=1_024)]
Account = Annotated[str | None, typer.Option(help="Default account for submissions.")]
MountPath = Annotated[Many, typer.Option(help="Path to show; may be given more than once.")]
DataHost = Annotated[
    str | None, typer.Option(help="Machine for work on files, where scripts may run.")
]
AllowScripts = Annotated[
    bool | None,
    typer.Option(
        "--allow-scripts/--forbid-scripts",
        help="Whether operators may run scripts as our login; default: not.",
    ),
]
TrackUser = Annotated[Many, typer.Option(help="User whose jobs are followed; default: yours.")]
TrackAccount = Annotated[Many, typer.Option(help="Account whose jobs are followed.")]
Interval = Annotated[
    float | None, typer.Option("--poll-interval", min=0.2, max=3_600, help="Seconds between looks.")
]

Budget = Annotated[
    float | None,
    typer.Option(min=0, max=6_000, help="Requests its Slurm is sent at most; 0: no limit."),
]
SurveyEvery = Annotated[
    Many,
    typer.Option(
        "--survey",
        metavar="TOPIC=SECONDS",
        help=f"How often a topic is asked, 0 for never: {', '.join(TOPICS)}.",
    ),
]


@app.command()
def add(
    name: ClusterArgument,
    *,
    host: Annotated[str, typer.Option(help="Login node: a name or an address.")],
    user: User = None,
    port: Port = None,
    key: Key = NONE,
    jump: Jump = None,
    transport: Via = None,
    control_path: ControlPath = None,
    gpu_type: GpuType = None,
    gpus_per_node: GpusPerNode = None,
    account: Account = None,
    mount_path: MountPath = NONE,
    data_host: DataHost = None,
    allow_scripts: AllowScripts = None,
    track_user: TrackUser = NONE,
    track_account: TrackAccount = NONE,
    poll_interval_s: Interval = None,
    rpcs_per_minute: Budget = None,
    survey: SurveyEvery = NONE,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Add a cluster; its jobs appear within a minute."""
    fields = _fields(
        host=host,
        user=user,
        port=port,
        key_files=key,
        jump=jump,
        transport=transport,
        control_path=control_path,
        gpu_type=gpu_type,
        gpus_per_node=gpus_per_node,
        account=account,
        mount_paths=mount_path,
        data_host=data_host,
        allow_scripts=allow_scripts,
        track_users=track_user,
        track_accounts=track_account,
        poll_interval_s=poll_interval_s,
        rpcs_per_minute=rpcs_per_minute,
        survey_interval_s=_survey_intervals(survey),
    )
    output = Output(as_json=as_json)

    async def send(api: ApiClient) -> None:
        document = await api.send("POST", "/v1/clusters", {"name": name, **fields})
        if as_json:
            output.json(document)
            return
        output.show(Text(f"Added {name}."))
        output.say(f"Check it with `slurmfleet cluster test {name}`.")
        await _tell_of_demo(api, output)

    with_api(url, send)


@app.command()
def update(
    name: ClusterArgument,
    *,
    host: Host = None,
    user: User = None,
    port: Port = None,
    key: Key = NONE,
    jump: Jump = None,
    transport: Via = None,
    control_path: ControlPath = None,
    gpu_type: GpuType = None,
    gpus_per_node: GpusPerNode = None,
    account: Account = None,
    mount_path: MountPath = NONE,
    data_host: DataHost = None,
    allow_scripts: AllowScripts = None,
    track_user: TrackUser = NONE,
    track_account: TrackAccount = NONE,
    poll_interval_s: Interval = None,
    rpcs_per_minute: Budget = None,
    survey: SurveyEvery = NONE,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Change what is given; a list replaces the whole list."""
    fields = _fields(
        host=host,
        user=user,
        port=port,
        key_files=key,
        jump=jump,
        transport=transport,
        control_path=control_path,
        gpu_type=gpu_type,
        gpus_per_node=gpus_per_node,
        account=account,
        mount_paths=mount_path,
        data_host=data_host,
        allow_scripts=allow_scripts,
        track_users=track_user,
        track_accounts=track_account,
        poll_interval_s=poll_interval_s,
        rpcs_per_minute=rpcs_per_minute,
        survey_interval_s=_survey_intervals(survey),
    )
    if not fields:
        raise typer.BadParameter("Nothing to change: give at least one option.")
    output = Output(as_json=as_json)

    async def send(api: ApiClient) -> None:
        document = await api.send("PATCH", f"/v1/clusters/{segment(name)}", fields)
        if as_json:
            output.json(document)
        else:
            output.show(Text(f"Updated {name}: {', '.join(sorted(fields))}."))

    with_api(url, send)


@app.command("list")
def list_(*, as_json: AsJson = False, url: Url = None) -> None:
    """List the clusters, with the age of what is known of each."""
    output = Output(as_json=as_json)

    async def show(api: ApiClient) -> None:
        document = await api.get("/v1/clusters")
        if as_json:
            output.json(document)
        else:
            output.show(clusters_page(document))

    with_api(url, show)


@app.command()
def show(name: ClusterArgument, *, as_json: AsJson = False, url: Url = None) -> None:
    """Show one cluster in full."""
    output = Output(as_json=as_json)

    async def ask(api: ApiClient) -> None:
        document = await api.get(f"/v1/clusters/{segment(name)}")
        if as_json:
            output.json(document)
        else:
            output.show(cluster_page(document))

    with_api(url, ask)


@app.command()
def remove(
    name: ClusterArgument, *, yes: Yes = False, as_json: AsJson = False, url: Url = None
) -> None:
    """Stop watching a cluster; its history stays."""
    output = Output(as_json=as_json)

    async def send(api: ApiClient) -> None:
        await api.get(f"/v1/clusters/{segment(name)}")
        if not yes and not _agreed(f"Stop watching {name}? Its history stays.", output):
            raise RefusedError("Nothing was removed.", remedy="Say yes, or pass --yes.")
        await api.send("DELETE", f"/v1/clusters/{segment(name)}")
        if as_json:
            output.json({"removed": name})
        else:
            output.show(Text(f"Removed {name}."))

    with_api(url, send)


@app.command("test")
def probe(name: ClusterArgument, *, as_json: AsJson = False, url: Url = None) -> None:
    """Connect to a cluster afresh, step by step; lets go of a latched denial."""
    output = Output(as_json=as_json)

    async def ask(api: ApiClient) -> None:
        with output.waiting(f"connecting to {name}"):
            document = await api.send("POST", f"/v1/clusters/{segment(name)}/test")
        report = understood(document, ConnectionReport)
        if as_json:
            output.json(document)
        else:
            output.show(report_page(report))
        if not report.ok:
            raise typer.Exit(ExitCode.FAILED)

    with_api(url, ask)


def _survey_intervals(given: Many) -> dict[str, JsonValue]:
    """Read `capacity=60`; what is not said keeps its usual pace."""
    intervals: dict[str, JsonValue] = {}
    for one in given:
        topic, equals, seconds = one.partition("=")
        if topic not in TOPICS or not equals or not seconds.replace(".", "", 1).isdigit():
            raise typer.BadParameter(
                f"{one[:64]!r} is not TOPIC=SECONDS with one of {', '.join(TOPICS)}",
                param_hint="--survey",
            )
        intervals[topic] = float(seconds)
    return intervals


def _fields(**given: str | float | Many | dict[str, JsonValue] | None) -> dict[str, JsonValue]:
    """Give what the person said and nothing else."""
    return {
        field: [*value] if isinstance(value, list) else value
        for field, value in given.items()
        if value is not None and value not in ([], {})
    }


async def _tell_of_demo(api: ApiClient, output: Output) -> None:
    """After a first real cluster: say how the simulated ones go away."""
    found = understood(await api.get("/v1/clusters"), ClusterList).items
    simulated = [one.name for one in found if one.simulated]
    if simulated:
        output.say("The simulated clusters go away at the next `slurmfleet up`, or now:")
        for name in simulated:
            output.say(f"  slurmfleet cluster remove {name} --yes")


def _agreed(question: str, output: Output) -> bool:
    return not output.as_json and typer.confirm(question, err=True)
