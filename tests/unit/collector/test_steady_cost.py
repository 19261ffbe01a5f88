"""What a cluster on which nothing happens is asked, added up from what each command costs."""

import pytest

from services.collector.jobs.coverage import EVERYBODY
from services.collector.looks.asking import Question
from services.collector.looks.pace import LARGE_QUEUE, Pace, least_interval_s
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.registry import ClusterConfig
from slurmfleet.slurm.columns import ANY_SLURM
from slurmfleet.slurm.records import PLAIN
from slurmfleet.testing.moments import NOON
from tests.harness.requests import surveys_per_s

CONFIG = ClusterConfig(name=ClusterName("alpha"), host="login")
MOST_REQUESTS_PER_S = 0.2


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

    per_s = requests / look_s + surveys_per_s()

    assert look_s >= CONFIG.poll_interval_s
    assert per_s <= MOST_REQUESTS_PER_S
