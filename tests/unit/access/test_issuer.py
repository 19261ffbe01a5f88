"""Which tokens of an outside issuer count, and how far each reaches."""

import base64
import json
from datetime import timedelta

import jwt
import pytest
from pydantic import JsonValue

from slurmfleet.access.binding import UnsafeIssuerError, require_safe_issuer
from slurmfleet.access.issuer import Issuer, IssuerConfig
from slurmfleet.contracts.access import ActorKind, Role, Toolset
from slurmfleet.contracts.audit import Via
from slurmfleet.contracts.problems import ProblemCode, ProblemError
from slurmfleet.testing.clock import ManualClock
from tests.harness.issuer import RESOURCE, LocalIssuer


@pytest.fixture(scope="module")
def local() -> LocalIssuer:
    made = LocalIssuer()
    for kid, algorithm in (("rsa", "RS256"), ("pss", "PS512"), ("ec", "ES256"), ("ed", "EdDSA")):
        made.make_key(kid, algorithm)
    return made


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def issuer(local: LocalIssuer, clock: ManualClock) -> Issuer:
    made = Issuer(IssuerConfig(issuer=local.url, resource=RESOURCE), clock=clock)
    made.take_keys(local.document())
    return made


def refusal(issuer: Issuer, token: str) -> ProblemCode:
    with pytest.raises(ProblemError) as refused:
        issuer.enter(token, Via.MCP)
    return refused.value.code


@pytest.mark.parametrize("kid", ["rsa", "pss", "ec", "ed"])
def test_a_token_names_somebody_with_the_role_of_its_scope(
    issuer: Issuer, local: LocalIssuer, clock: ManualClock, kid: str
):
    who = issuer.enter(local.token(kid, now=clock.now()), Via.MCP)

    assert (who.name, who.kind, who.role, who.via) == ("ada", "person", Role.OPERATOR, Via.MCP)
    assert Toolset.OPERATE in who.toolsets
    assert Toolset.ADMIN not in who.toolsets
    assert who.until is not None
    assert who.token_id.isalnum()


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"scope": "slurmfleet:viewer"}, Role.VIEWER),
        ({"scope": "slurmfleet:viewer slurmfleet:admin"}, Role.ADMIN),
        ({"scope": None, "scp": ["slurmfleet:operator"]}, Role.OPERATOR),
    ],
)
def test_the_highest_role_of_the_scope_counts(
    issuer: Issuer, local: LocalIssuer, clock: ManualClock, claims: dict[str, object], role: Role
):
    assert issuer.enter(local.token("ec", now=clock.now(), **claims), Via.MCP).role is role


@pytest.mark.parametrize(
    "scope", ["", "openid", "slurmfleet:root", "slurmfleet", "xslurmfleet:admin"]
)
def test_without_a_scope_of_ours_nothing_is_reached(
    issuer: Issuer, local: LocalIssuer, clock: ManualClock, scope: str
):
    token = local.token("ec", now=clock.now(), scope=scope)

    assert refusal(issuer, token) is ProblemCode.FORBIDDEN


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://other.example.org"},
        {"aud": None},
        {"iss": "https://evil.example.org"},
        {"iss": None},
        {"exp": None},
        {"sub": None},
        {"sub": 5},
        {"exp": 10**400},
        {"exp": "soon"},
        {"exp": float("inf")},
    ],
    ids=str,
)
def test_a_token_for_others_or_of_others_is_none(
    issuer: Issuer, local: LocalIssuer, clock: ManualClock, claims: dict[str, object]
):
    token = local.token("ec", now=clock.now(), **claims)

    assert refusal(issuer, token) is ProblemCode.UNAUTHENTICATED


def test_one_of_several_audiences_is_enough(issuer: Issuer, local: LocalIssuer, clock: ManualClock):
    token = local.token("ec", now=clock.now(), aud=["https://other.example.org", RESOURCE])

    assert issuer.enter(token, Via.MCP).name == "ada"


def test_an_expired_token_is_none(issuer: Issuer, local: LocalIssuer, clock: ManualClock):
    token = local.token("ec", now=clock.now() - timedelta(minutes=11))

    assert refusal(issuer, token) is ProblemCode.UNAUTHENTICATED


def test_a_forged_token_is_none(issuer: Issuer, local: LocalIssuer, clock: ManualClock):
    """Signed by nobody, by another, with a public key as a secret, or changed afterwards."""
    good = local.token("rsa", now=clock.now())
    head, body, mark = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    other = LocalIssuer()
    other.make_key("rsa")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": "rsa"}).encode()).decode()
    raised = {**claims, "scope": "slurmfleet:admin"}
    changed = base64.urlsafe_b64encode(json.dumps(raised).encode()).decode().rstrip("=")
    forged = [
        f"{none.rstrip('=')}.{body}.",
        other.token("rsa", now=clock.now()),
        jwt.encode(claims, "public" * 20, algorithm="HS256", headers={"kid": "rsa"}),
        f"{head}.{changed}.{mark}",
        f"{head}.{body}.",
        good[:-6],
        "",
        "a.b.c",
        "x" * 20_000,
        "\0",
        f"{base64.urlsafe_b64encode(b'[' * 9_000).decode()}.{body}.{mark}",
    ]

    assert {refusal(issuer, one) for one in forged} == {ProblemCode.UNAUTHENTICATED}


def test_a_key_with_a_shared_secret_is_never_taken(local: LocalIssuer, clock: ManualClock):
    secret = base64.urlsafe_b64encode(b"s" * 40).decode().rstrip("=")
    shared: JsonValue = {"kty": "oct", "k": secret, "kid": "oct", "alg": "HS256"}
    own: list[JsonValue] = local.document()["keys"]
    made = Issuer(IssuerConfig(issuer=local.url, resource=RESOURCE), clock=clock)
    made.take_keys({"keys": [shared, {"kty": "odd"}, "nonsense", *own]})
    claims = jwt.decode(local.token("ec", now=clock.now()), options={"verify_signature": False})
    forged = jwt.encode(claims, b"s" * 40, algorithm="HS256", headers={"kid": "oct"})

    assert refusal(made, forged) is ProblemCode.UNAUTHENTICATED
    assert made.enter(local.token("ec", now=clock.now()), Via.MCP).name == "ada"


@pytest.mark.parametrize("document", [None, [], "odd", {}, {"keys": None}])
def test_an_answer_that_is_no_set_of_keys_changes_nothing(
    issuer: Issuer, local: LocalIssuer, clock: ManualClock, document: JsonValue
):
    issuer.take_keys(document)

    assert issuer.enter(local.token("ec", now=clock.now()), Via.MCP).name == "ada"


def test_until_the_keys_are_known_it_says_so(local: LocalIssuer, clock: ManualClock):
    made = Issuer(IssuerConfig(issuer=local.url, resource=RESOURCE), clock=clock)

    assert refusal(made, local.token("ec")) is ProblemCode.ISSUER_UNAVAILABLE


def test_a_name_that_is_none_is_not_shown(issuer: Issuer, local: LocalIssuer, clock: ManualClock):
    odd = local.token("ec", now=clock.now(), preferred_username="a\x1b[31m", sub="two words")

    assert issuer.enter(odd, Via.MCP).name.startswith("oauth-")


def test_a_program_is_told_from_a_person(issuer: Issuer, local: LocalIssuer, clock: ManualClock):
    token = local.token("ec", now=clock.now(), client_id="ci", sub="ci", preferred_username=None)

    who = issuer.enter(token, Via.MCP)

    assert (who.kind, who.name) == (ActorKind.SERVICE, "ci")


def test_a_program_in_a_loop_is_slowed(issuer: Issuer, local: LocalIssuer, clock: ManualClock):
    token = local.token("ed", now=clock.now())

    def ask_for_ever() -> None:
        for _ in range(1_000):
            issuer.enter(token, Via.MCP)

    with pytest.raises(ProblemError, match="requests a minute"):
        ask_for_ever()


@pytest.mark.parametrize(
    ("given", "resource"),
    [("http://issuer.example.org", RESOURCE), ("https://issuer.example.org", "")],
)
def test_an_issuer_whose_tokens_prove_nothing_is_refused(given: str, resource: str):
    with pytest.raises(UnsafeIssuerError, match=r"SLURMFLEET_MCP_OAUTH_RESOURCE|https"):
        require_safe_issuer(given, resource, prefix="SLURMFLEET_MCP_OAUTH_")


def test_keys_that_are_read_in_the_open_are_refused():
    good, bad = "https://issuer.example.org", "http://issuer.example.org/keys"
    with pytest.raises(UnsafeIssuerError, match="over http anybody"):
        require_safe_issuer(good, RESOURCE, prefix="P_", jwks_url=bad)


@pytest.mark.parametrize("given", ["", "https://issuer.example.org", "http://127.0.0.1:9000"])
def test_others_are_not(given: str):
    require_safe_issuer(given, RESOURCE, prefix="SLURMFLEET_MCP_OAUTH_")
