"""`slurmfleet backup` and `slurmfleet restore`."""

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from pydantic import JsonValue
from rich.text import Text

from slurmfleet.backup.manifest import Manifest
from slurmfleet.backup.restoring import check_backup, restore_backup
from slurmfleet.backup.shelf import Shelf
from slurmfleet.backup.taking import CATCH_UP_S, Step, Taken, take_backup
from slurmfleet.cli.ages import age_text
from slurmfleet.cli.errors import FailedError, NotFoundError
from slurmfleet.cli.options import AsJson, DataDir
from slurmfleet.cli.output import Column, Output, table
from slurmfleet.cli.progress import bar
from slurmfleet.cli.rescue import backup_problems
from slurmfleet.cli.settings import CliSettings
from slurmfleet.cli.sizes import size_text
from slurmfleet.cli.stack.backups import Rota, back_up_again_and_again, rota_of
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.places import Place, addressed_place, empty_place, stack_place
from slurmfleet.cli.stack.trouble import record_trouble
from slurmfleet.runtime.settings import SharedSettings
from slurmfleet.telemetry.logs import configure_logs
from slurmfleet.timing.clock import SystemClock

app = typer.Typer(help="Backups of the store and the registry.", invoke_without_command=True)

To = Annotated[
    Path | None,
    typer.Option("--to", help="Folder of the backups (SLURMFLEET_BACKUP_DIR).", metavar="DIR"),
]
Dsn = Annotated[
    str,
    typer.Option(
        help="Owner's address of the database, where it is not the stack's here;"
        " default: SLURMFLEET_STORE_DSN. SLURMFLEET_BUS_URL then names the bus."
    ),
]


@app.callback()
def backup(
    context: typer.Context,
    *,
    to: To = None,
    keep: Annotated[
        int | None,
        typer.Option(min=1, help="How many backups stay there (SLURMFLEET_BACKUP_KEEP)."),
    ] = None,
    repeat: Annotated[
        bool,
        typer.Option(
            "--repeat", help="Go on for ever, one each SLURMFLEET_BACKUP_EVERY_H; for containers."
        ),
    ] = False,
    dsn: Dsn = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write store and registry to one file, read it again, and remove the oldest ones.

    The stack may run meanwhile, and need not.
    """
    if context.invoked_subcommand is not None:
        return
    settings = CliSettings()
    output, layout = Output(as_json=as_json), _layout(settings, data_dir)
    rota = rota_of(settings, layout, to=to, keep=keep)
    if repeat and not rota.every_h:
        raise typer.BadParameter("SLURMFLEET_BACKUP_EVERY_H is 0: nothing would ever be due.")
    _quieten()
    address = dsn or settings.store_dsn.get_secret_value()

    async def take() -> None:
        with backup_problems():
            _tell(output, await _take(output, _place(address, layout), rota))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if repeat:
            runner.run(
                back_up_again_and_again(rota, take, clock=SystemClock(), on_failure=output.say)
            )
        else:
            runner.run(take())
            record_trouble(layout, "")


@app.command("list")
def list_backups(
    *,
    to: To = None,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh", help="Exit with 1 unless the newest is younger than two intervals."
        ),
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the backups, newest first."""
    settings = CliSettings()
    rota = rota_of(settings, _layout(settings, data_dir), to=to)
    _show_backups(Output(as_json=as_json), rota.shelf)
    if fresh and not rota.is_fresh(SystemClock().now()):
        raise FailedError(
            f"No backup of the last {2 * rota.every_h:g} h lies in {rota.shelf.folder}.",
            remedy="`slurmfleet backup` takes one and says what is wrong.",
        )


def _show_backups(output: Output, shelf: Shelf) -> None:
    found, as_json = shelf.backups(), output.as_json
    if as_json:
        output.json(
            [
                {
                    "file": str(one.file),
                    "taken_at": one.taken_at.isoformat(),
                    "size_bytes": one.size_bytes,
                }
                for one in found
            ]
        )
        return
    if not found:
        output.say(f"There is no backup in {shelf.folder}.")
        return
    now = SystemClock().now()
    columns = (
        Column("TAKEN"),
        Column("AGE", right=True),
        Column("SIZE", right=True),
        Column("FILE"),
    )
    rows = [
        (
            f"{one.taken_at:%Y-%m-%d %H:%M:%S} UTC",
            age_text((now - one.taken_at).total_seconds()),
            size_text(one.size_bytes),
            str(one.file),
        )
        for one in found
    ]
    output.show(table(columns, rows))


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    *,
    dsn: Dsn = "",
    data_dir: DataDir = None,
    check_only: Annotated[
        bool, typer.Option("--check", help="Read and check the file; change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a backup back into an empty place: a new data directory, or a new database and bus."""
    if not file.is_file():
        raise NotFoundError(
            f"There is no file {file}.", remedy="`slurmfleet backup list` shows those there are."
        )
    settings = CliSettings()
    output, layout = Output(as_json=as_json), _layout(settings, data_dir)
    _quieten()
    address = dsn or settings.store_dsn.get_secret_value()
    with backup_problems(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if check_only:
            with bar(output, "checking") as show:
                manifest = check_backup(file, lambda step: show(step.what, step.done, step.total))
        else:
            manifest = runner.run(_restore(output, file, address, layout))
    _tell_restored(output, file, manifest, "is sound" if check_only else "is restored")
    if not check_only and not address:
        output.say(f"Start it: slurmfleet up --data-dir {layout.data_dir}")


async def _take(output: Output, place: AbstractAsyncContextManager[Place], rota: Rota) -> Taken:
    with bar(output, "backing up") as show:

        def tell(step: Step) -> None:
            show(step.what, step.done, step.total)

        async with place as there:
            return await take_backup(
                dsn=there.dsn,
                bus=there.bus,
                shelf=rota.shelf,
                keep=rota.keep,
                clock=SystemClock(),
                on_progress=tell,
                catch_up_s=CATCH_UP_S if there.has_projector else 0.0,
            )


async def _restore(output: Output, file: Path, address: str, layout: Layout) -> Manifest:
    clock = SystemClock()
    with bar(output, "restoring") as show:

        def tell(step: Step) -> None:
            show(step.what, step.done, step.total)

        check_backup(file, tell)
        place = (
            addressed_place(address, SharedSettings(), clock)
            if address
            else empty_place(layout, clock)
        )
        async with place as there:
            return await restore_backup(file, dsn=there.dsn, bus=there.bus, on_progress=tell)


def _quieten() -> None:
    """Let libraries tell trouble alone: standard output carries the result."""
    configure_logs("backup", level="error")


def _place(address: str, layout: Layout) -> AbstractAsyncContextManager[Place]:
    clock = SystemClock()
    if address:
        return addressed_place(address, SharedSettings(), clock)
    return stack_place(layout, clock)


def _layout(settings: CliSettings, data_dir: Path | None) -> Layout:
    return Layout((data_dir or settings.data_dir).expanduser().absolute())


def _tell(output: Output, taken: Taken) -> None:
    manifest = taken.manifest
    if output.as_json:
        output.json_line(
            {
                "file": str(taken.file),
                "size_bytes": taken.size_bytes,
                "removed": [str(path) for path in taken.removed],
                **_document(manifest),
            }
        )
        return
    output.show(Text(str(taken.file)))
    output.say(_summary(manifest, size_text(taken.size_bytes)))
    if manifest.waiting_messages:
        output.say(
            f"{manifest.waiting_messages} messages of the stream were not yet in the tables and"
            " are not in it."
        )
    if taken.removed:
        output.say(f"Removed {len(taken.removed)} older.")


def _tell_restored(output: Output, file: Path, manifest: Manifest, how: str) -> None:
    if output.as_json:
        output.json({"file": str(file), **_document(manifest)})
        return
    output.show(Text(f"{file} {how}."))
    output.say(_summary(manifest, size_text(file.stat().st_size)))


def _summary(manifest: Manifest, size: str) -> str:
    return (
        f"{size}, {manifest.rows:,} rows of {len(manifest.tables)} tables,"
        f" {manifest.registry.keys} registry entries, schema {manifest.schema_version},"
        f" taken {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC from the {manifest.edition} edition."
    )


def _document(manifest: Manifest) -> dict[str, JsonValue]:
    return {
        "taken_at": manifest.taken_at.isoformat(),
        "slurmfleet_version": manifest.slurmfleet_version,
        "schema_version": manifest.schema_version,
        "edition": manifest.edition,
        "rows": {table.name: table.rows for table in manifest.tables},
        "registry_keys": manifest.registry.keys,
        "waiting_messages": manifest.waiting_messages,
    }
