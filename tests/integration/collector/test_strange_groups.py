"""Arrays that accounting alone tells of, after the collector has lost what it remembered."""

from pathlib import Path

import pytest

from slurmfleet.contracts.events import JobFact
from slurmfleet.contracts.jobs import JobState
from slurmfleet.slurm.abilities import Abilities
from slurmfleet.slurm.columns import dialect_for
from tests.integration.collector.stub import Cluster
from tests.integration.collector.test_watch import facts, watching

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

COLUMNS = dialect_for(Abilities(accounting_fields=frozenset({"jobid", "state"}))).accounting


def row(task: int, state: str, exit_code: str = "0:0") -> str:
    """Give a line of sacct about a task of array 900, with bars between its fields."""
    told = {
        "JobID": f"900_{task}",
        "JobIDRaw": str(901 + task),
        "User": "alice",
        "Account": "ml",
        "State": state,
        "ExitCode": exit_code,
        "Submit": "1795176000",
        "Start": "1795176010",
        "End": "1795176020",
        "NNodes": "1",
        "NodeList": "n1",
        "JobName": "sweep",
    }
    return "|".join(told.get(name, "") for name in COLUMNS) + "\n"


async def test_an_array_is_judged_by_all_its_tasks_not_by_those_that_ended_last(
    cluster: Cluster, tmp_path: Path
):
    cluster.says("sacct.window", row(1, "COMPLETED"))
    cluster.says("sacct.jobs", row(0, "FAILED", "7:0") + row(1, "COMPLETED"))

    async with watching(cluster.config(track_users=["alice"]), tmp_path) as (station, state):
        while "900" not in station.book.memory:
            await station.watch.look_now()
        told = [fact.job for fact in facts(state) if isinstance(fact, JobFact)]

    wholes = [job for job in told if job.job_id == "900"]
    assert {job.state for job in wholes if job.state.is_terminal} == {JobState.FAILED}
    assert wholes[-1].task_states == {JobState.COMPLETED: 1, JobState.FAILED: 1}
    assert wholes[-1].exit_code == 7
