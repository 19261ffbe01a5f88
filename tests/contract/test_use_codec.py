"""Samples of running jobs are read and written by hand exactly as `mirror` reads and writes all."""

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurmfleet.contracts.ids import ClusterName, JobId
from slurmfleet.contracts.mirror import fill, value_of
from slurmfleet.contracts.use import GpuSampled, LoadSampled
from slurmfleet.contracts.use_codec import gpu_from_pb, gpu_to_pb, load_from_pb, load_to_pb
from slurmfleet.pb.v1 import samples_pb2 as pb
from slurmfleet.testing.builders import NOON
from slurmfleet.testing.samples import filled

Way = Callable[[Any], Any]
KINDS: list[tuple[type[Any], type[Any], Way, Way]] = [
    (GpuSampled, pb.GpuSampled, gpu_to_pb, gpu_from_pb),
    (LoadSampled, pb.LoadSampled, load_to_pb, load_from_pb),
]


@pytest.mark.parametrize(("kind", "message", "to_pb", "from_pb"), KINDS)
@given(data=st.data())
def test_both_ways_give_the_same(
    data: st.DataObject, kind: type[Any], message: type[Any], to_pb: Way, from_pb: Way
):
    full = filled(kind)
    optional = [one.name for one in fields(kind) if one.default is not MISSING]
    absent = data.draw(st.sets(st.sampled_from(optional)))
    sample = kind(
        **{one.name: getattr(full, one.name) for one in fields(kind) if one.name not in absent}
    )

    mirrored = message()
    fill(mirrored, sample)

    assert to_pb(sample) == mirrored
    assert from_pb(mirrored) == value_of(kind, mirrored) == sample


@pytest.mark.parametrize(("kind", "message", "to_pb", "from_pb"), KINDS)
def test_zeros_are_told_apart_from_what_is_absent(
    kind: type[Any], message: type[Any], to_pb: Way, from_pb: Way
):
    needed = {
        "cluster": ClusterName("alpha"),
        "observed_at": NOON,
        "source": "sstat",
        "job_id": JobId("7"),
        "submitted_at": NOON,
    }
    zeros = {one.name: 0 for one in fields(kind) if one.default is None and one.name not in needed}

    sample, bare = kind(**needed, **zeros), kind(**needed)

    assert from_pb(message.FromString(to_pb(sample).SerializeToString())) == sample
    assert from_pb(message.FromString(to_pb(bare).SerializeToString())) == bare != sample
