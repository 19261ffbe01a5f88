"""Which API a client command speaks to."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slurmfleet.cli.settings import CliSettings
from slurmfleet.cli.stack.layout import Layout
from slurmfleet.cli.stack.record import read_record
from slurmfleet.contracts.agents import CLI_AGENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The API as this command will address it."""

    url: str
    """Without a slash at its end."""

    token: str
    found_by: str
    """Why this address, for the message when nothing answers there."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Give the headers that every request carries."""
        who = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"User-Agent": CLI_AGENT, **who}


def find_door(url: str | None, settings: CliSettings, data_dir: Path | None = None) -> Door:
    """Find the API: option, environment, running stack, default port; in that order."""
    token = settings.api_token.get_secret_value()
    if url:
        return Door(url=_base(url), token=token, found_by="--url")
    if settings.url:
        return Door(url=_base(settings.url), token=token, found_by="SLURMFLEET_URL")
    record = read_record(Layout(data_dir or settings.data_dir))
    if record is not None and record.urls.get("api"):
        return Door(url=record.urls["api"], token=token, found_by="the running stack")
    return Door(url=f"http://127.0.0.1:{settings.api_port}", token=token, found_by="the default")


def _base(url: str) -> str:
    with_scheme = url if "://" in url else f"http://{url}"
    return with_scheme.rstrip("/")
