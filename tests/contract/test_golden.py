"""Bytes that were ever put on the bus decode for ever.

`pytest tests/contract/test_golden.py --update-golden` writes the bytes of kinds that have none
yet; bytes that are there are never written again. Facts have grown: the bytes of a job without
details decode as well as those of one with them (`details`), and so do those of samples, each time
they grow in a folder of its own.
"""

from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from slurmfleet.contracts.codec import UndecodableMessageError, decode, encode
from slurmfleet.contracts.events import Fact, JobFact
from slurmfleet.contracts.job_parts import NO_REQUEST, GpuSource
from slurmfleet.pb.v1 import facts_pb2 as pb
from slurmfleet.testing.builders import a_fact_of_each_kind, a_full_job

GOLDEN = Path(__file__).parent / "golden" / "v1"
FACTS = {type(fact).__name__: fact for fact in a_fact_of_each_kind()}
JOB_KINDS = [kind for kind, fact in FACTS.items() if isinstance(fact, JobFact)]
PLAIN_JOB = replace(
    a_full_job(),
    node_names=(),
    has_all_node_names=True,
    batch_host="",
    gpu_source=GpuSource.TRES,
    dependencies=(),
    request=NO_REQUEST,
    stdin_path="",
    unexpanded_paths=(),
    sluid="",
)
GROWN: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "ShareSampled": {
        "details": (
            "tres_minutes_used",
            "head_room_told",
            "head_room_at_most",
            "head_room_bounded_by",
            "head_room_by_gpu_type",
            "qos_head_room",
            "limits_enforced",
        ),
        "rooms": ("rooms",),
    },
    "RollEntry": {"details": ("revision",), "ended": ()},
    "RollCalled": {"details": (), "ended": ("with_ended",)},
}
"""Fields of samples and of their parts that came after their first bytes were written, by the
folder of the bytes that have them; the oldest first."""

GROWN_BYTES = (
    ("ShareSampled", "details"),
    ("ShareSampled", "rooms"),
    ("RollCalled", "details"),
    ("RollCalled", "ended"),
)
"""Samples whose bytes have such fields, in themselves or in their parts."""


def without_later_fields(value: Any, folder: str = "") -> Any:  # noqa: ANN401 a fact or a part of it
    """Give a fact as it was when its kind was new, or had grown to what a folder has."""
    if isinstance(value, tuple):
        return tuple(without_later_fields(one, folder) for one in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    grown = GROWN.get(type(value).__name__, {})
    since = list(grown).index(folder) + 1 if folder in grown else 0
    later = [name for names in list(grown.values())[since:] for name in names]
    return replace(value, **{one.name: _before(value, one, later, folder) for one in fields(value)})


def _before(value: object, one: Field[Any], later: Collection[str], folder: str) -> object:
    if one.name not in later:
        return without_later_fields(getattr(value, one.name), folder)
    return one.default if one.default_factory is MISSING else one.default_factory()


PLAIN_FACTS = {
    type(fact).__name__: without_later_fields(fact) for fact in a_fact_of_each_kind(PLAIN_JOB)
}


@pytest.mark.parametrize("kind", FACTS)
def test_golden_bytes_decode_to_the_same_fact(kind: str, request: pytest.FixtureRequest):
    path = GOLDEN / f"{kind}.bin"
    if request.config.getoption("--update-golden") and not path.exists():
        path.write_bytes(_bytes(PLAIN_FACTS[kind]))

    assert decode(path.read_bytes()) == (PLAIN_FACTS[kind],)


@pytest.mark.parametrize(
    ("kind", "folder"),
    [
        *((kind, "details") for kind in JOB_KINDS),
        *GROWN_BYTES,
    ],
)
def test_golden_bytes_of_facts_that_have_grown_decode_to_the_same_fact(
    kind: str, folder: str, request: pytest.FixtureRequest
):
    path = GOLDEN / folder / f"{kind}.bin"
    fact = without_later_fields(FACTS[kind], folder)
    if request.config.getoption("--update-golden") and not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(_bytes(fact))

    assert decode(path.read_bytes()) == (fact,)


def test_every_kind_of_fact_has_golden_bytes():
    fields = pb.Fact.DESCRIPTOR.oneofs[0].fields
    bodies = {field.message_type.name for field in fields if field.message_type is not None}

    assert bodies == set(FACTS)
    assert {path.stem for path in GOLDEN.glob("*.bin")} == bodies


@pytest.mark.parametrize("kind", FACTS)
def test_a_fact_survives_its_way_over_the_bus(kind: str):
    assert decode(_bytes(FACTS[kind])) == (FACTS[kind],)


def test_fields_of_a_later_version_are_ignored_and_kinds_left_out():
    later = pb.FactPack.FromString(_bytes(FACTS["JobStarted"]))
    # Field 99 of Fact and a pack entry whose only content is an unknown kind.
    newer = later.SerializeToString() + b"\x0a\x05\xfa\x06\x02hi" + b"\x9a\x06\x02xx"

    assert decode(newer) == (FACTS["JobStarted"],)


@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"\x0a\x02\x52\x00", b"not protobuf at all"])
def test_bytes_that_are_no_pack_are_refused(body: bytes):
    with pytest.raises(UndecodableMessageError):
        decode(body)


def _bytes(fact: Fact) -> bytes:
    (message,) = encode([fact], source="/collector/alpha")
    return message.body
