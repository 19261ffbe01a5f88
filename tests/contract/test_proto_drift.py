"""The committed generated code is what protoc makes of proto/, and numbers never change hands."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from slurmfleet.pb.v1 import facts_pb2, samples_pb2, sections_pb2

ROOT = Path(__file__).parents[2]
FILES = (facts_pb2.DESCRIPTOR, samples_pb2.DESCRIPTOR, sections_pb2.DESCRIPTOR)
NUMBERS = Path(__file__).parent / "golden" / "v1" / "field-numbers.json"


@pytest.mark.timeout(60)
def test_generated_code_is_up_to_date(tmp_path: Path):
    protos = sorted((ROOT / "proto").rglob("*.proto"))
    made = [f"--python_out={tmp_path}", f"--pyi_out={tmp_path}"]

    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}", *made, *protos],
        check=True,
    )

    fresh = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*_pb2.py*")}
    committed = {path: (ROOT / path).read_text() for path in fresh}
    assert fresh == committed, "run `make proto`"


def test_no_field_number_was_changed_or_reused(request: pytest.FixtureRequest):
    now = _numbers()
    if request.config.getoption("--update-golden"):
        before = json.loads(NUMBERS.read_text()) if NUMBERS.exists() else {}
        NUMBERS.write_text(json.dumps({**now, **before}, indent=2, sort_keys=True) + "\n")
    shipped: dict[str, list[str]] = json.loads(NUMBERS.read_text())

    changed = {
        number: (field, now[number])
        for number, field in shipped.items()
        if number in now and now[number] != field
    }
    dropped = {
        number: field
        for number, field in shipped.items()
        if number not in now and not _is_reserved(number)
    }

    assert (changed, dropped) == ({}, {})
    assert set(now) <= set(shipped), "run with --update-golden to record the new fields"


def _numbers() -> dict[str, list[str]]:
    """Give name and type of every field by message and number."""
    return {
        f"{message.name}.{field.number}": [field.name, str(field.type)]
        for file in FILES
        for message in file.message_types_by_name.values()
        for field in message.fields
    }


def _is_reserved(key: str) -> bool:
    from google.protobuf import descriptor_pb2

    message, _, number = key.partition(".")
    described = [descriptor_pb2.FileDescriptorProto.FromString(one.serialized_pb) for one in FILES]
    return any(
        held.start <= int(number) < held.end
        for file in described
        for one in file.message_type
        if one.name == message
        for held in one.reserved_range
    )
