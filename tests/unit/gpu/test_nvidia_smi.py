import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.gpu.errors import MalformedRowError
from slurmfleet.gpu.nvidia_smi import (
    ListedSlice,
    parse_gpu_row,
    parse_gpu_rows,
    parse_listed_slices,
    with_slices,
)
from slurmfleet.gpu.readings import GpuReading

UUID = "GPU-e467338d-0000-4000-8000-000000000000"
H100 = "NVIDIA H100 80GB HBM3"
LISTING = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f)
  MIG 3g.20gb     Device  0: (UUID: MIG-4ff389d8-1d2b-5c5e-b8a6-24b6d8b0c1a1)
  MIG 1c.3g.20gb  Device  1: (UUID: MIG-GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f/2/0)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-11111111-d268-c3f3-1b07-005d5ae1dc3f)
"""
TABLE = """\
| MIG devices:                                                                          |
| GPU  GI  CI  MIG |                   Memory-Usage |        Vol|        Shared         |
|      ID  ID  Dev |                     BAR1-Usage | SM     Unc| CE ENC  DEC  OFA  JPG |
|  0    1   0   0  |           12345MiB / 19968MiB  | 42      0 |  3   0    2    0    0 |
|                  |               2MiB / 32767MiB  |           |                       |
|  0    2   0   1  |              10MiB / 19968MiB  | 42      0 |  3   0    2    0    0 |
"""


def test_a_row_is_read_with_its_numbers():
    row = f"3, {UUID}, 81, 57351, 81559, 584.12, 51, {H100}"

    assert parse_gpu_row(row) == GpuReading(
        uuid=UUID,
        index=3,
        model=H100,
        utilization_pct=81,
        memory_used_mib=57351,
        memory_total_mib=81559,
        power_w=584.12,
        temperature_c=51,
    )


def test_units_do_not_hinder():
    row = f"0, {UUID}, 81 %, 57351 MiB, 81559 MiB, 584.12 W, 51, {H100}"

    assert parse_gpu_row(row).memory_used_mib == 57351
    assert parse_gpu_row(row).power_w == 584.12


@pytest.mark.parametrize(
    "word",
    ["[N/A]", "N/A", "[Not Supported]", "[Unknown Error]", "ERR!", "[GPU requires reset]", ""],
)
def test_what_the_driver_does_not_tell_is_none_and_never_zero(word: str):
    row = f"0, {UUID}, {word}, {word}, {word}, {word}, {word}, {H100}"

    assert parse_gpu_row(row) == GpuReading(uuid=UUID, index=0, model=H100)
    assert not parse_gpu_row(row).tells


def test_a_lost_gpu_costs_its_own_row_and_is_told():
    lost = (
        "Unable to determine the device handle for GPU0000:3B:00.0: GPU is lost."
        "  Reboot the system to recover this GPU"
    )

    table = parse_gpu_rows([f"0, {UUID}, 1, 2, 3, 4, 5, {H100}", lost, "", "what is this"])

    assert [gpu.index for gpu in table.gpus] == [0]
    assert table.complaints == (lost,)
    assert table.bad == ("what is this",)


@pytest.mark.parametrize(
    "words",
    [
        "No devices were found",
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
        "Failed to initialize NVML: Driver/library version mismatch",
        'Field "mig.mode.current" is not a valid field to query.',
    ],
)
def test_complaints_of_the_driver_are_no_rows(words: str):
    assert parse_gpu_rows([words]).complaints == (words,)


def test_slices_are_listed_with_their_gpu():
    assert parse_listed_slices(LISTING.splitlines()) == (
        ListedSlice(
            gpu_index=0,
            device=0,
            uuid="MIG-4ff389d8-1d2b-5c5e-b8a6-24b6d8b0c1a1",
            profile="3g.20gb",
            model="NVIDIA A100-SXM4-40GB",
        ),
        ListedSlice(
            gpu_index=0,
            device=1,
            uuid="MIG-GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f/2/0",
            profile="1c.3g.20gb",
            model="NVIDIA A100-SXM4-40GB",
        ),
    )


def test_slices_stand_in_the_place_of_their_gpu_with_their_own_memory():
    whole = GpuReading(uuid="GPU-1", index=1, utilization_pct=5)
    cut = GpuReading(uuid="GPU-0", index=0, power_w=300, memory_used_mib=12355)

    shown = with_slices([cut, whole], parse_listed_slices(LISTING.splitlines()), TABLE.splitlines())

    assert shown[0] == whole
    assert [(one.mig_profile, one.memory_used_mib, one.memory_total_mib) for one in shown[1:]] == [
        ("3g.20gb", 12345, 19968),
        ("1c.3g.20gb", 10, 19968),
    ]
    assert [(one.utilization_pct, one.power_w) for one in shown[1:]] == [(None, None)] * 2


@given(st.text(max_size=200))
def test_any_text_is_a_row_or_a_malformed_one(text: str):
    try:
        reading = parse_gpu_row(text)
    except MalformedRowError:
        return
    assert reading.uuid.startswith("GPU-")


@given(st.lists(st.text(max_size=80), max_size=20))
def test_any_lines_are_read_without_an_error(lines: list[str]):
    table = parse_gpu_rows(lines)

    parse_listed_slices(lines)
    with_slices(table.gpus, parse_listed_slices(lines), lines)
    assert len(table.gpus) + len(table.bad) + len(table.complaints) <= len(lines)
