"""Every program of the login node that knows the cluster, and how each fails in an outage.

Source: outages.txt in the samples: Slurm 24.11 with slurmctld or slurmdbd killed or stopped.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from services.simulator.calls import Answer, Call, UsageError, refused
from services.simulator.cluster import Cluster
from services.simulator.sacct import sacct
from services.simulator.sacctmgr import sacctmgr
from services.simulator.scontrol import scontrol
from services.simulator.sinfo import sinfo
from services.simulator.squeue import squeue
from services.simulator.sreport import sreport
from services.simulator.sshare import sshare
from services.simulator.sstat import sstat
from services.simulator.steps import nvidia_smi, srun
from services.simulator.storage import df, lfs
from services.simulator.submission import sbatch, scancel
from services.simulator.text import moment

DOWN_WAIT_S = 9.2
HANG_WAIT_S = 10.2
SCANCEL_DOWN = 8
SSHARE_DOWN = 255


class Health(StrEnum):
    """How a daemon of the cluster is."""

    UP = "up"
    DOWN = "down"
    HANG = "hang"


@dataclass(slots=True, kw_only=True)
class Faults:
    """What is wrong with the cluster at the moment."""

    controller: Health = Health.UP
    accounting: Health = Health.UP
    slow_s: float = 0.0
    """How much longer each question to the controller takes, in real seconds."""


PROGRAMS: dict[str, Callable[[Cluster, Call], Answer]] = {
    "squeue": squeue,
    "sacct": sacct,
    "sinfo": sinfo,
    "sshare": sshare,
    "sacctmgr": sacctmgr,
    "sreport": sreport,
    "scontrol": scontrol,
    "sbatch": sbatch,
    "scancel": scancel,
    "sstat": sstat,
    "srun": srun,
}

LOCAL_PROGRAMS: dict[str, Callable[[Cluster, Call], Answer]] = {
    "lfs": lfs,
    "df": df,
    "nvidia-smi": nvidia_smi,
}
"""They ask no daemon of Slurm's, and so know none of its outages."""

ACCOUNTING = ("sacct", "sacctmgr", "sreport")
"""They ask slurmdbd, and not the controller."""

CLIENTS = (*PROGRAMS, *LOCAL_PROGRAMS, "id", "date")
"""What is installed on the login node; `id` and `date` tell the simulated user and time."""


def execute(cluster: Cluster, call: Call, faults: Faults) -> Answer:
    """Answer a call as the cluster is now."""
    if call.program == "id":
        return _id(cluster, call)
    if call.program == "date":
        return _date(cluster, call)
    if program := LOCAL_PROGRAMS.get(call.program):
        return program(cluster, call)
    try:
        broken = _outage(cluster, call, faults)
        answer = broken or PROGRAMS[call.program](cluster, call)
    except UsageError as error:
        return refused(str(error))
    if call.program in ACCOUNTING or faults.slow_s == 0 or answer.wants_script is not None:
        return answer
    return Answer(
        stdout=answer.stdout,
        stderr=answer.stderr,
        status=answer.status,
        wait_s=answer.wait_s + faults.slow_s,
    )


def _outage(cluster: Cluster, call: Call, faults: Faults) -> Answer | None:
    """Give how a program fails, or None where it need not."""
    if any(word in ("--version", "-V", "--helpformat", "-e") for word in call.argv[:1]):
        return None
    if call.program in ACCOUNTING:
        return _accounting_outage(call.program, faults.accounting)
    if faults.controller is Health.UP:
        return None
    if call.program == "scontrol" and "ping" in call.argv:
        wait_s = HANG_WAIT_S if faults.controller is Health.HANG else 0.0
        text = f"Slurmctld(primary) at {cluster.spec.name}-login is DOWN\n"
        return Answer(stdout=text, status=1, wait_s=wait_s)
    return _controller_outage(call, hangs=faults.controller is Health.HANG)


def _controller_outage(call: Call, *, hangs: bool) -> Answer:
    why = (
        "Socket timed out on send/recv operation"
        if hangs
        else "Unable to contact slurm controller (connect failure)"
    )
    wait_s = HANG_WAIT_S if hangs else DOWN_WAIT_S
    target = next((word for word in call.argv if word[:1].isdigit()), "0")
    if call.program == "sstat":
        # The real one says no more, and ends with status 0.
        text, status = f"sstat: error: couldn't get steps for job {target.partition(',')[0]}", 0
    elif call.program in _SAYS:
        text, status = f"{_SAYS[call.program].format(target)}: {why}", _STATUS.get(call.program, 1)
    else:
        text, status = f"slurm_load_jobs error: {why}", 1
    return refused(text, status=status, wait_s=wait_s)


_SAYS = {
    "squeue": "slurm_load_jobs error",
    "sinfo": "slurm_load_partitions",
    "sbatch": "sbatch: error: Batch job submission failed",
    "scancel": "scancel: error: Kill job error on job id {}",
    "sshare": "Couldn't get shares from controller",
    "srun": "srun: error: Unable to confirm allocation for job {}",
}
_STATUS = {"scancel": SCANCEL_DOWN, "sshare": SSHARE_DOWN}


def _accounting_outage(program: str, health: Health) -> Answer | None:
    match health:
        case Health.UP:
            return None
        case Health.DOWN:
            return refused(
                f"{program}: error: _open_persist_conn: failed to open persistent connection to "
                "host:localhost:6819: Connection refused\n"
                f"{program}: error: Sending PersistInit msg: Connection refused\n"
                f"{program}: error: Problem talking to the database: Connection refused"
            )
        case Health.HANG:
            return refused(
                f"{program}: error: slurm_persist_conn_open: Something happened with the receiving/"
                "processing of the persistent connection init message to localhost:6819: "
                "(null)\n"
                f"{program}: error: Sending PersistInit msg: Resource temporarily unavailable\n"
                f"{program}: error: Problem talking to the database: "
                "Resource temporarily unavailable",
                wait_s=HANG_WAIT_S,
            )


def _date(cluster: Cluster, call: Call) -> Answer:
    """Tell the simulated time; the login node's zone is UTC."""
    sign = next((word.removeprefix("+") for word in call.argv if word.startswith("+")), "%s")
    if sign == "%s":
        return Answer(stdout=f"{cluster.now}\n")
    return Answer(stdout=f"{moment(cluster.now, time_format=sign)}\n")


def _id(cluster: Cluster, call: Call) -> Answer:
    user = cluster.spec.user(call.user)
    uid = user.uid if user else 0
    match "".join(sorted("".join(call.argv).replace("-", ""))):
        case "nu":
            return Answer(stdout=f"{call.user}\n")
        case "u":
            return Answer(stdout=f"{uid}\n")
        case "g":
            return Answer(stdout=f"{uid}\n")
        case "gn":
            return Answer(stdout=f"{call.user}\n")
        case _:
            name = f"({call.user})"
            return Answer(stdout=f"uid={uid}{name} gid={uid}{name} groups={uid}{name}\n")
