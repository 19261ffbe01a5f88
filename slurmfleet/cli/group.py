"""The root of the command line: every error ends here, as one sentence and an exit code."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import Abort, TyperException
from typer.main import get_group

from slurmfleet.cli.errors import (
    AnsweredError,
    CliError,
    ExitCode,
    FailedError,
    NotAvailableYetError,
    RefusedError,
)
from slurmfleet.cli.output import write_error
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.runtime.errors import ProcessError, leaves

NOT_YET = frozenset({"runs", "where", "why", "idle", "kernel", "logbook"})
"""Commands that are promised and not built; they answer, and `--help` does not list them."""

_FORESEEN = (CliError, ProblemError, ProcessError, TyperException, Abort)


@dataclass(frozen=True, slots=True)
class Word:
    """Where one word of the command line lives."""

    module: str
    """Below `slurmfleet.cli.commands`."""

    attribute: str
    """A function, or a Typer with words of its own."""

    panel: str
    """Under which `--help` lists it."""


class RootGroup(TyperGroup):
    """Finds commands when they are used, and turns every error into an exit code."""

    words: ClassVar[Mapping[str, Word]] = {}

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 the signature is typer's
        """Name the commands, in the order of `words`."""
        return list(self.words)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 the signature is typer's
        """Give the command, or one that says that it is not available yet."""
        found = super().get_command(ctx, cmd_name)
        if found is None and (word := self.words.get(cmd_name)) is not None:
            found = self.commands[cmd_name] = _loaded(cmd_name, word)
        return _not_yet(cmd_name) if found is None and cmd_name in NOT_YET else found

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 typer's signature
        """Find the command of a line; for one that there is not, the nearest are named."""
        if args and args[0] not in self.words:
            for name in self.words:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 the signature is typer's
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002 the signature is typer's
        **extra: Any,  # noqa: ANN401 the signature is typer's
    ) -> Any:  # noqa: ANN401 the signature is typer's
        """Run the command line; in standalone mode this exits."""
        given = list(sys.argv[1:] if args is None else args)
        try:
            ended = super().main(
                args=given,
                prog_name=prog_name,
                complete_var=complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
            status = ended if isinstance(ended, int) else ExitCode.OK
        except* _FORESEEN as group:
            status = write_error(_as_cli_error(_first(group)), as_json="--json" in given)
        if standalone_mode:
            sys.exit(int(status))
        return int(status)


def _loaded(name: str, word: Word) -> Any:  # noqa: ANN401 typer names no type of its commands
    """Import a command and make it what typer calls one."""
    found = getattr(import_module(f"slurmfleet.cli.commands.{word.module}"), word.attribute)
    holder = typer.Typer(add_completion=False)
    holder.callback()(_root)
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name, rich_help_panel=word.panel)
    else:
        holder.command(name, rich_help_panel=word.panel)(found)
    return get_group(holder).commands[name]


def _root() -> None:
    """Stand for the words before a command."""


def _not_yet(name: str) -> TyperCommand:
    def refuse(**_: object) -> None:
        raise NotAvailableYetError(f"`slurmfleet {name}`")

    return TyperCommand(
        name,
        callback=refuse,
        hidden=True,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Give the first exception inside nested groups."""
    return next(leaves(group))


def _as_cli_error(error: BaseException) -> CliError:
    match error:
        case CliError():
            return error
        case ProblemError():
            return AnsweredError(error.detail, code=error.code, remedy=error.remedy)
        case TyperException():
            return _UsageError(error)
        case Abort():
            return RefusedError("Stopped before anything was changed.")
        case _:
            return FailedError(str(error))


class _UsageError(CliError):
    """The command line itself is wrong."""

    exit_code = ExitCode.USAGE

    def __init__(self, error: TyperException) -> None:
        super().__init__(
            error.format_message(),
            remedy="`slurmfleet COMMAND --help` shows what a command takes.",
            code=ProblemCode.INVALID_PARAMETER,
        )
