"""What the last scheduled backup failed of, for `doctor`; a file, since both are processes."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.record import write_private
from slurmfleet.timing.clock import SystemClock


class Trouble(BaseModel):
    """Why there is no newer backup."""

    model_config = ConfigDict(frozen=True)

    failed_at: datetime
    error: str


def record_trouble(layout: Layout, error: str) -> None:
    """Remember an error; an empty one forgets the last."""
    file = layout.backup_trouble_file
    if not error:
        file.unlink(missing_ok=True)
    elif file.parent.is_dir():
        trouble = Trouble(failed_at=SystemClock().now(), error=error)
        write_private(file, trouble.model_dump_json() + "\n")


def read_trouble(layout: Layout) -> Trouble | None:
    """Give the error of the last backup; None where it went well, or none was tried."""
    try:
        return Trouble.model_validate_json(layout.backup_trouble_file.read_bytes())
    except (OSError, ValidationError):
        return None
