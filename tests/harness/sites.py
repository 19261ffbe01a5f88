"""Clusters that the suites run on: real ones of the testbed, and simulated ones.

A site is used as a person uses a cluster: by logging in with OpenSSH and typing Slurm's commands.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.harness.stack import ROOT

TESTBED = ROOT / "deploy" / "testbed"
ROOT_SETTING, PORTS_SETTING = "SLURMFLEET_TESTBED_ROOT", "SLURMFLEET_TESTBED_PORTS"
SHARED_ROOT = Path(os.environ.get(ROOT_SETTING, "/tmp/slurmfleet-testbed"))  # noqa: S108
FAST = {"poll_interval_s": 1.0, "hot_interval_s": 0.5, "rpcs_per_minute": 0}


class Site(Protocol):
    """One cluster with a user on it."""

    name: str

    @property
    def cpu_partition(self) -> str: ...

    @property
    def gpu_partition(self) -> str: ...

    @property
    def config(self) -> Mapping[str, object]: ...

    def run(self, command: str) -> str:
        """Run a command on the login node as the user; give what it printed."""
        ...

    def administer(self, command: str) -> str:
        """Run a command on the login node as an administrator of Slurm."""
        ...

    def time_out(self, job_id: str) -> None:
        """See to it that a running job reaches its time limit soon."""
        ...

    def stop_controller(self) -> None: ...

    def start_controller(self) -> None: ...


def submit(site: Site, *arguments: str, runs_s: float = 0, exits: int = 0) -> str:
    """Submit a job that sleeps and exits; give its id."""
    quoted = " ".join(f"'{one}'" for one in arguments)
    told = f"--comment 'sim:runtime={runs_s:g},exit={exits}'"
    body = f"--wrap 'sleep {runs_s:g}; exit {exits}'"
    partition = f"-p {site.cpu_partition}"
    return site.run(f"sbatch --parsable {partition} {told} {quoted} {body}").split(";")[0].strip()


def _ssh(arguments: list[str], command: str) -> str:
    done = subprocess.run(
        ["ssh", "-o", "BatchMode=yes", *arguments, command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout} {done.stderr}"
    return done.stdout


@dataclass(kw_only=True)
class RealSite:
    """One cluster of the testbed."""

    name: str
    about: Mapping[str, Any]
    user: str = "alice"

    @property
    def cpu_partition(self) -> str:
        return self.about["cpu_partition"]

    @property
    def gpu_partition(self) -> str:
        return self.about["gpu_partition"]

    @property
    def config(self) -> Mapping[str, object]:
        return {
            "name": self.name,
            "host": self.about["host"],
            "port": self.about["port"],
            "user": self.user,
            "key_files": [self.about["users"][self.user]["key"]],
            "host_keys": [self.about["host_key"]],
            **FAST,
        }

    def run(self, command: str) -> str:
        return self._as(self.user, command)

    def administer(self, command: str) -> str:
        return self._as("dave", command)

    def time_out(self, job_id: str) -> None:
        self._as("dave", f"scontrol update jobid={job_id} endtime=now+5")

    def stop_controller(self) -> None:
        self._control("stop")

    def start_controller(self) -> None:
        self._control("start")

    def _as(self, user: str, command: str) -> str:
        return _ssh(["-F", str(TESTBED_ROOT / "ssh_config"), f"{self.name}-{user}"], command)

    def _control(self, verb: str) -> None:
        subprocess.run([TESTBED / "ctl.sh", verb, f"{self.name}-slurmctld"], check=True, timeout=60)


def _running(root: Path) -> set[str]:
    """Give the clusters whose login nodes answer; the testbed's files stay when it is stopped."""
    up: set[str] = set()
    with suppress(OSError):
        about = json.loads((root / "testbed.json").read_text())
        for name, cluster in about["clusters"].items():
            with suppress(OSError):
                socket.create_connection((cluster["host"], cluster["port"]), timeout=1).close()
                up.add(name)
    return up


def _testbed_root() -> Path:
    """Give the testbed's folder; processes that test side by side have one each.

    One that somebody has started is shared: each cluster is one process's alone
    (tests/conftest.py). The settings are for the testbed's scripts, which we start.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker or _running(SHARED_ROOT):
        return SHARED_ROOT
    number = int(worker.removeprefix("gw")) + 1
    root = SHARED_ROOT.with_name(f"{SHARED_ROOT.name}-{number}")
    ports = int(os.environ.get(PORTS_SETTING, "0")) + number * 1_000
    os.environ.update({ROOT_SETTING: str(root), PORTS_SETTING: str(ports)})
    return root


TESTBED_ROOT = _testbed_root()


def no_real_slurm() -> str:
    """Say why there can be no real cluster here; empty where there can."""
    if os.geteuid() == 0 and Path("/usr/sbin/slurmctld").exists():
        return ""
    return "no real Slurm here: run `make testbed` as root on Debian or Ubuntu"


def installed_clusters() -> tuple[str, ...]:
    """Give the real clusters whose Slurm is installed here."""
    script = '. "$1"; for c in $ALL_CLUSTERS; do cluster_settings $c; ! installed || echo $c; done'
    told = subprocess.run(
        ["bash", "-c", script, "bash", TESTBED / "settings.sh"],
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return tuple(told.stdout.split())


@contextmanager
def real_sites(names: Iterable[str]) -> Iterator[dict[str, RealSite]]:
    """Bring clusters up, beside those that run and stay; skip where no Slurm is installed."""
    if why := no_real_slurm():
        pytest.skip(why)
    found = _running(TESTBED_ROOT)
    if missing := sorted(set(names) - found):
        told = subprocess.run(
            [TESTBED / "up.sh", "--add", *missing],
            check=False,
            timeout=240,
            capture_output=True,
            text=True,
        )
        if told.returncode:
            raise RuntimeError(f"the testbed did not come up:\n{told.stdout}{told.stderr}")
    about = json.loads((TESTBED_ROOT / "testbed.json").read_text())
    try:
        yield {
            name: RealSite(name=name, about=cluster) for name, cluster in about["clusters"].items()
        }
    finally:
        if not found:
            subprocess.run([TESTBED / "down.sh"], check=True, timeout=120, capture_output=True)


class SitesOnDemand(dict[str, RealSite]):
    """Real clusters, each brought up when it is first asked for and kept until `stop`."""

    def __init__(self) -> None:
        super().__init__()
        self._up = ExitStack()

    def __missing__(self, name: str) -> RealSite:
        self[name] = self._up.enter_context(real_sites([name]))[name]
        return self[name]

    def stop(self) -> None:
        self._up.close()


@dataclass(kw_only=True)
class SimulatedSite:
    """One simulated cluster, with time that passes fast or stands still."""

    name: str
    about: Mapping[str, Any]
    control_path: Path

    @property
    def cpu_partition(self) -> str:
        return "cpu"

    @property
    def gpu_partition(self) -> str:
        return "batch"

    @property
    def config(self) -> Mapping[str, object]:
        return {
            "name": self.name,
            "host": self.about["host"],
            "port": self.about["port"],
            "user": self.about["user"],
            "key_files": [self.about["key_file"]],
            "host_keys": [self.about["known_hosts"]],
            **FAST,
        }

    def run(self, command: str) -> str:
        return self._as(self.about["user"], command)

    def administer(self, command: str) -> str:
        return self._as(self.about["operator"], command)

    def _as(self, user: str, command: str) -> str:
        about = self.about
        known = self.control_path.parent / "known_hosts.test"
        known.write_text(f"{about['known_hosts']}\n")
        arguments = ["-p", str(about["port"]), "-i", about["key_file"], "-l", user]
        arguments += ["-o", f"UserKnownHostsFile={known}", "-o", "IdentitiesOnly=yes"]
        return _ssh([*arguments, about["host"]], command)

    def time_out(self, job_id: str) -> None:
        """Nothing to do: the limit of a minute passes soon in simulated time."""

    def stop_controller(self) -> None:
        self.control("controller", health="down", slow_s=0.0)

    def start_controller(self) -> None:
        self.control("controller", health="up", slow_s=0.0)

    def control(self, do: str, **values: object) -> Any:  # noqa: ANN401 JSON
        from services.simulator.control import ControlClient

        return asyncio.run(ControlClient(self.control_path).ask(do, self.name, **values))


@contextmanager
def simulated_sites(
    data_dir: Path,
    *,
    names: str = "sim-h100",
    time_scale: float = 3,
    populate: bool = False,
    speed: float = 12,
    seed: int = 1,
) -> Iterator[dict[str, SimulatedSite]]:
    """Run the simulator as its own process while the body runs."""
    data_dir.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONSAFEPATH": "1",
        "SLURMFLEET_SIMULATOR_DATA_DIR": str(data_dir),
        "SLURMFLEET_SIMULATOR_CLUSTERS": names,
        "SLURMFLEET_SIMULATOR_TIME_SCALE": f"{time_scale:g}",
        "SLURMFLEET_SIMULATOR_POPULATE": str(populate).lower(),
        "SLURMFLEET_SIMULATOR_SPEED": f"{speed:g}",
        "SLURMFLEET_SIMULATOR_SEED": str(seed),
        "SLURMFLEET_SIMULATOR_FAILURE_SCALE": "0.05",
        "SLURMFLEET_HEALTH_PORT": "0",
    }
    with (data_dir / "simulator.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.simulator"],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            told = _wait_for(data_dir / "simulator.json", process)
            yield {
                name: SimulatedSite(name=name, about=one, control_path=Path(told["control"]))
                for name, one in told["clusters"].items()
            }
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            finally:
                process.kill()
                process.wait()


def _wait_for(path: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        if path.exists():
            return json.loads(path.read_text())
        time.sleep(0.05)
    said = (path.parent / "simulator.log").read_text(errors="replace")
    raise AssertionError(f"the simulator did not start:\n{said}")
