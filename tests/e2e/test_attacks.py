"""Every attack of the corpus at every door: nothing runs, nothing leaks, nothing breaks.

The clusters' login nodes run real shells on this machine, so a command that got through would leave
its canary here.
"""

import asyncio
import json
import re
import shlex
import socket
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import psycopg
import pytest
from fastmcp import Client
from fastmcp.exceptions import ToolError

from slurmfleet.bus.nats import NatsLogin, NatsOptions, open_nats_bus
from slurmfleet.contracts.commands import Verb
from slurmfleet.contracts.ids import cluster_name
from slurmfleet.contracts.subjects import command_subject
from slurmfleet.timing.clock import SystemClock
from tests.harness.attacks import attacks
from tests.harness.sites import SimulatedSite, simulated_sites, submit
from tests.harness.stack import Stack, running_stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
NAME = "sim-h100"
SECRET = "the-secret-of-somebody-else"  # noqa: S105 it is none
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A stack with one running job, and what must not come to be or to light."""

    site: SimulatedSite
    stack: Stack
    job_id: str
    log: Path
    canaries: Path

    @property
    def job(self) -> str:
        return f"/v1/jobs/{NAME}/{self.job_id}"

    def attacks(self, *families: str) -> list[str]:
        canary = str(self.canaries / "canary")
        return [text for family, text in attacks(canary) if not families or family in families]

    def check(self, what: str, told: object) -> None:
        """Check that an answer shows nothing that it must not."""
        whole = json.dumps(told)
        assert SECRET not in whole, what
        assert "root:x:0" not in whole, what
        for text in strings(told):
            assert FORBIDDEN.search(text) is None, (what, text)
        assert list(self.canaries.iterdir()) == [], what


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("attacks")
    canaries = folder / "canaries"
    canaries.mkdir()
    (folder / "secret.txt").write_text(SECRET)
    with simulated_sites(folder / "sim", names=NAME) as sites:
        site = sites[NAME]
        with running_stack(folder / "stack", [site.config]) as stack:
            job_id = submit(site, "-J", "attacked", runs_s=3_000)
            job = stack.eventually(
                "the job runs",
                lambda: stack.job(NAME, job_id),
                lambda job: job is not None and job["state"] == "RUNNING",
                within_s=60,
            )
            assert job is not None
            log = Path(job["stdout_path"])
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text("a plain line\n")
            yield Target(site=site, stack=stack, job_id=job_id, log=log, canaries=canaries)


def strings(told: object) -> Iterator[str]:
    """Give every text in an answer, keys included."""
    if isinstance(told, str):
        yield told
    elif isinstance(told, dict):
        for key, value in told.items():
            yield str(key)
            yield from strings(value)
    elif isinstance(told, list):
        for one in told:
            yield from strings(one)


def stored(target: Target) -> dict[str, int]:
    """Count what is in the tables that attacks on SQL aim at."""
    with psycopg.connect(target.stack.owner_dsn()) as connection:
        names = ("jobs", "job_events", "registry_documents")
        counts = {}
        for name in names:
            row = connection.execute(f"SELECT count(*) FROM {name}").fetchone()  # noqa: S608
            assert row is not None
            counts[name] = int(row[0])
        return counts


def sent(target: Target, routes: Iterable[tuple[str, dict[str, str]]]) -> dict[int, int]:
    """Ask for all of these, several at a time; check each answer, count them by status."""
    counts: dict[int, int] = {}
    plain = {"Accept": "application/json"}  # else events are a stream without end
    with httpx.Client(base_url=target.stack.api, timeout=60, headers=plain) as client:

        def ask(one: tuple[str, dict[str, str]]) -> int:
            route, params = one
            try:
                answer = client.get(route, params=params)
            except (httpx.InvalidURL, UnicodeEncodeError):
                return 0  # no client can even send it
            assert answer.status_code < 500, (one, answer.text)
            assert "x-injected" not in answer.headers
            target.check(str(one), answer.json() if answer.content else None)
            return answer.status_code

        with ThreadPoolExecutor(4) as pool:
            for status in pool.map(ask, routes):
                counts[status] = counts.get(status, 0) + 1
    return counts


def test_nothing_gets_through_the_parameters_of_rest(target: Target):
    before = stored(target)
    routes: list[tuple[str, dict[str, str]]] = []
    for text in target.attacks():
        segment = quote(text, safe="", errors="replace")
        routes += [
            (f"/v1/jobs/{segment or '-'}/{target.job_id}", {}),
            (f"/v1/jobs/{NAME}/{segment or '-'}/log", {}),
            (f"/v1/clusters/{segment or '-'}", {}),
            ("/v1/jobs", {"q": text}),
            ("/v1/jobs", {"user": text}),
            ("/v1/jobs", {"cursor": text}),
            ("/v1/events", {"job": text, "after": "0"}),
            (f"{target.job}/log", {"after": text}),
            (f"/v1/jobs?{segment}={segment}", {}),
        ]

    counts = sent(target, routes)

    assert set(counts) <= {0, 200, 307, 400, 404}
    assert stored(target)["jobs"] == before["jobs"]


def test_a_search_for_an_attack_finds_nothing_but_its_own_text(target: Target):
    with httpx.Client(base_url=target.stack.api, timeout=60) as client:
        for text in target.attacks("sql"):
            answer = client.get("/v1/jobs", params={"q": text})
            if answer.is_success:
                names = [one["name"] + one["job_id"] for one in answer.json()["items"]]
                assert all(text.casefold() in name.casefold() for name in names), text


def test_no_path_and_no_pattern_gets_out_of_the_jobs_folders(target: Target):
    home = target.log.parent
    routes: list[tuple[str, dict[str, str]]] = [
        *((f"{target.job}/log", {"path": text}) for text in target.attacks()),
        *((f"{target.job}/log", {"path": f"{home}/{text}"}) for text in target.attacks("path")),
        *((f"{target.job}/files", {"path": text}) for text in target.attacks("path", "shell")),
        *((f"{target.job}/jsonl", {"path": text}) for text in target.attacks("path")),
        *(
            (f"{target.job}/log/search", {"q": text, "regex": regex})
            for text in target.attacks("shell", "number")
            for regex in ("true", "false")
        ),
    ]

    counts = sent(target, routes)

    assert set(counts) <= {0, 200, 400, 403, 404}
    assert counts[400] > 100
    assert counts[403] > 20


def test_no_document_takes_an_attack_for_a_name_or_a_host(target: Target):
    with httpx.Client(base_url=target.stack.api, timeout=60) as client:
        for text in target.attacks("shell", "path", "header"):
            bodies = (
                ("/v1/clusters", {"name": text, "host": "login.example.org"}),
                ("/v1/clusters", {"name": "evil", "host": text}),
                ("/v1/clusters", {"name": "evil", "host": "h", "user": f"a{text}b;"}),
                ("/v1/clusters", {"name": "evil", "host": "h", "jump": f"{text};"}),
                ("/v1/clusters", {"name": "evil", "host": "h", "control_path": f"{text}\n"}),
                ("/v1/team", {"login": f"{text};"}),
                ("/v1/projects", {"name": f"{text};"}),
            )
            for route, body in bodies:
                answer = client.post(route, json=body)
                assert answer.status_code == 400, (route, body, answer.text)
                target.check(str(body), answer.json())


def test_nothing_gets_through_what_changes_something(target: Target):
    bodies = [
        body
        for at, text in enumerate(target.attacks())
        for body in (
            # Each text at one door, the next one at the next: all at all doors would take minutes.
            ("/v1/tokens", {"name": text, "clusters": [text], "users": [text]}),
            ("/v1/board:mark", {"mark": "pinned", "jobs": [{"cluster": NAME, "job_id": text}]}),
            ("/v1/board:clear", {"groups": ["failed"], "projects": [text], "reason": text}),
            ("/v1/history/cleanup", {"before": text, "confirm": text, "users": [text]}),
            ("/v1/scripts:run", {"cluster": NAME, "script": text or "x", "arguments": [text]}),
            (f"/v1/mounts/{quote(text, safe='', errors='replace') or '-'}", {"act": "mount"}),
            (f"{target.job}/cancel", {"signal": text, "reason": text}),
            ("/v1/jobs:cancel", {"project": text[:200] or "-", "confirm": text[:64]}),
        )[at % 8 :: 8]
    ]
    before = stored(target)
    with httpx.Client(base_url=target.stack.api, timeout=60) as client:
        for route, body in bodies:
            answer = client.post(route, content=json.dumps(body).encode())
            assert answer.status_code < 500, (route, body, answer.text)
            target.check(str(body), answer.json())
        for text in target.attacks("sql", "shell", "page")[::5]:
            told = client.get("/v1/audit", params={"actor": text, "target": text})
            assert told.status_code in {200, 400}, (text, told.text)

    assert stored(target) == before
    # What was asked for stands in the audit, in words that no terminal and no page obeys.
    target.check("audit", target.stack.get("/v1/audit", limit=1_000))
    target.check("audit", [target.stack.cli("audit", "--limit", "1000").stdout])


def test_no_header_is_split_or_believed(target: Target):
    host, port = str(urlsplit(target.stack.api).hostname), urlsplit(target.stack.api).port
    for text in target.attacks("header", "shell"):
        for name in (b"If-None-Match", b"Host", b"Origin", b"Authorization", b"Accept-Encoding"):
            own = b"" if name == b"Host" else f"Host: {host}:{port}\r\n".encode()
            request = (
                *(b"GET /v1/jobs?limit=1 HTTP/1.1\r\n", own, name, b": "),
                *(text.encode("utf-8", "replace"), b"\r\nConnection: close\r\n\r\n"),
            )
            with socket.create_connection((host, port or 0), timeout=20) as line:
                line.sendall(b"".join(request))
                answer = b""
                while part := line.recv(65_536):
                    answer += part
            head, _, _ = answer.partition(b"\r\n\r\n")
            assert b"x-injected" not in head.lower(), (name, text)
            assert b" 50" not in head.split(b"\r\n")[0], (name, text)
    target.check("headers", None)


def test_nothing_gets_through_the_arguments_of_tools(target: Target):
    async def call() -> int:
        refused = 0
        async with Client(f"{target.stack.mcp}/mcp") as client:
            for text in target.attacks():
                for tool, arguments in (
                    ("get_job", {"cluster": text, "job_id": target.job_id}),
                    ("get_job", {"cluster": NAME, "job_id": text}),
                    ("list_jobs", {"query": text[:200], "user": text}),
                    ("get_job_log", {"cluster": NAME, "job_id": target.job_id, "after": text}),
                ):
                    told: object
                    try:
                        told = (await client.call_tool(tool, arguments)).structured_content
                    except ToolError as error:
                        refused += 1
                        told = [str(error)]
                    assert not str(told).startswith("['internal"), (tool, arguments)
                    target.check(text, told)
        return refused

    assert asyncio.run(call()) > 600


def test_nothing_gets_through_commands_on_the_bus(target: Target):
    """Who may send commands says where a job writes; nothing of it runs, or makes the rest fail."""
    access = target.stack.record()["access"]
    login = NatsLogin(
        user=access["SLURMFLEET_BUS_USER"], password=access["SLURMFLEET_BUS_PASSWORD"]
    )
    options = NatsOptions(servers=(access["SLURMFLEET_BUS_URL"],), name="attacker", login=login)
    subject = command_subject(cluster_name(NAME), Verb.READ_FILE)

    async def send() -> None:
        async with open_nats_bus(options, SystemClock()) as bus:
            for text in target.attacks("shell", "subject"):
                place = {"job_id": text, "raw_id": 4711, "name": text, "user": text}
                place |= {"work_dir": f"/{text}", "stdout_path": f"/{text}", "command": f"/{text}"}
                place |= {"submit_line": f"--output_dir {text}", "stderr_path": text}
                for body in (json.dumps({"job": place}).encode(), text.encode("utf-8", "replace")):
                    reply = await bus.request(subject, body, limit_s=60)
                    told = json.loads(reply.body)
                    assert told["result"] is None, text
                    assert told["problem"]["code"] != "internal", (text, told)

    asyncio.run(send())
    target.check("commands on the bus", None)


def test_what_jobs_are_called_and_write_is_shown_clean_by_every_face(target: Target):
    texts = [text for text in target.attacks() if "\x00" not in text and text.strip()]
    named = [text for text in target.attacks("terminal", "page", "prompt") if "\n" not in text]
    for text in named[:40]:
        target.site.run(f"sbatch -p cpu -J {shlex.quote(text)} --wrap 'sleep 1'")
    target.log.write_text("\n".join(texts), encoding="utf-8", errors="replace")
    target.stack.eventually(
        "the evil names are there",
        lambda: target.stack.get("/v1/jobs", limit=500)["items"],
        lambda items: len(items) > len(named[:40]),
    )

    async def by_agent() -> list[object]:
        async with Client(f"{target.stack.mcp}/mcp") as client:
            where = {"cluster": NAME, "job_id": target.job_id}
            log = await client.call_tool("get_job_log", {**where, "lines": 1_000})
            jobs = await client.call_tool("list_jobs", {"limit": 200})
        texts = [getattr(one, "text", "") for answer in (log, jobs) for one in answer.content]
        mark = str(texts[0]).splitlines()[2].removeprefix("<<< ")
        assert str(texts[0]).count(mark) == 3
        assert str(texts[0]).endswith(f"{mark} >>>")
        return [log.structured_content, jobs.structured_content, texts]

    target.check("REST, jobs", target.stack.get("/v1/jobs", limit=500))
    target.check("REST, log", target.stack.get(f"{target.job}/log", lines=5_000))
    target.check("MCP", asyncio.run(by_agent()))
    for command in (("jobs", "--limit", "500"), ("logs", NAME, target.job_id, "-n", "5000")):
        target.check("command line", [target.stack.cli(*command).stdout])


def test_nothing_gets_through_the_command_line(target: Target):
    for text in target.attacks("shell", "terminal", "subject")[::21]:
        for command in (("job", NAME, text), ("logs", text, "1"), ("jobs", "-q", text or "x")):
            done = target.stack.cli(*command, expect=None)
            assert "Traceback" not in done.stderr
            target.check(str(command), [done.stdout, done.stderr])
