"""Where the embedded stack keeps its files: one folder, readable by its owner alone."""

from dataclasses import dataclass
from pathlib import Path

from slurmfleet.cli.errors import FailedError

PRIVATE_DIR = 0o700
PRIVATE_FILE = 0o600


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths below one data directory."""

    data_dir: Path

    @property
    def run_dir(self) -> Path:
        """Hold what is true only while the stack runs."""
        return self.data_dir / "run"

    @property
    def lock_file(self) -> Path:
        """Held by the one supervisor of this data directory."""
        return self.run_dir / "lock"

    @property
    def record_file(self) -> Path:
        """Tell clients and the next supervisor what runs."""
        return self.run_dir / "stack.json"

    @property
    def log_dir(self) -> Path:
        """Hold one log per part."""
        return self.data_dir / "logs"

    @property
    def secrets_file(self) -> Path:
        """Hold the passwords of the database roles."""
        return self.data_dir / "secrets.json"

    @property
    def nats_dir(self) -> Path:
        """Hold the streams."""
        return self.data_dir / "nats"

    @property
    def collector_dir(self) -> Path:
        """Hold the collectors' state and outboxes."""
        return self.data_dir / "collector"

    @property
    def mount_dir(self) -> Path:
        """Hold the clusters' folders that people have mounted."""
        return self.data_dir / "mounts"

    @property
    def postgres_dir(self) -> Path:
        """Hold the database."""
        return self.data_dir / "postgres"

    @property
    def backup_dir(self) -> Path:
        """Hold the backups, unless another place is configured."""
        return self.data_dir / "backups"

    @property
    def backup_trouble_file(self) -> Path:
        """Tell why the last scheduled backup failed; absent when it did not."""
        return self.run_dir / "backup-trouble.json"

    @property
    def simulator_dir(self) -> Path:
        """Hold the demo clusters' keys and jobs."""
        return self.data_dir / "simulator"

    def log_file(self, part: str) -> Path:
        """Give the log of one part."""
        return self.log_dir / f"{part}.log"

    def create(self) -> None:
        """Make the folders.

        Raises:
            FailedError: They cannot be made here.
        """
        folders = (self.data_dir, self.run_dir, self.log_dir)
        try:
            self.data_dir.parent.mkdir(parents=True, exist_ok=True)
            for folder in folders:
                folder.mkdir(mode=PRIVATE_DIR, exist_ok=True)
            self.data_dir.chmod(PRIVATE_DIR)
        except OSError as exc:
            raise FailedError(
                f"The data directory {self.data_dir} cannot be made: {exc.strerror}.",
                remedy="Choose another with --data-dir or SLURMFLEET_DATA_DIR.",
            ) from exc
