"""A real Prometheus, and an exporter in the test process that it scrapes."""

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SCRAPE_S = 1

Told = tuple[str, Mapping[str, str], float]


@dataclass
class Exporter:
    """Prints what it was told to, as an exporter does."""

    port: int = 0
    lines: list[str] = field(default_factory=list)

    def says(self, *series: Told) -> None:
        self.lines = [
            f"{name}{{{','.join(f'{k}={json.dumps(v)}' for k, v in labels.items())}}} {value!r}"
            for name, labels, value in series
        ]


@dataclass
class Server:
    """A Prometheus of the distribution, which scrapes the exporter every second."""

    folder: Path
    exporter: Exporter
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = self.folder / "prometheus.yml"
        config.write_text(
            f"global: {{scrape_interval: {SCRAPE_S}s, scrape_timeout: {SCRAPE_S}s}}\n"
            "scrape_configs:\n"
            "- job_name: gpu\n  honor_labels: true\n"
            f"  static_configs: [{{targets: ['127.0.0.1:{self.exporter.port}']}}]\n"
        )
        self.process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={self.folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--log.level=error",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.until("it is ready", lambda: self._get("/-/ready") is not None)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)

    def _get(self, path: str) -> bytes | None:
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=5) as answer:  # noqa: S310
                return answer.read()
        except (urllib.error.URLError, OSError):
            return None

    def values(self, query: str) -> list[float]:
        said = self._get(f"/api/v1/query?query={urllib.parse.quote(query)}")
        result = json.loads(said)["data"]["result"] if said else []
        return [float(one["value"][1]) for one in result]

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < deadline, f"not so: {what}"
            time.sleep(0.2)

    def has(self, query: str, count: int = 1, at_least: float = 2) -> None:
        """Wait until so many series of a metric were scraped some times."""
        self.until(
            f"{query} scraped",
            lambda: (
                len(counts := self.values(f"count_over_time({query}[60s])")) >= count
                and min(counts) >= at_least
            ),
        )
