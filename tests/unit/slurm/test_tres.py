from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.slurm.errors import MalformedValueError
from slurmfleet.slurm.tres import Gres, Tres, parse_gres, parse_tres

GPU_TYPES = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,20}", fullmatch=True).filter(
    lambda name: not name.rstrip("kmgt").isdigit()
)


@pytest.mark.parametrize(
    ("text", "tres"),
    [
        (
            "cpu=8,mem=64G,node=1,billing=8,gres/gpu=2,gres/gpu:h100=2",
            Tres(
                gpu_count=2,
                gpus_by_type={"h100": 2},
                memory_mib=65_536,
                cpu_count=8,
                node_count=1,
            ),
        ),
        ("gres/gpu=24", Tres(gpu_count=24, gpus_by_type={})),
        ("gres/gpu:a100=4", Tres(gpu_count=4, gpus_by_type={"a100": 4})),
        (
            "gres/gpu:a100=1,gres/gpu:rtx-6000=3",
            Tres(gpu_count=4, gpus_by_type={"a100": 1, "rtx-6000": 3}),
        ),
        (
            "gres/gpu:nvidia_a100_1g.5gb=2,gres/gpu=2",
            Tres(gpu_count=2, gpus_by_type={"nvidia_a100_1g.5gb": 2}),
        ),
        ("gres/gpu=5,gres/gpu:a100=2", Tres(gpu_count=5, gpus_by_type={"a100": 2})),
        ("cpu=1,gres/shard=4,gres/gpumem=10G", Tres(gpus_by_type={}, cpu_count=1)),
        ("billing=1,node=2K", Tres(gpus_by_type={}, node_count=2_048)),
        ("", Tres(gpus_by_type={})),
        ("N/A", Tres(gpus_by_type={})),
    ],
)
def test_tres_string_is_read(text: str, tres: Tres):
    assert parse_tres(text) == tres


@pytest.mark.parametrize("text", ["cpu", "cpu=", "=3", "cpu=1,,mem=1G", "gres/gpu=two"])
def test_tres_string_that_is_none_is_refused(text: str):
    with pytest.raises(MalformedValueError):
        parse_tres(text)


@given(st.dictionaries(GPU_TYPES, st.integers(1, 10_000), max_size=5), st.integers(0, 9))
def test_gpus_of_types_add_up_and_untyped_ones_count_too(by_type: dict[str, int], untyped: int):
    total = sum(by_type.values()) + untyped
    items = [f"gres/gpu:{kind}={count}" for kind, count in by_type.items()]

    assert parse_tres(",".join(["cpu=1", *items])).gpu_count == sum(by_type.values())
    with_total = parse_tres(",".join(["cpu=1", *items, f"gres/gpu={total}"]))
    assert (with_total.gpu_count, with_total.gpus_by_type) == (total, by_type)


@pytest.mark.parametrize(
    ("text", "gres"),
    [
        ("gpu:1", Gres(gpu_count=1, gpus_by_type={})),
        ("gres:gpu:2", Gres(gpu_count=2, gpus_by_type={})),
        ("gres/gpu:2", Gres(gpu_count=2, gpus_by_type={})),
        ("gres/gpu:h100:2", Gres(gpu_count=2, gpus_by_type={"h100": 2})),
        ("gpu:h100:2(S:0-1)", Gres(gpu_count=2, gpus_by_type={"h100": 2})),
        (
            "gpu:h100:2(IDX:0-1,3),gpu:a100:1(IDX:4)",
            Gres(gpu_count=3, gpus_by_type={"h100": 2, "a100": 1}),
        ),
        ("gpu:h100:2,gpu:h100:1", Gres(gpu_count=3, gpus_by_type={"h100": 3})),
        ("gpu", Gres(gpu_count=1, gpus_by_type={})),
        ("gpu:rtx-6000", Gres(gpu_count=1, gpus_by_type={"rtx-6000": 1})),
        ("gpu:a100:no_consume:4", Gres(gpu_count=4, gpus_by_type={"a100": 4})),
        ("shard:8,gpu:1", Gres(gpu_count=1, gpus_by_type={})),
        ("(null)", Gres(gpus_by_type={})),
        ("N/A", Gres(gpus_by_type={})),
        ("", Gres(gpus_by_type={})),
    ],
)
def test_gres_string_is_read(text: str, gres: Gres):
    assert parse_gres(text) == gres


@given(GPU_TYPES, st.integers(1, 64), st.sampled_from(["", "gres:", "gres/"]))
def test_gres_and_tres_agree(kind: str, count: int, prefix: str):
    gres = parse_gres(f"{prefix}gpu:{kind}:{count}")
    tres = parse_tres(f"gres/gpu:{kind}={count}")

    assert (gres.gpu_count, gres.gpus_by_type) == (tres.gpu_count, tres.gpus_by_type)


@given(st.text())
@pytest.mark.parametrize("read", [parse_tres, parse_gres])
def test_no_text_makes_a_reader_fail_in_another_way(read: Callable[[str], Tres | Gres], text: str):
    gpu_count = 0
    with suppress(MalformedValueError):
        gpu_count = read(text).gpu_count

    assert gpu_count == 0 or "gpu" in text


@pytest.mark.parametrize("read", [parse_tres, parse_gres])
def test_gpus_that_no_fact_can_hold_are_refused(read: Callable[[str], Tres | Gres]):
    item = "gpu:{}:2000000000" if read is parse_gres else "gres/gpu:{}=2000000000"

    with pytest.raises(MalformedValueError):
        read(",".join(item.format(kind) for kind in "ab"))
