from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.gpu.errors import GpuTextError, MalformedRowError, UnknownFormatError
from slurmfleet.gpu.readings import GpuReading, LoadReading
from slurmfleet.gpu.sidecar import NodeSample, own_gpus, parse_sample

A = "GPU-aaaaaaaa-0000-4000-8000-000000000000"
B = "GPU-bbbbbbbb-0000-4000-8000-000000000000"


def line(*fields: str, head: str = "sf1\t1795647023", end: str = "end") -> str:
    return "\t".join([head, *fields, end])


def gpu(uuid: str, index: int = 0) -> str:
    return f"gpu={index}, {uuid}, 81, 57351, 81559, 584.00, 51, NVIDIA H100 80GB HBM3"


def sample(*fields: str) -> NodeSample:
    return parse_sample(line("job=41", "node=hgx01", "every=10", *fields))


def test_a_sample_is_read():
    told = sample("by=cgroup2", "cpu_us=2500000", "rss_kib=5120", "limit_kib=65536", gpu(A))

    assert told == NodeSample(
        epoch_s=1795647023,
        raw_job_id=41,
        node="hgx01",
        every_s=10,
        load=LoadReading(cpu_time_s=2.5, memory_used_mib=5, memory_limit_mib=64),
        load_by="cgroup2",
        gpus=(
            GpuReading(
                uuid=A,
                index=0,
                model="NVIDIA H100 80GB HBM3",
                utilization_pct=81,
                memory_used_mib=57351,
                memory_total_mib=81559,
                power_w=584,
                temperature_c=51,
            ),
        ),
        minors={},
    )


def test_what_is_cut_is_no_sample():
    whole = line("job=41", "node=hgx01", gpu(A))

    for length in range(len(whole)):
        with pytest.raises(GpuTextError):
            parse_sample(whole[:length])


def test_a_later_format_is_said_to_be_one():
    with pytest.raises(UnknownFormatError):
        parse_sample(line("job=41", "node=n", head="sf2\t1"))


@pytest.mark.parametrize("fields", [("node=a",), ("job=41",), ("job=x", "node=a"), ()])
def test_a_sample_needs_its_job_and_node(fields: tuple[str, ...]):
    with pytest.raises(MalformedRowError):
        parse_sample(line(*fields))


def test_fields_that_are_not_known_are_no_hindrance():
    assert sample("ecc=12", "gpu2=x").raw_job_id == 41


def test_why_there_is_no_gpu_is_kept():
    told = sample("gpu=No devices were found", "fault=nvidia-smi exit status 6")

    assert told.gpus == ()
    assert told.faults == ("nvidia-smi exit status 6", "No devices were found")


def test_slices_take_the_place_of_their_gpu():
    told = sample(
        gpu(A),
        f"list=GPU 0: NVIDIA A100 (UUID: {A})",
        "list=  MIG 1g.5gb      Device  0: (UUID: MIG-1)",
        "mig=|  0    7   0   0  |      6MiB /  4864MiB  | 14      0 |  1   0    0    0    0 |",
    )

    assert [(one.uuid, one.mig_profile, one.memory_used_mib) for one in told.gpus] == [
        ("MIG-1", "1g.5gb", 6)
    ]


def test_all_gpus_are_the_jobs_where_no_more_are_seen_than_it_has():
    assert len(own_gpus(sample(gpu(A), gpu(B, 1)), 2) or ()) == 2


def test_among_more_gpus_those_named_in_cuda_visible_devices_are_the_jobs():
    told = sample(gpu(A), gpu(B, 1), f"visible={B}", "own=0")

    assert [one.uuid for one in own_gpus(told, 1) or ()] == [B]


def test_among_more_gpus_slurms_numbers_are_device_numbers_and_no_indices():
    told = sample(gpu(A), gpu(B, 1), "visible=0", "own=0", f"minor={A} 1", f"minor={B} 0")

    assert [one.uuid for one in own_gpus(told, 1) or ()] == [B]


def test_gpus_that_cannot_be_told_apart_are_nobodys():
    assert own_gpus(sample(gpu(A), gpu(B, 1), "visible=0", "own=0"), 1) is None


@given(st.text(max_size=300))
def test_any_text_is_a_sample_or_an_error_of_this_room(text: str):
    for candidate in (text, line("job=41", "node=a", text), line(text)):
        with suppress(GpuTextError):
            parse_sample(candidate)
