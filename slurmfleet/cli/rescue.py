"""What goes wrong with backups, in the words and exit codes of the command line."""

from collections.abc import Generator
from contextlib import contextmanager

from slurmfleet.backup.errors import BackupError, ShelfBusyError
from slurmfleet.backup.restoring import NotEmptyPlaceError
from slurmfleet.bus.errors import BusError
from slurmfleet.cli.errors import CliError, FailedError, RefusedError, UnreachableError
from slurmfleet.runtime.errors import leaves
from slurmfleet.store.copying import NotEmptyError, UnknownSchemaError
from slurmfleet.store.errors import StoreError, StoreUnavailableError

_KNOWN = (BackupError, StoreError, BusError)


@contextmanager
def backup_problems() -> Generator[None]:
    """Turn errors of backup, store and bus into errors of the command line.

    Raises:
        CliError: In every kind of its tree.
    """
    try:
        yield
    except _KNOWN as exc:
        raise _as_cli_error(exc) from exc
    except BaseExceptionGroup as group:
        known = next((one for one in leaves(group) if isinstance(one, _KNOWN)), None)
        if known is None:
            raise
        raise _as_cli_error(known) from group


def _as_cli_error(error: BaseException) -> CliError:
    match error:
        case ShelfBusyError() | NotEmptyPlaceError():
            return RefusedError(error.detail, remedy=error.remedy)
        case BackupError():
            return FailedError(error.detail, remedy=error.remedy)
        case StoreError():
            return _of_store(error)
        case _:
            return UnreachableError(f"The bus cannot be reached: {error}.")


def _of_store(error: StoreError) -> CliError:
    sentence = f"{error.reason[:1].upper()}{error.reason[1:]}."
    match error:
        case NotEmptyError():
            remedy = "Restore into a new database; nothing was changed."
            return RefusedError(sentence, remedy=remedy)
        case UnknownSchemaError():
            return FailedError(sentence)
        case StoreUnavailableError():
            return UnreachableError(
                f"The database cannot be reached: {error}.", remedy="Check the address."
            )
        case _:
            return FailedError(f"The database refused: {error}.")
