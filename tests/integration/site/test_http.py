"""Requests to a real HTTP server: what comes through, and what is refused."""

import asyncio
import base64
import ssl
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from slurmfleet.contracts.registry import SecretKind, SiteService
from slurmfleet.site.errors import (
    SiteAnswerError,
    SiteAnswerTooLargeError,
    SiteBusyError,
    SiteConfigError,
    SiteDeniedError,
    SiteError,
    SiteRedirectError,
    SiteRefusedError,
    SiteTimeoutError,
    SiteTlsError,
    SiteUnreachableError,
)
from slurmfleet.site.http import ATTEMPTS, Places, SiteHttp, open_site
from slurmfleet.site.service import service_of
from slurmfleet.testing.clock import ManualClock
from tests.harness.site import Asked, Reply, json_reply, site_server

pytestmark = pytest.mark.integration

SECRET_VARIABLE = "SLURMFLEET_SITE_SEARCH"  # noqa: S105 a name


class QuickClock(ManualClock):
    """Does not wait, and remembers for how long it was asked to."""

    def __init__(self) -> None:
        super().__init__()
        self.slept_s: list[float] = []

    async def sleep(self, delay_s: float) -> None:
        self.slept_s.append(delay_s)
        self.advance(delay_s)


@asynccontextmanager
async def client(
    url: str, *, places: Places | None = None, clock: QuickClock | None = None, **fields: object
) -> AsyncGenerator[SiteHttp]:
    config = SiteService.model_validate({"url": url, **fields})
    service = service_of("alpha", "opensearch", config)
    async with open_site(service, places=places or Places(), clock=clock or QuickClock()) as http:
        yield http


async def test_reads_json_below_the_path_that_was_configured():
    with site_server(lambda _: json_reply({"took": 3})) as server:
        async with client(f"{server.url}/search/") as http:
            answer = await http.get("my index", "_search", params={"q": "a b"})

    assert (answer, server.asked[0].path) == ({"took": 3}, "/search/my%20index/_search?q=a+b")


async def test_sends_json_and_forms():
    with site_server(lambda _: json_reply({})) as server:
        async with client(server.url) as http:
            await http.post_json("_search", body={"size": 0})
            await http.post_form("api", fields={"query": "up{}"})

    assert [one.body for one in server.asked] == [b'{"size":0}', b"query=up%7B%7D"]


@pytest.mark.parametrize(
    ("kind", "header"),
    [
        (SecretKind.BEARER, "Bearer me:secret"),
        (SecretKind.BASIC, "Basic " + base64.b64encode(b"me:secret").decode()),
    ],
)
async def test_proves_who_it_is_by_a_file(tmp_path: Path, kind: SecretKind, header: str):
    secret = tmp_path / "search.token"
    secret.write_text("me:secret\n")

    with site_server(lambda _: json_reply({})) as server:
        async with client(server.url, token_file=str(secret), secret_kind=kind) as http:
            await http.get("x")

    assert server.asked[0].headers["Authorization"] == header


async def test_proves_who_it_is_by_a_variable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(SECRET_VARIABLE, "abc")

    with site_server(lambda _: json_reply({})) as server:
        async with client(server.url, token_env=SECRET_VARIABLE) as http:
            await http.get("x")

    assert server.asked[0].headers["Authorization"] == "Bearer abc"


@pytest.mark.parametrize("content", ["", "one\ntwo", "naïve"])
async def test_secret_that_is_none_is_never_sent(tmp_path: Path, content: str):
    secret = tmp_path / "search.token"
    secret.write_text(content)

    with site_server(lambda _: json_reply({})) as server:
        async with client(server.url, token_file=str(secret)) as http:
            with pytest.raises(SiteConfigError):
                await http.get("x")

    assert server.asked == []


def html(_: Asked) -> Reply:
    return Reply(body=b"<html>\n<title>Log in</title>", content_type="text/html")


def refusing(status: int, **headers: str) -> Reply:
    return Reply(status=status, body=b'{"error": "no\\u0000\n such index"}', headers=dict(headers))


@pytest.mark.parametrize(
    ("reply", "error", "tries"),
    [
        (html(Asked(method="", path="", headers={}, body=b"")), SiteAnswerError, 1),
        (Reply(body=b'{"a": NaN}'), SiteAnswerError, 1),
        (Reply(body=b"[" * 100_000), SiteAnswerError, 1),
        (Reply(body=b'{"a": ' + b"9" * 5_000 + b"}"), SiteAnswerError, 1),
        (Reply(body=b"\xff\xfe"), SiteAnswerError, 1),
        (Reply(body=b""), SiteAnswerError, 1),
        (refusing(302, Location="http://elsewhere.example.org/login?next=x"), SiteRedirectError, 1),
        (refusing(401), SiteDeniedError, 1),
        (refusing(403), SiteDeniedError, 1),
        (refusing(404), SiteRefusedError, 1),
        (refusing(500), SiteRefusedError, 1),
        (refusing(429), SiteBusyError, ATTEMPTS),
        (refusing(503), SiteBusyError, ATTEMPTS),
        (Reply(body=b"{}", headers={"Content-Length": "99"}), SiteUnreachableError, ATTEMPTS),
        (Reply(body=b" " * 1024 * 1024, repeat=33), SiteAnswerTooLargeError, 1),
    ],
    ids=[
        *("login page", "no number", "too deep", "too many digits", "no text", "nothing"),
        *("redirect", "unauthorized", "forbidden", "not found", "failed", "too many", "down"),
        *("cut short", "too large"),
    ],
)
async def test_answer_that_is_no_answer(reply: Reply, error: type[SiteError], tries: int):
    with site_server(lambda _: reply) as server:
        async with client(server.url) as http:
            with pytest.raises(error) as caught:
                await http.get("x")

    assert (type(caught.value), len(server.asked)) == (error, tries)
    assert "\n" not in str(caught.value)


async def test_error_carries_the_words_of_the_service():
    with site_server(lambda _: refusing(404)) as server:
        async with client(server.url) as http:
            with pytest.raises(SiteRefusedError) as caught:
                await http.get("x")

    assert caught.value.words == '{"error": "no\\u0000 such index"}'


async def test_busy_service_is_asked_again_when_it_wants():
    replies = [refusing(429, **{"Retry-After": "7"}), refusing(503), json_reply({"took": 1})]
    clock = QuickClock()

    with site_server(lambda _: replies.pop(0)) as server:
        async with client(server.url, clock=clock) as http:
            answer = await http.get("x")

    assert (answer, clock.slept_s[0], 1.5 <= clock.slept_s[1] <= 2.5) == ({"took": 1}, 7.0, True)


async def test_service_that_hangs_costs_its_limit():
    never = threading.Event()

    with site_server(lambda _: Reply(wait=never)) as server:
        async with client(server.url) as http:
            with pytest.raises(SiteTimeoutError):
                await http.get("x", limit_s=0.1)
        never.set()


async def test_nobody_there():
    with site_server(html) as server:
        url = server.url

    async with client(url) as http:
        with pytest.raises(SiteUnreachableError):
            await http.get("x")


async def test_only_so_many_requests_at_once():
    under_way, most, lock = 0, 0, threading.Lock()
    go_on = threading.Event()

    def slow(_: Asked) -> Reply:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        go_on.wait(0.1)
        with lock:
            under_way -= 1
        return json_reply({})

    places = Places(2)
    with site_server(slow) as server:
        async with (
            client(server.url, places=places) as one,
            client(server.url, places=places) as other,
            asyncio.TaskGroup() as tasks,
        ):
            for _ in range(4):
                tasks.create_task(one.get("x"))
                tasks.create_task(other.get("x"))

    assert (most, len(server.asked)) == (2, 8)


def certificate(folder: Path) -> ssl.SSLContext:
    """Make a certificate for 127.0.0.1 that nobody signed but itself."""
    import datetime as dt
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(tz=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "site.crt").write_bytes(made.public_bytes(pem))
    (folder / "site.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "site.crt", folder / "site.key")
    return context


async def test_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path):
    with site_server(lambda _: json_reply({}), tls=certificate(tmp_path)) as server:
        async with client(server.url) as http:
            with pytest.raises(SiteTlsError):
                await http.get("x")

    assert server.asked == []


async def test_certificate_of_the_site_holds(tmp_path: Path):
    with site_server(lambda _: json_reply({"took": 2}), tls=certificate(tmp_path)) as server:
        async with client(server.url, ca_file=str(tmp_path / "site.crt")) as http:
            answer = await http.get("x")

    assert answer == {"took": 2}


async def test_certificates_that_cannot_be_read_are_said(tmp_path: Path):
    with pytest.raises(SiteConfigError):
        async with client("https://search.example.org", ca_file=str(tmp_path / "none.crt")):
            pass
