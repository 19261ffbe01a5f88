"""A made-up queue, in the very bytes in which a login node would tell it.

Of every hundred records sixty wait, thirty run, nine are running tasks of one array and one is
the rest of that array. Nothing here is a recording; the shapes are those of squeue 24.11.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, islice

from slurmfleet.slurm.columns import QUEUE_COLUMNS
from slurmfleet.slurm.records import separators_for
from slurmfleet.testing.records import detail_record

NONCE = "0123456789abcdef0123456789abcdef"
EPOCH_S = 1_795_176_000
SECTIONS = ("detail", "queue")
_SEPARATORS = separators_for(NONCE)
_BLOCK = 100
_WAITING, _PLAIN, _TASKS = 60, 90, 99
_FIRST_ID = 1_000_000

Record = dict[str, str]


@dataclass(slots=True)
class FakeQueue:
    """Records that move on from look to look."""

    records: list[Record]
    seconds: int = EPOCH_S
    ids: Iterator[int] = field(default_factory=lambda: count(50_000_000))

    def advance(self, *, share: float) -> None:
        """Let a share of the jobs move on: two fifths start, two fifths end, one fifth is new."""
        self.seconds += 60
        changes = max(1, round(len(self.records) * share))
        plain = [one for one in self.records if one["ArrayTaskID"] == "N/A"]
        waiting = (one for one in plain if one["State"] == "PENDING")
        running = (one for one in plain if one["State"] == "RUNNING")
        starting = list(islice(waiting, changes * 2 // 5))
        ending = list(islice(running, changes * 2 // 5))
        for one in starting:
            one.update(
                State="RUNNING",
                Reason="None",
                NodeList="gpu07",
                BatchHost="gpu07",
                **self._times(14_400),
            )
        for one in ending:
            one.update(State="COMPLETED", EndTime=str(self.seconds))
        for _ in range(changes - len(starting) - len(ending)):
            self.records.append(_waiting_record(next(self.ids), self.seconds))

    def move_priorities(self) -> None:
        """Let every waiting job's priority grow, as Slurm does every PriorityCalcPeriod."""
        for one in self.records:
            if one["State"] == "PENDING":
                one["PriorityLong"] = str(int(one["PriorityLong"]) + 1)

    def answer(self) -> bytes:
        """Give what the composite command of a look would print now."""
        detail = "".join(detail_record(one, _SEPARATORS) for one in self.records)
        queue = "".join(
            "|".join(map(one.__getitem__, QUEUE_COLUMNS)) + "\n" for one in self.records
        )
        mark = f"\n%%{NONCE}"
        parts = [f"{mark} NOW {self.seconds}\n"]
        for name, text in (("detail", detail), ("queue", queue)):
            parts.append(f"{mark} BEGIN {name}\n{text}{mark} ERRORS {name}\n{mark} END 0\n")
        return "".join([*parts, f"{mark} DONE\n"]).encode()

    def _times(self, limit_s: int) -> Record:
        return {"StartTime": str(self.seconds), "EndTime": str(self.seconds + limit_s)}


def fake_queue(jobs: int) -> FakeQueue:
    """Make a queue of that many records."""
    return FakeQueue(records=[_record(index) for index in range(jobs)])


def _record(index: int) -> Record:
    block, place = divmod(index, _BLOCK)
    raw_id = _FIRST_ID + index
    array_id = _FIRST_ID + block * _BLOCK + _PLAIN
    if place < _WAITING:
        return _waiting_record(raw_id, EPOCH_S - index % 86_400)
    if place < _PLAIN:
        return _running(_waiting_record(raw_id, EPOCH_S - index % 86_400), index)
    record = _waiting_record(raw_id, EPOCH_S - block % 86_400)
    record.update(Name=f"sweep-{array_id}")
    if place < _TASKS:
        task = str(place - _PLAIN)
        record.update(JobID=str(raw_id + 1), JobArrayID=f"{array_id}_{task}", ArrayTaskID=task)
        return _running(record, index)
    record.update(JobID=str(array_id), JobArrayID=f"{array_id}_[9-99%9]", ArrayTaskID="9-99%9")
    return record


def _running(record: Record, index: int) -> Record:
    start = int(record["SubmitTime"]) + 60
    return record | {
        "State": "RUNNING",
        "Reason": "None",
        "NodeList": f"gpu{index % 400:03d}",
        "BatchHost": f"gpu{index % 400:03d}",
        "StartTime": str(start),
        "EndTime": str(start + 14_400),
    }


def _waiting_record(raw_id: int, submitted_s: int) -> Record:
    user = f"user{raw_id % 40:02d}"
    home = f"/home/{user}/experiments/run-{raw_id}"
    return {
        "JobArrayID": str(raw_id),
        "JobID": str(raw_id),
        "ArrayTaskID": "N/A",
        "UserName": user,
        "Account": f"account{raw_id % 12}",
        "Partition": ("batch", "long", "gpu", "interactive")[raw_id % 4],
        "QOS": "normal",
        "State": "PENDING",
        "Reason": "Priority",
        "SubmitTime": str(submitted_s),
        "EligibleTime": str(submitted_s),
        "StartTime": str(submitted_s + 90_000),
        "EndTime": str(submitted_s + 104_400),
        "TimeLimit": "4:00:00",
        "NumNodes": "1",
        "NumCPUs": "16",
        "tres-alloc": "cpu=16,mem=128G,node=1,billing=16,gres/gpu=8,gres/gpu:h100=8",
        "PriorityLong": str(10_000 + raw_id % 997),
        "RestartCnt": "0",
        "exit_code": "0:0",
        "NodeList": "",
        "BatchHost": "n/a",
        "NumTasks": "1",
        "tres-per-job": "N/A",
        "tres-per-node": "gres/gpu:h100:8",
        "tres-per-socket": "N/A",
        "tres-per-task": "N/A",
        "ReqNodes": "",
        "Reservation": "(null)",
        "Licenses": "(null)",
        "OverSubscribe": "OK",
        "BatchFlag": "1",
        "Requeue": "1",
        "Nice": "0",
        "DeadLine": "N/A",
        "Feature": "(null)",
        "STDIN": "/dev/null",
        "Dependency": "(null)",
        "WorkDir": home,
        "STDOUT": f"{home}/slurm-%j.out",
        "STDERR": f"{home}/slurm-%j.err",
        "Command": f"{home}/train.sbatch",
        "Comment": "(null)",
        "Name": f"train-{raw_id % 5_000}",
    }
