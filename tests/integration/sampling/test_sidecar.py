"""The sampler's script in real shells, and its files read with a real bash."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.collector.sampling.sidecar import FOLDER, SCRIPT, parse_tail
from slurmfleet.gpu.sidecar import NodeSample, parse_sample
from slurmfleet.slurm.step_commands import TAIL_BYTES, tail_section

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "sh"], ["ksh"]]
UUID = "GPU-aaaaaaaa-0000-4000-8000-000000000000"
NVIDIA_SMI = f"""#!/bin/sh
case "$*" in
*--query-gpu=*) echo "0, {UUID}, 81, 57351, 81559, 584.00, 51, NVIDIA H100 80GB HBM3" ;;
*-L*) echo "GPU 0: NVIDIA H100 80GB HBM3 (UUID: {UUID})" ;;
*) echo "a table" ;;
esac
"""
MIG_SMI = f"""#!/bin/sh
case "$*" in
*--query-gpu=*) echo "0, {UUID}, [N/A], 20, 40960, 60.00, 30, NVIDIA A100-SXM4-40GB" ;;
*-L*) printf 'GPU 0: NVIDIA A100-SXM4-40GB (UUID: {UUID})\\n'
      printf '  MIG 1g.5gb      Device  0: (UUID: MIG-one)\\n' ;;
*) echo '| GPU  GI  CI  MIG |                   Memory-Usage |'
   echo '|  0    7   0   0  |              14MiB /  4864MiB  | 14      0 |  1   0    0    0 |' ;;
esac
"""
LOST_SMI = """#!/bin/sh
echo "Unable to determine the device handle for GPU 0: GPU is lost."; exit 15
"""


@dataclass
class Node:
    """A compute node's shell in a job, with a home of its own."""

    home: Path
    processes: list[subprocess.Popen[bytes]]

    def has(self, nvidia_smi: str) -> None:
        programs = self.home / "bin"
        programs.mkdir(exist_ok=True)
        (programs / "nvidia-smi").write_text(nvidia_smi)
        (programs / "nvidia-smi").chmod(0o755)

    def environment(self, **more: str) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "PATH": f"{self.home / 'bin'}:{os.environ['PATH']}",
            "SLURM_JOB_ID": "41",
            "SLURMD_NODENAME": "hgx01",
            **more,
        }

    def start(self, *command: str, **more: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command, env=self.environment(**more), cwd=self.home, start_new_session=True
        )
        self.processes.append(process)
        return process

    @property
    def log(self) -> Path:
        return self.home / FOLDER / "41" / "hgx01.log"

    def samples(self) -> list[NodeSample]:
        text = self.log.read_text() if self.log.exists() else ""
        return [parse_sample(line) for line in text.splitlines()]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    running = Node(home=tmp_path, processes=[])
    yield running
    for process in running.processes:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def until(holds: Callable[[], object], within_s: float = 40) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it does not become so"
        time.sleep(0.1)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_every_posix_shell_writes_whole_samples(node: Node, shell: list[str]):
    if shutil.which(shell[0]) is None:
        pytest.skip(f"by design: {shell[0]} is one of several shells, and not here")
    node.has(NVIDIA_SMI)

    node.start(*shell, str(SCRIPT), "file", "1")
    until(lambda: len(node.samples()) >= 2)

    first, second = node.samples()[:2]
    assert (first.raw_job_id, first.node, first.every_s) == (41, "hgx01", 1)
    assert [(gpu.uuid, gpu.utilization_pct, gpu.power_w) for gpu in first.gpus] == [(UUID, 81, 584)]
    assert first.load_by in {"proc", "cgroup1", "cgroup2"}
    assert (first.load.memory_used_mib or 0) > 0
    assert (second.load.cpu_time_s or 0) >= (first.load.cpu_time_s or 0)
    assert second.epoch_s > first.epoch_s


def _cgroup(node: Node, own: str, files: dict[str, str]) -> dict[str, str]:
    """Lay out cgroups as a compute node has them; give the variables that lead there."""
    root = node.home / "cgroup"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (node.home / "own").write_text(own)
    return {
        "SLURMFLEET_CGROUP_DIR": str(root),
        "SLURMFLEET_CGROUP_FILE": str(node.home / "own"),
    }


@pytest.mark.parametrize(
    "job_group",
    [
        "system.slice/slurmstepd.scope/job_41",
        "system.slice/slurmstepd.scope/sCPDM8AEEGND00",
        "system.slice/hgx01_slurmstepd.scope/job_41",
    ],
)
def test_cgroups_of_version_2_are_read_whatever_names_the_job(node: Node, job_group: str):
    variables = _cgroup(
        node,
        f"0::/{job_group}/step_0/user/task_0\n",
        {
            f"{job_group}/cpu.stat": "usage_usec 2500000\nuser_usec 2000000\n",
            f"{job_group}/memory.stat": "anon 1048576\nfile 9999999\nshmem 2097152\n",
            f"{job_group}/memory.max": "max\n",
        },
    )

    node.start("sh", str(SCRIPT), "file", "1", **variables)
    until(lambda: len(node.samples()) >= 1)

    told = node.samples()[0]
    assert (told.load_by, told.load.cpu_time_s, told.load.memory_used_mib) == ("cgroup2", 2.5, 3)
    assert told.load.memory_limit_mib is None


def test_cgroups_of_version_1_are_read_too(node: Node):
    job_group = "slurm_hgx01/uid_2001/job_41"
    variables = _cgroup(
        node,
        f"5:memory:/{job_group}/step_0/task_0\n3:cpu,cpuacct:/{job_group}/step_0/task_0\n0::/\n",
        {
            f"cpuacct/{job_group}/cpuacct.usage": "2500000000\n",
            f"memory/{job_group}/memory.stat": "rss 5\ntotal_rss 1048576\ntotal_cache 7\n",
            f"memory/{job_group}/memory.limit_in_bytes": "67108864\n",
        },
    )

    node.start("sh", str(SCRIPT), "file", "1", **variables)
    until(lambda: len(node.samples()) >= 1)

    told = node.samples()[0]
    assert (told.load_by, told.load.cpu_time_s, told.load.memory_used_mib) == ("cgroup1", 2.5, 1)
    assert told.load.memory_limit_mib == 64


EATER = """
import time
memory = bytearray(b"a" * 60_000_000)
while True:  # a kernel may take back what nobody touches
    memory[::4096] = bytes(len(memory[::4096]))
    time.sleep(0.05)
"""


def test_only_the_jobs_own_processes_count(node: Node):
    node.start("sh", str(SCRIPT), "file", "1")
    node.start(sys.executable, "-c", EATER, SLURM_JOB_ID="411")
    until(lambda: len(node.samples()) >= 2)
    without = node.samples()[-1].load.memory_used_mib or 0

    node.start(sys.executable, "-c", EATER)
    until(lambda: (node.samples()[-1].load.memory_used_mib or 0) > 50)

    assert without < 50


def test_its_files_are_nobody_elses(node: Node):
    node.start("sh", str(SCRIPT), "file", "1")
    until(node.log.exists)

    assert stat.S_IMODE(node.log.stat().st_mode) == 0o600
    assert stat.S_IMODE(node.log.parent.stat().st_mode) == 0o700


def test_a_node_without_gpus_tells_its_load(node: Node):
    (node.home / "bin").mkdir()
    node.start("sh", str(SCRIPT), "file", "1", PATH=os.environ["PATH"])
    until(lambda: len(node.samples()) >= 1)

    if shutil.which("nvidia-smi") is None:
        assert node.samples()[0].gpus == ()
        assert node.samples()[0].faults == ()


def test_slices_are_told_with_their_memory(node: Node):
    node.has(MIG_SMI)
    node.start("sh", str(SCRIPT), "file", "1")
    until(lambda: len(node.samples()) >= 1)

    assert [(gpu.uuid, gpu.mig_profile, gpu.memory_used_mib) for gpu in node.samples()[0].gpus] == [
        ("MIG-one", "1g.5gb", 14)
    ]


def test_a_lost_gpu_is_told_as_a_fault(node: Node):
    node.has(LOST_SMI)
    node.start("sh", str(SCRIPT), "file", "1")
    until(lambda: len(node.samples()) >= 1)

    assert node.samples()[0].gpus == ()
    assert any("GPU is lost" in fault for fault in node.samples()[0].faults)


def test_one_sampler_runs_per_node_and_the_lock_of_a_killed_one_does_not_hinder(node: Node):
    first = node.start("sh", str(SCRIPT), "file", "1")
    until(node.log.exists)

    second = node.start("sh", str(SCRIPT), "file", "1")
    assert second.wait(20) == 0
    os.killpg(first.pid, signal.SIGKILL)
    first.wait(10)
    written = len(node.samples())
    node.start("sh", str(SCRIPT), "file", "1")

    until(lambda: len(node.samples()) > written)


def test_it_ends_with_the_shell_that_started_it(node: Node):
    parent = node.start("sh", "-c", f"sh {SCRIPT} file 1 & echo $! > pid; sleep 60")
    until(node.log.exists)
    pid = int((node.home / "pid").read_text())

    parent.kill()
    parent.wait(10)

    until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in _state(pid))


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_its_files_stay_small(node: Node):
    node.log.parent.mkdir(parents=True)
    node.log.write_text("x" * 1_000_000)

    node.start("sh", str(SCRIPT), "file", "1")
    until(node.log.with_name("hgx01.log.1").exists)

    until(lambda: node.log.exists() and node.log.stat().st_size < 10_000)


def test_by_standard_input_it_writes_to_standard_output_and_ends_with_its_reader(node: Node):
    node.has(NVIDIA_SMI)
    process = subprocess.Popen(
        ["sh", "-s", "--", "stdout", "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=node.environment(),
        start_new_session=True,
    )
    node.processes.append(process)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(SCRIPT.read_bytes())
    process.stdin.close()

    sample = parse_sample(process.stdout.readline().decode())
    process.stdout.close()

    assert [gpu.uuid for gpu in sample.gpus] == [UUID]
    assert process.wait(30) in {0, -signal.SIGPIPE}


def tail(node: Node, offsets: dict[str, int], *jobs: int) -> str:
    section = tail_section(offsets, list(jobs), folder=FOLDER)
    done = subprocess.run(
        section.argv, env=node.environment(), capture_output=True, check=False, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def test_files_are_read_on_where_they_were_left_and_never_half_lines(node: Node):
    node.log.parent.mkdir(parents=True)
    (node.log.parent.parent / "43").mkdir()
    other = node.log.parent.parent / "43" / "hgx02.log"
    node.log.write_text("one\ntwo\nhal")
    other.write_text("")

    first = parse_tail(tail(node, {}, 41, 42, 43), {})
    offsets = {piece.file: piece.next_offset for piece in first}
    node.log.write_text("one\ntwo\nhalf\nfour\n")
    other.write_text("x\n")
    second = parse_tail(tail(node, offsets, 41, 43), offsets)

    assert [(piece.file, piece.lines) for piece in first] == [
        ("41/hgx01.log", ("one", "two")),
        ("43/hgx02.log", ()),
    ]
    assert [(piece.file, piece.lines) for piece in second] == [
        ("41/hgx01.log", ("half", "four")),
        ("43/hgx02.log", ("x",)),
    ]


def test_a_file_that_was_rotated_is_read_from_its_begin(node: Node):
    node.log.parent.mkdir(parents=True)
    node.log.write_text("fresh\n")

    (piece,) = parse_tail(tail(node, {"41/hgx01.log": 900_000}, 41), {"41/hgx01.log": 900_000})

    assert (piece.lines, piece.next_offset) == (("fresh",), 6)


def test_a_long_file_is_read_in_bounded_pieces_without_loss(node: Node):
    node.log.parent.mkdir(parents=True)
    lines = [f"{number:099d}" for number in range(3_000)]
    node.log.write_text("".join(f"{line}\n" for line in lines))
    offsets = {"41/hgx01.log": 100}
    read: list[str] = []

    for _ in range(6):
        text = tail(node, offsets, 41)
        assert len(text) < TAIL_BYTES + 200
        (piece,) = parse_tail(text, offsets)
        read += piece.lines
        offsets["41/hgx01.log"] = piece.next_offset

    assert read == lines[1:]


def test_a_file_not_known_yet_is_read_from_near_its_end_and_its_first_half_line_left_out(
    node: Node,
):
    node.log.parent.mkdir(parents=True)
    lines = [f"{number:099d}" for number in range(3_000)]
    node.log.write_text("".join(f"{line}\n" for line in lines))

    (piece,) = parse_tail(tail(node, {}, 41), {})

    assert piece.lines == tuple(lines[-len(piece.lines) :])
    assert 70 < len(piece.lines) < 90


def test_no_folder_is_no_sampler(node: Node):
    assert tail(node, {}, 41) == ""
