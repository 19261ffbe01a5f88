"""Where things lie unless somebody says otherwise."""

from pathlib import Path


def default_data_dir() -> Path:
    """Give `~/.local/share/slurmfleet`, where the embedded stack keeps everything."""
    return Path.home() / ".local" / "share" / "slurmfleet"
