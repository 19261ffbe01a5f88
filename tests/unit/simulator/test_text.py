"""How numbers, times and lists of nodes are written."""

import pytest

from services.simulator.model import Shape, compress
from services.simulator.text import (
    accounting_tres,
    full_duration,
    memory,
    moment,
    node_list,
    queue_tres,
    short_duration,
    tres_parts,
)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [((), ""), ((3,), "3"), ((2, 3, 4), "2-4"), ((0, 2, 3, 9), "0,2-3,9")],
)
def test_indices_are_compressed(numbers: tuple[int, ...], text: str):
    assert compress(numbers) == text


@pytest.mark.parametrize(
    ("length_s", "short", "full"),
    [
        (26, "0:26", "00:00:26"),
        (3600, "1:00:00", "01:00:00"),
        (259_200, "3-00:00:00", "3-00:00:00"),
        (None, "UNLIMITED", "UNLIMITED"),
    ],
)
def test_durations(length_s: int | None, short: str, full: str):
    assert (short_duration(length_s), full_duration(length_s)) == (short, full)


@pytest.mark.parametrize(
    ("size_mib", "text"), [(2000, "2000M"), (65_536, "64G"), (2_097_152, "2T"), (0, "0M")]
)
def test_memory_is_written_in_the_largest_exact_unit(size_mib: int, text: str):
    assert memory(size_mib) == text


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("gpu01",), "gpu01"),
        (("gpu01", "gpu02", "gpu07"), "gpu[01-02,07]"),
        (("gpu01", "gpu02", "cpu3"), "gpu[01-02],cpu3"),
        (("login",), "login"),
    ],
)
def test_nodes_are_compressed(names: tuple[str, ...], text: str):
    assert node_list(names) == text


def test_tres_has_another_order_in_accounting():
    parts = tres_parts(Shape(cpus=8, memory_mib=65_536, gpus=2), gpu_type="a100")

    assert (queue_tres(parts), accounting_tres(parts)) == (
        "cpu=8,mem=64G,node=1,billing=8,gres/gpu=2,gres/gpu:a100=2",
        "billing=8,cpu=8,gres/gpu:a100=2,gres/gpu=2,mem=64G,node=1",
    )


def test_times_follow_the_variable():
    assert (
        moment(0, time_format="%s"),
        moment(0, time_format=""),
        moment(None, time_format=""),
    ) == (
        "0",
        "1970-01-01T00:00:00",
        "N/A",
    )
