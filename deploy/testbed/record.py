#!/usr/bin/env python3
"""Records what Slurm commands print on a real cluster, as fixtures for the parsers.

Each case becomes a folder `<out>/<slurm version>/<case>/` with the command, its two outputs byte
for byte and a `meta.json`. Runs the system's OpenSSH client, so any cluster `ssh` reaches will do.

    record.py --ssh-config CONFIG --host alpha-alice --labels ROOT/alpha/zoo --scrub ann=alice
    record.py --ssh-config CONFIG --host alpha-alice --case queue --as queue-controller-down

The cases that need one running job take the one that the labels call "running".

Source: docs/slurm-output.md says why the separators are what they are.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slurmfleet.timing.clock import SystemClock

FIELD_END = r"\x1f"
RECORD_END = r"\x1e"
SSH_TIMEOUT_S = 120
SSH_FAILED = 255
UNKNOWN_JOB = 9_999_999
ONE_JOB = "running"
"""Label of the job that cases about a single job show."""

# fmt: off
QUEUE_FIELDS = [
    "JobArrayID", "JobID", "ArrayJobID", "ArrayTaskID", "HetJobID", "HetJobOffset", "UserName",
    "Account", "Partition", "QOS", "State", "Reason", "SubmitTime", "EligibleTime", "StartTime",
    "EndTime", "TimeLimit", "NumNodes", "NumCPUs", "MinMemory", "tres-alloc", "PriorityLong",
    "RestartCnt", "exit_code", "NodeList", "Dependency", "WorkDir", "STDOUT", "STDERR", "Command",
    "Comment", "Name",
]
REQUEST_FIELDS = [
    "JobArrayID", "JobID", "State", "Reason", "Partition", "tres-alloc", "tres-per-job",
    "tres-per-node", "tres-per-socket", "tres-per-task", "cpus-per-tres", "mem-per-tres", "Feature",
    "Licenses", "Reservation", "ReqNodes", "OverSubscribe", "NumTasks", "NumNodes", "NumCPUs",
    "MinMemory", "Dependency", "WorkDir", "STDOUT", "STDERR", "Name",
]
# fmt: on
ACCOUNTING_FIELDS = (
    "JobID,JobIDRaw,User,Account,Partition,QOS,State,ExitCode,Submit,Eligible,Start,End,ElapsedRaw,"
    "TimelimitRaw,NNodes,NCPUS,ReqMem,ReqTRES,AllocTRES,NodeList,Reason,WorkDir,Comment,SubmitLine,"
    "JobName"
)
STEP_FIELDS = "JobID,NTasks,TRESUsageInTot,TRESUsageInMax,Nodelist"
SHARE_FIELDS = (
    "Account,User,Partition,RawShares,NormShares,RawUsage,NormUsage,EffectvUsage,FairShare,LevelFS,"
    "GrpTRESMins,TRESRunMins"
)
ASSOCIATION_FIELDS = (
    "Cluster,Account,User,Partition,ParentName,ID,Share,Priority,DefaultQOS,QOS,GrpJobs,"
    "GrpJobsAccrue,GrpSubmit,GrpTRES,GrpTRESMins,GrpTRESRunMins,GrpWall,MaxJobs,MaxJobsAccrue,"
    "MaxSubmit,MaxTRES,MaxTRESMins,MaxTRESPerNode,MaxWall"
)
QOS_FIELDS = (
    "Name,Priority,Flags,GraceTime,Preempt,PreemptMode,PreemptExemptTime,UsageFactor,UsageThreshold,"
    "LimitFactor,GrpJobs,GrpJobsAccrue,GrpSubmit,GrpTRES,GrpTRESMins,GrpTRESRunMins,GrpWall,MaxJobsPA,"
    "MaxJobsPU,MaxSubmitPA,MaxSubmitPU,MaxTRES,MaxTRESMins,MaxTRESPA,MaxTRESPerNode,MaxTRESPU,MaxWall,MinTRES"
)
ONE_JOBS_STEP_FIELDS = (
    "JobID,NTasks,AveCPU,MinCPU,AveRSS,MaxRSS,MaxRSSNode,MaxRSSTask,AveVMSize,AveCPUFreq,MaxDiskRead,"
    "MaxDiskWrite,TRESUsageInAve,TRESUsageInMax,TRESUsageInTot,TRESUsageOutTot,Nodelist"
)
NODE_FIELDS = (
    "NodeList,Partition,StateLong,StateComplete,CPUsState,CPUsLoad,Memory,AllocMem,FreeMem,Gres,GresUsed,"
    "Features,Reason,User,TimeStamp,Version,Extra,Comment"
)
ACCOUNTING_FIELDS_WITH_RESTARTS = ACCOUNTING_FIELDS.replace("Reason,", "Reason,Restarts,")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One command's answer, scrubbed."""

    command: str
    stdout: bytes
    stderr: bytes
    exit_status: int


def queue_command(fields: Sequence[str], *, field_end: str, record_end: str, options: str) -> str:
    """Build a squeue command whose separators bash writes as control bytes."""
    environment = "SLURM_TIME_FORMAT=%s SLURM_BITSTR_LEN=0"
    columns = f":{field_end},".join(fields) + f":{record_end}"
    return f"{environment} squeue -h -a {options} -O $'{columns}'"


def accounting_command(fields: str, jobs: str, *, options: str) -> str:
    """Build a sacct command for the given comma-separated job ids."""
    delimiter = f"--delimiter=$'{FIELD_END}'"
    return f"SLURM_TIME_FORMAT=%s sacct -n -P -X {options} {delimiter} -j {jobs} -o {fields}"


def cases(jobs: str, one_job: int) -> dict[str, str]:
    """Give the remote command of every case by its name."""
    return {**job_cases(jobs, one_job), **cluster_cases(), **share_cases()}


def job_cases(jobs: str, one_job: int) -> dict[str, str]:
    """Give the commands about jobs."""
    ends = {"field_end": FIELD_END, "record_end": RECORD_END}
    long_ends = {
        "field_end": FIELD_END + "7f3a" + FIELD_END,
        "record_end": RECORD_END + "7f3a" + FIELD_END,
    }
    everything = "-t all"
    return {
        "queue": queue_command(QUEUE_FIELDS, **ends, options=everything),
        "queue-long-separators": queue_command(QUEUE_FIELDS, **long_ends, options=everything),
        "queue-live": queue_command(QUEUE_FIELDS, **ends, options=""),
        "queue-empty": queue_command(QUEUE_FIELDS, **ends, options=f"{everything} -u opal"),
        "queue-unknown-id": queue_command(
            QUEUE_FIELDS, **ends, options=f"{everything} -j {UNKNOWN_JOB}"
        ),
        "queue-some-unknown-ids": queue_command(
            ("JobID", "State", "Name"), **ends, options=f"{everything} -j {UNKNOWN_JOB},{jobs}"
        ),
        "queue-unknown-field": queue_command(
            ("JobID", "NoSuchField", "Name"), **ends, options=everything
        ),
        "queue-one-job": queue_command(QUEUE_FIELDS, **ends, options=f"-j {one_job}"),
        "queue-requests": queue_command(REQUEST_FIELDS, **long_ends, options=everything),
        "queue-short-ranges": "squeue -h -a -o '%i|%T'",
        "queue-whole-ranges": "SLURM_BITSTR_LEN=0 squeue -h -a -o '%i|%T'",
        "queue-estimates": "SLURM_TIME_FORMAT=%s squeue -h --start -O JobID,StartTime,SchedNodes",
        "squeue-helpformat": "squeue --helpFormat",
        "squeue-json-list": "squeue --json=list",
        "accounting": accounting_command(ACCOUNTING_FIELDS, jobs, options="-D"),
        "accounting-restarts": accounting_command(
            ACCOUNTING_FIELDS_WITH_RESTARTS, jobs, options="-D"
        ),
        "accounting-newest": accounting_command(ACCOUNTING_FIELDS, jobs, options=""),
        "accounting-unknown-id": accounting_command(
            ACCOUNTING_FIELDS, str(UNKNOWN_JOB), options="-D"
        ),
        "accounting-every-field": accounting_command("ALL", jobs, options="-D"),
        "accounting-fields": "sacct -e",
        "steps": f"sstat -a -n -P --noconvert -j {jobs},{UNKNOWN_JOB} -o {STEP_FIELDS}",
        "steps-unknown-field": f"sstat -a -n -P -j {jobs} -o JobID,Nope",
        "job-detail": f"scontrol -d show job {one_job}",
        "jobs-detail": "SLURM_TIME_FORMAT=%s scontrol -d -o show job",
        "step-statistics": f"sstat -a -n -P -j {one_job} -o {ONE_JOBS_STEP_FIELDS}",
        "output-files": "cd paths && find . -type f | sort",
        "priorities": "sprio -h -o '%i|%u|%Y|%A|%F|%J|%P|%Q|%N|%T'",
    }


def cluster_cases() -> dict[str, str]:
    """Give the commands about the cluster itself."""
    node_columns = ",".join(f"{name}:{FIELD_END}" for name in NODE_FIELDS.split(","))
    return {
        "version": "sinfo --version",
        "nodes": "scontrol -o show node",
        "nodes-detail": "SLURM_TIME_FORMAT=%s scontrol -d -o show node",
        "nodes-summary": f"SLURM_TIME_FORMAT=%s sinfo -h -a -N -O $'{node_columns}'",
        "partitions": "scontrol -o show partition",
        "reservations": "scontrol -o show reservation",
        "reservations-kinds": "SLURM_TIME_FORMAT=%s scontrol -o show reservation",
        "licenses": "scontrol -o show license",
        "sinfo-helpformat": "sinfo --helpFormat",
        "ping": "scontrol ping",
        "config": "scontrol show config",
        "diagnostics": "sdiag",
    }


def share_cases() -> dict[str, str]:
    """Give the commands about shares, limits and use."""
    report = "sreport -n -P -T gres/gpu,cpu"
    window = "start=now-1days end=now+1days"
    return {
        "shares": "sshare -a -l -P -n",
        "shares-fields": f"sshare -a -P -n -o {SHARE_FIELDS}",
        "shares-users": f"sshare -a -U -P -o {SHARE_FIELDS}",
        "associations": f"sacctmgr -n -P show assoc format={ASSOCIATION_FIELDS}",
        "qos-limits": f"sacctmgr -n -P show qos format={QOS_FIELDS}",
        "tres": "sacctmgr -n -P show tres",
        "use-by-account": f"{report} -t Hours cluster AccountUtilizationByUser {window}",
        "use-by-account-seconds": f"{report} -t Seconds cluster AccountUtilizationByUser {window}",
        "use-of-cluster": f"{report} -t Minutes cluster Utilization {window}",
    }


class LoginNode:
    """Runs commands on a login node through the OpenSSH client."""

    def __init__(self, *, host: str, ssh_config: Path | None, scrub: Mapping[str, str]) -> None:
        self._ssh = [
            "ssh",
            "-o",
            "BatchMode=yes",
            # keeps the login node's banner out of what is recorded as the command's own stderr
            "-o",
            "LogLevel=ERROR",
            *(["-F", str(ssh_config)] if ssh_config else []),
            host,
        ]
        self._scrub = {name.encode(): replacement.encode() for name, replacement in scrub.items()}

    def run(self, command: str) -> Recording:
        """Run one command under bash and scrub what it printed."""
        done = subprocess.run(  # noqa: S603 - the arguments are ours; the remote shell sees one quoted word
            [*self._ssh, f"exec bash -c {quoted(command)}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=SSH_TIMEOUT_S,
        )
        # sshare too ends with 255; ssh itself then fails for a harmless command as well
        if done.returncode == SSH_FAILED and command != "true":
            self.run("true")
        elif done.returncode == SSH_FAILED:
            sys.exit(f"record: ssh failed: {done.stderr.decode(errors='replace')}")
        return Recording(
            command=self._clean(command.encode()).decode(),
            stdout=self._clean(done.stdout),
            stderr=self._clean(done.stderr),
            exit_status=done.returncode,
        )

    def _clean(self, output: bytes) -> bytes:
        for name, replacement in self._scrub.items():
            # A whole word only: "ann" must not change "annotation".
            pattern = rb"(?<![A-Za-z0-9])" + re.escape(name) + rb"(?![A-Za-z0-9])"
            output = re.sub(pattern, lambda _, new=replacement: new, output)
        return output


def quoted(command: str) -> str:
    """Quote for the remote shell, whichever it is."""
    return "'" + command.replace("'", "'\\''") + "'"


def read_labels(path: Path | None) -> dict[str, int]:
    """Read the "LABEL JOBID" lines that zoo.sh writes."""
    if path is None:
        return {}
    pairs = (line.split() for line in path.read_text().splitlines())
    return {label: int(job_id) for label, job_id in pairs}


def job_ids(node: LoginNode, labels: Mapping[str, int]) -> str:
    """Choose the jobs to ask accounting about: the labelled ones, else those in the queue."""
    if labels:
        return ",".join(str(job_id) for job_id in labels.values())
    in_queue = node.run("squeue -h -a -t all -o %A").stdout.split()
    return ",".join(sorted({job_id.decode() for job_id in in_queue}, key=int)) or "1"


def write_case(folder: Path, recording: Recording, meta: Mapping[str, object]) -> None:
    """Write one case; replaces what an earlier run wrote."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "command.txt").write_text(recording.command + "\n")
    (folder / "stdout").write_bytes(recording.stdout)
    (folder / "stderr").write_bytes(recording.stderr)
    content = {**meta, "exit_status": recording.exit_status}
    (folder / "meta.json").write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", required=True, help="host as ssh knows it, e.g. alpha-alice")
    parser.add_argument("--ssh-config", type=Path, help="ssh configuration file")
    parser.add_argument("--out", type=Path, default=Path("tests/fixtures/slurm"))
    parser.add_argument("--case", action="append", help="only this case (may be repeated)")
    parser.add_argument("--as", dest="rename", help="store the one --case under this name")
    parser.add_argument(
        "--version", help="Slurm version, where the cluster cannot be asked (an outage)"
    )
    parser.add_argument(
        "--labels", type=Path, help="file of LABEL JOBID lines, as zoo.sh writes it"
    )
    parser.add_argument("--jobs", help="job ids for accounting, comma separated")
    parser.add_argument("--how", default="deploy/testbed/zoo.sh", help="how the jobs were made")
    parser.add_argument("--scrub", action="append", default=[], metavar="NAME=REPLACEMENT")
    arguments = parser.parse_args()
    if arguments.rename and len(arguments.case or []) != 1:
        parser.error("--as needs exactly one --case")
    return arguments


def main() -> None:
    """Record the chosen cases."""
    arguments = parse_arguments()
    scrub = dict(pair.split("=", 1) for pair in arguments.scrub)
    node = LoginNode(host=arguments.host, ssh_config=arguments.ssh_config, scrub=scrub)
    labels = read_labels(arguments.labels)
    version = arguments.version or node.run("sinfo --version").stdout.split()[1].decode()
    commands = cases(arguments.jobs or job_ids(node, labels), labels.get(ONE_JOB, UNKNOWN_JOB))
    for name in arguments.case or commands:
        recording = node.run(commands[name])
        meta = {
            "case": arguments.rename or name,
            "how": f"deploy/testbed/record.py; jobs by {arguments.how}",
            "labels": labels,
            "recorded_at": SystemClock().now().isoformat(timespec="seconds"),
            "slurm_version": version,
        }
        write_case(arguments.out / version / (arguments.rename or name), recording, meta)
        sys.stdout.write(f"{version} {arguments.rename or name}: {len(recording.stdout)} bytes\n")


if __name__ == "__main__":
    main()
