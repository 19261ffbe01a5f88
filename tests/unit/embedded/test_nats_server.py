"""The embedded bus' files and its refusals; the running server is in tests/integration/bus."""

import json
import re
import socket
import stat
from pathlib import Path

import pytest

from slurmfleet.bus.nats_rights import BusUser
from slurmfleet.bus.rights import BusRole, rights_of
from slurmfleet.embedded.child import free_port
from slurmfleet.embedded.nats_files import read_or_make_password, render_nats_config, write_private
from slurmfleet.embedded.nats_server import (
    NatsServer,
    NatsServerError,
    NatsServerOptions,
    PortTakenError,
)
from slurmfleet.timing.clock import SystemClock


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_the_password_is_made_once_and_is_private(tmp_path: Path):
    file = tmp_path / "new" / "nats.password"

    first, second = read_or_make_password(file), read_or_make_password(file)

    assert first == second == file.read_text("utf-8").strip()
    assert len(first) >= 32
    assert mode(file) == 0o600


def test_a_given_password_is_kept(tmp_path: Path):
    file = tmp_path / "nats.password"
    file.write_text("from the admin\n")

    assert read_or_make_password(file) == "from the admin"


def test_a_private_file_replaces_an_open_one(tmp_path: Path):
    file = tmp_path / "nats.conf"
    file.write_text("old")
    file.chmod(0o644)

    write_private(file, "new")

    assert (file.read_text(), mode(file), list(tmp_path.iterdir())) == ("new", 0o600, [file])


def test_the_configuration_quotes_what_it_is_given(tmp_path: Path):
    odd = 'dou"ble \\ and\nline'

    text = render_nats_config(
        port=4222,
        http_port=None,
        server_name="slurmfleet",
        users=[BusUser(name="api", rights=rights_of(BusRole.API), password=odd)],
        store_dir=tmp_path,
        pid_file=tmp_path / "nats.pid",
        log_file=tmp_path / "nats.log",
    )

    written = re.search(r"password: (.*), permissions", text)
    assert written is not None
    assert json.loads(written[1]) == odd
    assert 'listen: "127.0.0.1:4222"' in text
    assert "http" not in text


async def test_a_taken_port_is_named(tmp_path: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        options = NatsServerOptions(data_dir=tmp_path, port=port, binary=Path("/bin/true"))

        with pytest.raises(PortTakenError, match=f"port {port} is taken") as caught:
            await NatsServer(options, SystemClock()).start()

    assert caught.value.port == port


async def test_a_program_that_ends_at_once_is_told(tmp_path: Path):
    options = NatsServerOptions(data_dir=tmp_path, port=free_port(), binary=Path("/bin/true"))
    server = NatsServer(options, SystemClock())

    with pytest.raises(NatsServerError, match="ended while starting"):
        await server.start()

    assert server.pid is None
