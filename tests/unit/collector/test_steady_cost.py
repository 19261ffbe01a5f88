"""What a cluster is asked while jobs wait and run, added up from what each command costs."""

import pytest

from services.collector.jobs.coverage import EVERYBODY
from services.collector.looks.asking import Question
from services.collector.looks.pace import LARGE_QUEUE, Pace, least_interval_s
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.slurm.columns import ANY_SLURM
from slurmfleet.slurm.records import PLAIN
from slurmfleet.slurm.step_commands import steps_section
from slurmfleet.testing.moments import NOON
from tests.harness.requests import surveys_per_s

CONFIG = ClusterConfig(name=ClusterName("alpha"), host="login")
MOST_REQUESTS_PER_S = 0.2


def most_sstat_requests() -> float:
    """Give what samples of running jobs cost in a minute, where a request is dearest."""
    one_job = steps_section([1], version="22.05.8").requests
    return CONFIG.sampling.sstat_jobs_per_minute * one_job


@pytest.mark.parametrize(
    ("users", "accounts"), [(("alice",), ()), (("alice", "bob"), ()), (("alice",), ("ml",))]
)
@pytest.mark.parametrize("jobs", [100, LARGE_QUEUE])
def test_a_steady_cluster_is_asked_less_than_every_five_seconds(
    users: tuple[str, ...], accounts: tuple[str, ...], jobs: int
):
    question = Question(
        users=users, accounts=accounts, queue=True, followed=EVERYBODY, section_limit_s=30
    )
    requests = sum(section.requests for section in question.sections(PLAIN, ANY_SLURM))
    least_s = least_interval_s(requests, CONFIG.rpcs_per_minute)
    pace = Pace(base_s=CONFIG.poll_interval_s, hot_s=CONFIG.hot_interval_s)
    look_s = pace.after_whole(NOON, jobs=jobs, least_s=least_s).interval_s(hot=False)

    sampled_per_s = most_sstat_requests() / 60
    per_s = requests / look_s + surveys_per_s() + sampled_per_s

    assert look_s >= CONFIG.poll_interval_s
    assert per_s <= MOST_REQUESTS_PER_S
