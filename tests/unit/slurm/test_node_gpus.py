"""GPUs of a node: every shape of its fields, and which of them is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.slurm.node_gpus import GpuSource, node_gpus

H100 = "gpu:h100:8(S:0-1)"
TRACKED = "cpu=64,mem=500G,billing=64,gres/gpu=8,gres/gpu:h100=8"
MIXED = "gpu:a100-sxm4-80gb:2,gpu:l40s:4"


def test_allocated_tres_is_believed_where_accounting_tracks_gpus():
    gpus = node_gpus(H100, TRACKED, "cpu=4,mem=4G,gres/gpu=3,gres/gpu:h100=3", None)

    assert (gpus.total, gpus.used) == ({"h100": 8}, {"h100": 3})
    assert gpus.source is GpuSource.ALLOC_TRES


def test_the_sum_of_all_types_suffices_for_a_node_with_one():
    gpus = node_gpus(H100, "cpu=64,gres/gpu=8", "cpu=4,gres/gpu=3", None)

    assert (gpus.used, gpus.source) == ({"h100": 3}, GpuSource.ALLOC_TRES)


def test_a_node_of_which_nothing_is_allocated_holds_nothing():
    assert node_gpus(H100, TRACKED, "", None).used == {"h100": 0}


def test_the_schedulers_count_is_believed_where_accounting_tracks_none():
    gpus = node_gpus(H100, "cpu=64,mem=500G", "cpu=4,mem=4G", "gpu:h100:2(IDX:0-1)")

    assert (gpus.used, gpus.source) == ({"h100": 2}, GpuSource.GRES_USED)


def test_an_index_list_is_no_list_of_gres():
    gpus = node_gpus(H100, "cpu=64", "cpu=4", "gpu:h100:3(IDX:0,2,5-5),shard:h100:0(0/0)")

    assert gpus.used == {"h100": 3}


def test_nothing_is_claimed_where_neither_tells():
    gpus = node_gpus(H100, "cpu=64", "cpu=4", None)

    assert (gpus.total, gpus.used, gpus.source) == ({"h100": 8}, None, GpuSource.UNKNOWN)


@pytest.mark.parametrize("text", ["(null)", "N/A", "", "shard:4"])
def test_a_used_count_that_says_nothing_is_no_count(text: str):
    assert node_gpus(H100, "cpu=64", "cpu=4", text).used is None


def test_the_one_type_that_accounting_does_not_track_is_what_is_left():
    tracked = "cpu=64,gres/gpu=6,gres/gpu:a100-sxm4-80gb=2"
    gpus = node_gpus(MIXED, tracked, "cpu=4,gres/gpu=3,gres/gpu:a100-sxm4-80gb=1", None)

    assert gpus.used == {"a100-sxm4-80gb": 1, "l40s": 2}
    assert gpus.source is GpuSource.ALLOC_TRES


def test_several_types_without_a_count_of_each_need_the_schedulers_count():
    used = "gpu:a100-sxm4-80gb:1(IDX:0),gpu:l40s:2(IDX:2-3)"
    gpus = node_gpus(MIXED, "cpu=64,gres/gpu=6", "cpu=4,gres/gpu=3", used)

    assert gpus.used == {"a100-sxm4-80gb": 1, "l40s": 2}
    assert gpus.source is GpuSource.GRES_USED


def test_mig_slices_are_types():
    gpus = node_gpus(
        "gpu:1g.10gb:7,gpu:3g.40gb:2",
        "cpu=64,gres/gpu=9,gres/gpu:1g.10gb=7,gres/gpu:3g.40gb=2",
        "cpu=2,gres/gpu=2,gres/gpu:1g.10gb=1,gres/gpu:3g.40gb=1",
        None,
    )

    assert gpus.total == {"1g.10gb": 7, "3g.40gb": 2}
    assert gpus.used == {"1g.10gb": 1, "3g.40gb": 1}


@pytest.mark.parametrize("used", ["gpu:3(IDX:0-2)", "gpu:(null):3(IDX:0-2)", "gpu:3"])
def test_gpus_without_a_type_are_counted_under_no_name(used: str):
    gpus = node_gpus("gpu:8", "cpu=64", "cpu=4", used)

    assert (gpus.total, gpus.used) == ({"": 8}, {"": 3})


def test_types_are_the_same_in_either_case():
    tracked = "cpu=64,gres/gpu=12,gres/gpu:h100=8,gres/gpu:l4=4"
    alloc = "cpu=4,gres/gpu=5,gres/gpu:h100=3,gres/gpu:l4=2"
    gpus = node_gpus("gpu:H100:8,gpu:L4:4", tracked, alloc, None)

    assert gpus.used == {"H100": 3, "L4": 2}


@pytest.mark.parametrize("gres", ["(null)", "", "shard:no_consume:8", "mps:400,craynetwork:4"])
def test_a_node_without_gpus_has_none(gres: str):
    assert node_gpus(gres, "cpu=64,mem=500G,billing=64", "", "gpu:0").total == {}


def test_more_held_than_there_are_is_all_of_them():
    gpus = node_gpus("gpu:h100:4", TRACKED, "gres/gpu=6,gres/gpu:h100=6", None)

    assert gpus.used == {"h100": 4}


_kinds = st.sampled_from(["h100", "a100-sxm4-80gb", "1g.10gb", ""])


@given(
    total=st.dictionaries(_kinds, st.integers(1, 16), min_size=1),
    used=st.dictionaries(_kinds, st.integers(0, 20)),
    tracked=st.booleans(),
)
def test_held_gpus_are_never_more_than_there_are(
    total: dict[str, int], used: dict[str, int], *, tracked: bool
):
    def gres(counts: dict[str, int]) -> str:
        return ",".join(f"gpu:{kind}:{n}" if kind else f"gpu:{n}" for kind, n in counts.items())

    cfg = f"cpu=1,gres/gpu={sum(total.values())}" if tracked else "cpu=1"
    alloc = f"cpu=1,gres/gpu={sum(used.values())}"

    gpus = node_gpus(gres(total), cfg, alloc, gres(used) or None)

    assert gpus.total == total
    if gpus.used is not None:
        assert gpus.used.keys() == total.keys()
        assert all(0 <= gpus.used[kind] <= count for kind, count in total.items())
