"""Settings of the simulator: `SLURMFLEET_SIMULATOR_*`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from slurmfleet.runtime.places import default_data_dir


class SimulatorSettings(BaseSettings):
    """What to simulate, how fast, and where its files are."""

    model_config = SettingsConfigDict(env_prefix="SLURMFLEET_SIMULATOR_", extra="ignore")

    data_dir: Path = Field(
        default_factory=lambda: default_data_dir() / "simulator",
        description="Homes, keys and simulator.json.",
    )
    clusters: str = Field(
        default="demo-h100,demo-a100", description="Names; the end of each names its GPU type."
    )
    users: str = Field(
        default="ada,ben,chloe,dmitri,emi,farid",
        description="Login names; the first is the one that the deck logs in as.",
    )
    tracked: int = Field(default=3, ge=1, description="How many of the users are one's own team.")
    host: str = Field(default="127.0.0.1", description="Where the SSH servers listen.")
    port: int = Field(
        default=0,
        ge=0,
        le=65_000,
        description="First cluster's SSH port, the others follow; 0: as last time, or free ones.",
    )
    seed: int = Field(default=1, description="What makes the history.")
    time_scale: float = Field(
        default=1.0, ge=0, description="Simulated seconds in a real one; 0: moved by hand."
    )
    speed: float = Field(
        default=12.0, gt=0, description="How many times shorter jobs last than real ones."
    )
    gpu_nodes: int = Field(default=16, ge=1, le=9999, description="GPU nodes of each cluster.")
    failure_scale: float = Field(
        default=1.0, ge=0, description="How long programs wait for a dead daemon, against Slurm."
    )
    history_s: int = Field(
        default=2 * 86_400, ge=3600, description="How long finished jobs are remembered."
    )
    populate: bool = Field(default=True, description="Whether people submit by themselves.")

    @property
    def cluster_names(self) -> tuple[str, ...]:
        """The clusters' names."""
        return _words(self.clusters)

    @property
    def user_names(self) -> tuple[str, ...]:
        """The users' names."""
        return _words(self.users)

    @property
    def tracked_users(self) -> tuple[str, ...]:
        """The users of one's own team."""
        return self.user_names[: self.tracked]

    @property
    def operators(self) -> tuple[str, ...]:
        """Who may act on everybody's jobs: the last user, where there are others than the team."""
        return self.user_names[self.tracked :][-1:]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
