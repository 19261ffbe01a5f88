"""The first clusters, from a file."""

from pathlib import Path

import pytest

from slurmfleet.bus.memory import MemoryBus
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.contracts.registry import ClusterConfig, Transport
from slurmfleet.contracts.streams import BUCKETS
from slurmfleet.registry.bootstrap import apply_bootstrap
from slurmfleet.registry.clusters import ClusterRegistry
from slurmfleet.registry.config_file import Given, read_config
from slurmfleet.registry.kinds import CLUSTER
from slurmfleet.testing.clock import ManualClock

TWO = """
[[cluster]]
name = "alpha"
host = "login.alpha.example"
track_users = ["ada", "bob"]

[[cluster]]
name = "beta"
host = "login.beta.example"
transport = "master"
poll_interval_s = 60
"""
ALPHA = ClusterConfig(
    name=ClusterName("alpha"), host="login.alpha.example", track_users=("ada", "bob")
)
BETA = ClusterConfig(
    name=ClusterName("beta"),
    host="login.beta.example",
    transport=Transport.MASTER,
    poll_interval_s=60,
)


def documents(file: Path) -> tuple[object, ...]:
    return tuple(one.document for one in read_config(file))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "slurmfleet.toml"


def test_the_tables_become_clusters(file: Path):
    file.write_text(TWO)

    assert documents(file) == (ALPHA, BETA)


def test_an_empty_file_has_no_clusters(file: Path):
    file.write_text("# nothing yet\n")

    assert documents(file) == ()


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("[[cluster\n", ProblemCode.INVALID_PARAMETER, "at line 1"),
        ('[cluster]\nname = "alpha"', ProblemCode.INVALID_PARAMETER, "[[cluster]] is meant"),
        ("cluster = [1]", ProblemCode.INVALID_PARAMETER, "no table"),
        ("[[clusters]]", ProblemCode.INVALID_PARAMETER, "unknown entries: clusters"),
        ('[[cluster]]\nname = "alpha"', ProblemCode.INVALID_PARAMETER, "cluster 1 is not valid"),
        ('[[cluster]]\nname = "A B"\nhost = "x"', ProblemCode.INVALID_CLUSTER_NAME, "'A B'"),
        (TWO + TWO, ProblemCode.INVALID_PARAMETER, "'alpha' twice"),
    ],
)
def test_a_wrong_file_says_where_and_how_to_mend_it(
    file: Path, text: str, code: ProblemCode, says: str
):
    file.write_text(text)

    with pytest.raises(ProblemError) as caught:
        read_config(file)

    assert caught.value.code is code
    assert says in caught.value.detail
    assert caught.value.remedy


def test_a_missing_file_is_told(file: Path):
    with pytest.raises(ProblemError) as caught:
        read_config(file)

    assert caught.value.code is ProblemCode.NOT_FOUND
    assert str(file) in caught.value.detail


def test_a_file_that_is_no_text_is_told(file: Path):
    file.write_bytes(b"\xff\xfe")

    with pytest.raises(ProblemError, match="not UTF-8"):
        read_config(file)


async def test_only_what_is_absent_is_added():
    bus = MemoryBus(ManualClock())
    await bus.prepare(buckets=BUCKETS)
    changed = ALPHA.model_copy(update={"port": 2222})
    await ClusterRegistry(bus).add_cluster(changed)

    alpha, beta = Given(kind=CLUSTER, document=ALPHA), Given(kind=CLUSTER, document=BETA)
    first, second = await apply_bootstrap(bus, (alpha, beta)), await apply_bootstrap(bus, (beta,))

    assert (first, second) == ((beta,), ())
    assert await ClusterRegistry(bus).list_clusters() == (changed, BETA)
