"""A login node with stub Slurm commands: real SSH, real shells, made-up answers."""

from dataclasses import dataclass
from pathlib import Path

from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.testing.login_node import LoginNode

STUBS = {
    "squeue": """
case "$*" in *--version*) echo "slurm 24.11.5"; exit 0 ;; esac
cat "$STUB_DIR/squeue.out" 2>/dev/null
cat "$STUB_DIR/squeue.err" >&2 2>/dev/null
exit "$(cat "$STUB_DIR/squeue.rc" 2>/dev/null || echo 0)"
""",
    "scontrol": """
case "$*" in "show config") cat "$STUB_DIR/config.out" 2>/dev/null ;; *) exit 1 ;; esac
""",
    "sacct": """
case "$*" in -e) echo "JobID State"; exit 0 ;; esac
echo "$*" >> "$STUB_DIR/sacct.asked"
case "$*" in *" -S "*) told=sacct.window ;; *) told=sacct.jobs ;; esac
if [ -f "$STUB_DIR/$told" ]; then
  for word; do case "$word" in --delimiter=*) delimiter=${word#--delimiter=} ;; esac; done
  sed "s/|/$delimiter/g" "$STUB_DIR/$told"
fi
cat "$STUB_DIR/sacct.err" >&2 2>/dev/null && exit 1
exit 0
""",
}


@dataclass(kw_only=True)
class Cluster:
    """A login node with stub Slurm commands on its PATH."""

    node: LoginNode
    folder: Path

    def config(self, **changes: object) -> ClusterConfig:
        return ClusterConfig.model_validate(
            {
                "name": "alpha",
                "host": "127.0.0.1",
                "port": self.node.port,
                "user": "alice",
                "key_files": [str(self.node.client_key_file)],
                "host_keys": [self.node.host_key.line],
                "poll_interval_s": 0.2,
                "hot_interval_s": 0.2,
                "rpcs_per_minute": 0,
                **changes,
            }
        )

    def says(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    @property
    def sacct_asked(self) -> list[str]:
        """What sacct was asked about jobs."""
        asked = self.folder / "sacct.asked"
        return asked.read_text().splitlines() if asked.exists() else []

    @property
    def sessions(self) -> list[str]:
        return self.node.commands
