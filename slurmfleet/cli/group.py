"""The root of the command line: every error ends here, as one sentence and an exit code."""

import sys
from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup
from typer.exceptions import Abort, TyperException

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
from slurmfleet.runtime.errors import ProcessError
from slurmfleet.runtime.process import leaves

NOT_YET = frozenset({"runs", "where", "why", "idle", "kernel", "logbook"})
"""Commands that are promised and not built; they answer, and `--help` does not list them."""

_FORESEEN = (CliError, ProblemError, ProcessError, TyperException, Abort)


class RootGroup(TyperGroup):
    """Answers for commands that are not built yet, and turns every error into an exit code."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 the signature is typer's
        """Give the command, or one that says that it is not available yet."""
        found = super().get_command(ctx, cmd_name)
        return _not_yet(cmd_name) if found is None and cmd_name in NOT_YET else found

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
